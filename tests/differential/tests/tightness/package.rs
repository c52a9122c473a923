//! The package whose operations are measured: tables of each kind, and a command or query for each operation.

pub const TEXT: &str = "package generated

table Hashed {
    key id: u64
    value: u64
}

table Ordered {
    key id: u64 ordered
    value: u64
}

table Dense capacity 1_000_000 {
    key id: u64 dense
    value: u64
}

table Indexed {
    key id: u64
    kind: u64
    name: u64
    index by_kind(kind)
    unique by_name(name)
}

query get_hashed(id: u64) -> u64 allow anyone {
    let row = Hashed.get(id) else return 0
    row.value
}
command write_hashed(id: u64, value: u64) allow anyone {
    let row = Hashed.get(id) else return
    row.value = value
}
command insert_hashed(id: u64, value: u64) allow anyone { Hashed.insert({ id, value }) }
command put_hashed(id: u64, value: u64) allow anyone { Hashed.put({ id, value }) }
command get_or_insert_hashed(id: u64, value: u64) allow anyone {
    let row = Hashed.get_or_insert(id, { value: 0 })
    row.value += value
}
command delete_hashed(id: u64) -> bool allow anyone { Hashed.delete(id) }

query get_ordered(id: u64) -> u64 allow anyone {
    let row = Ordered.get(id) else return 0
    row.value
}
command write_ordered(id: u64, value: u64) allow anyone {
    let row = Ordered.get(id) else return
    row.value = value
}
command insert_ordered(id: u64, value: u64) allow anyone { Ordered.insert({ id, value }) }
command put_ordered(id: u64, value: u64) allow anyone { Ordered.put({ id, value }) }
command get_or_insert_ordered(id: u64, value: u64) allow anyone {
    let row = Ordered.get_or_insert(id, { value: 0 })
    row.value += value
}
command delete_ordered(id: u64) -> bool allow anyone { Ordered.delete(id) }
query up_ordered(from: u64) -> list<u64, 8> allow anyone {
    [row.value for row in Ordered.from(from) take 8]
}
query down_ordered(to: u64) -> list<u64, 8> allow anyone {
    [row.value for row in Ordered.descending().to(to) take 8]
}

query get_dense(id: u64) -> u64 allow anyone {
    let row = Dense.get(id) else return 0
    row.value
}
command write_dense(id: u64, value: u64) allow anyone {
    let row = Dense.get(id) else return
    row.value = value
}
command insert_dense(id: u64, value: u64) allow anyone { Dense.insert({ id, value }) }
command put_dense(id: u64, value: u64) allow anyone { Dense.put({ id, value }) }
command delete_dense(id: u64) -> bool allow anyone { Dense.delete(id) }

query get_unique(name: u64) -> u64 allow anyone {
    let row = Indexed.by_name.get(name) else return 0
    row.kind
}
query up_index(kind: u64) -> list<u64, 8> allow anyone {
    [row.name for row in Indexed.by_kind(kind) take 8]
}
query down_index(kind: u64) -> list<u64, 8> allow anyone {
    [row.name for row in Indexed.by_kind(kind).descending() take 8]
}
command insert_indexed(id: u64, kind: u64, name: u64) allow anyone {
    Indexed.insert({ id, kind, name })
}
command put_indexed(id: u64, kind: u64, name: u64) allow anyone { Indexed.put({ id, kind, name }) }
command move_indexed(id: u64, kind: u64) allow anyone {
    let row = Indexed.get(id) else return
    row.kind = kind
}
command delete_indexed(id: u64) -> bool allow anyone { Indexed.delete(id) }
";
