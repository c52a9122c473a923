//! Names of other languages' libraries, and what is written here instead. They are asked only for names that are not
//! declared, and before near names: `map` is no slip for `max`.

/// What to write in place of a name: the hint, and the text that may be pasted over the name.
pub(crate) type Instead = (&'static str, Option<&'static str>);

/// A value.
pub(crate) fn value(name: &str) -> Option<Instead> {
    Some(match name {
        "null" | "nil" | "None" | "undefined" | "Null" | "NULL" | "nullptr" => {
            ("absence is `none`", Some("none"))
        }
        "pass" => ("an empty block is `{}`", None),
        "True" | "TRUE" | "yes" => ("write `true`", Some("true")),
        "False" | "FALSE" | "no" => ("write `false`", Some("false")),
        "msg" | "sender" | "ctx" | "context" | "user" | "current_user" | "auth" | "session" => {
            ("who calls is `caller.id`", None)
        }
        "self" | "this" => (
            "there are no methods: a `fn` takes what it works on as an argument",
            None,
        ),
        "block" | "timestamp" | "datetime" | "Date" | "DateTime" | "Instant" | "SystemTime"
        | "Clock" | "clock" | "today" => ("the time is `now`", None),
        "Math" | "math" => ("write `min(a, b)`, `max(a, b)`, `abs(a)`", None),
        "console" | "sys" | "os" | "process" | "stdout" => (
            "nothing is printed: `emit` an event, or return the value",
            None,
        ),
        "db" | "database" | "conn" | "connection" | "cursor" | "storage" | "tx" => {
            ("tables are named directly, as in `Account.get(id)`", None)
        }
        "random" | "rand" | "Random" => (
            "there is no chance in a command: take a number as an argument",
            None,
        ),
        _ => return None,
    })
}

/// A function.
pub(crate) fn function(name: &str) -> Option<Instead> {
    Some(match name {
        "len" | "length" | "size" | "count" => ("write `xs.len()`", None),
        "range" | "xrange" => ("write `0..n`", None),
        "require" | "assert" | "check" | "ensure" | "guard" => {
            ("write `ensure condition else Failure`", None)
        }
        "revert" | "throw" | "panic" | "raise" | "abort" | "Error" | "Exception" => {
            ("write `fail Failure`", None)
        }
        "print" | "println" | "printf" | "log" | "echo" | "debug" => (
            "nothing is printed: `emit` an event, or return the value",
            None,
        ),
        "Some" | "Just" | "Option" => (
            "a value stands for itself where an optional is expected: leave `Some` out",
            Some(""),
        ),
        "Ok" | "Success" => ("a value is returned as it is: leave `Ok` out", Some("")),
        "Err" | "Failure" => ("write `fail Failure`", None),
        "time" | "timestamp" | "current_timestamp" | "getdate" => {
            ("the time is `now`, without brackets", None)
        }
        "random" | "rand" | "uuid" | "gen_random_uuid" => (
            "there is no chance in a command: take a number as an argument",
            None,
        ),
        "sum" | "avg" | "total" | "reduce" | "fold" => (
            "add up in a loop, or keep it: `aggregate total = sum(Table.field)`",
            None,
        ),
        "int" | "u8" | "u16" | "u32" | "u64" | "u128" | "i8" | "i16" | "i32" | "i64" | "i128"
        | "uint" | "uint256" => (
            "write `x as u64` where nothing can be lost, else `x.try_into()`",
            None,
        ),
        "coalesce" | "COALESCE" | "ifnull" | "nvl" => ("write `x ?? default`", None),
        "isNaN" | "is_null" | "isnull" => ("write `x.is_none()`", None),
        "keccak256" | "sha256" | "hash" => (
            "there is no hash function yet: send the hash as `bytes<32>`",
            None,
        ),
        "pow" | "sqrt" | "round" | "floor" | "ceil" => (
            "amounts are integers of the smallest unit; multiply and divide those",
            None,
        ),
        _ => return None,
    })
}

/// An operation of a value, called or not.
pub(crate) fn method(name: &str) -> Option<Instead> {
    Some(match name {
        "length" | "size" | "count" | "Length" | "Count" => ("write `len()`", Some("len")),
        "add" | "append" | "insert" | "push_back" | "Add" | "unshift" | "concat_one" => {
            ("write `push(x)`", Some("push"))
        }
        "map" | "select" | "collect" | "iter" | "into_iter" | "forEach" | "each" => {
            ("build a list with `[f(x) for x in xs]`", None)
        }
        "filter" | "where" => ("write `[x for x in xs if c]`", None),
        "reduce" | "fold" | "sum" => (
            "add up in a loop: `var total = 0`, `for x in xs { total += x }`",
            None,
        ),
        "sort" | "sorted" | "sort_by" | "order_by" | "reverse" => (
            "rows come in order from an `index`; a list stays in the order in which it was filled",
            None,
        ),
        "includes" | "has" | "include" | "indexOf" | "find" => {
            ("write `contains(x)`", Some("contains"))
        }
        "isEmpty" | "empty" | "is_zero" => ("write `is_empty()`", Some("is_empty")),
        "startsWith" | "hasPrefix" | "startswith" => {
            ("write `starts_with(x)`", Some("starts_with"))
        }
        "into" => ("x as T, where nothing can be lost; else x.try_into()", None),
        "clone" | "copy" | "to_owned" => {
            ("everything but a row is a copy already; leave it out", None)
        }
        "isSome" | "is_present" | "isPresent" | "exists" | "is_not_null" => {
            ("write `is_some()`", Some("is_some"))
        }
        "isNone" | "is_null" | "isNull" => ("write `is_none()`", Some("is_none")),
        "checked_add" | "checked_sub" | "checked_mul" | "checked_div" => (
            "write the operator: one that does not fit fails `Overflow`",
            None,
        ),
        _ => return None,
    })
}

/// An operation of a table: the hint with `T` for its name, and the text to stand for the word.
pub(crate) fn table_operation(name: &str) -> Option<Instead> {
    Some(match name {
        "find" | "findOne" | "find_one" | "lookup" | "by_id" | "findById" | "find_by_id"
        | "fetch" | "load" | "read" | "at" | "get_by_id" | "findUnique" => {
            ("T.get(key)", Some("get"))
        }
        "remove" | "destroy" | "erase" | "drop" | "deleteOne" | "delete_by_id" | "pop" => {
            ("T.delete(key)", Some("delete"))
        }
        "create" | "add" | "push" | "append" | "insertOne" | "new" => {
            ("T.insert({ … })", Some("insert"))
        }
        "upsert" | "replace" | "save" | "store" | "insert_or_update" | "set" => {
            ("T.put({ … })", Some("put"))
        }
        "update" | "modify" | "patch" => (
            "let row = T.get(key) else …, then assign to its fields",
            None,
        ),
        "exists" | "has" | "contains_key" | "containsKey" | "includes" => {
            ("T.contains(key)", Some("contains"))
        }
        "count" | "len" | "size" | "length" => ("aggregate rows = count(T)", None),
        "sum" | "total" => ("aggregate total = sum(T.field)", None),
        "all" | "filter" | "where" | "select" | "query" | "list" | "rows" | "iter" | "scan"
        | "values" | "findMany" | "find_all" | "findAll" | "each" | "forEach" | "map" => {
            ("for row in T.by_index(…) take 100 { … }", None)
        }
        _ => return None,
    })
}
