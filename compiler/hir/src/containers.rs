//! Containers of the canvas: what a `map`, `queue`, … of a state or a table's field is made of.
//!
//! Always true: a container is its header, three `u64` that stand in the state or the row, and a hidden table of its own, which
//! no name of the program stands for. Its operations are ordinary operations of that table by the time a body is typed,
//! so that nothing after the checker knows a container.

use crate::types::{StateId, TableId, Type};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerKind {
    Map,
    Tree,
    Set,
    Queue,
    PriorityQueue,
    Log,
    /// UTF-8 of any length, in pieces of bytes.
    Text,
    Blob,
}

impl ContainerKind {
    /// The container of this name with so many type arguments.
    pub fn named(name: &str, arguments: usize) -> Option<ContainerKind> {
        Some(match (name, arguments) {
            ("map", 2) => ContainerKind::Map,
            ("tree", 2) => ContainerKind::Tree,
            ("set", 1) => ContainerKind::Set,
            ("queue", 1) => ContainerKind::Queue,
            ("priority_queue", 2) => ContainerKind::PriorityQueue,
            ("log", 1) => ContainerKind::Log,
            ("text", 0) => ContainerKind::Text,
            ("blob", 0) => ContainerKind::Blob,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            ContainerKind::Map => "map",
            ContainerKind::Tree => "tree",
            ContainerKind::Set => "set",
            ContainerKind::Queue => "queue",
            ContainerKind::PriorityQueue => "priority_queue",
            ContainerKind::Log => "log",
            ContainerKind::Text => "text",
            ContainerKind::Blob => "blob",
        }
    }

    /// Whether its elements have an order to walk in.
    pub fn is_walked(self) -> bool {
        matches!(self, ContainerKind::Tree | ContainerKind::Log)
    }

    /// Whether it holds bytes in pieces rather than elements.
    pub fn is_pieces(self) -> bool {
        matches!(self, ContainerKind::Text | ContainerKind::Blob)
    }
}

#[derive(Clone, Debug)]
pub struct Container {
    pub kind: ContainerKind,
    /// As written: key and value, or the element, or priority and element; nothing for a text or blob.
    pub parts: Vec<Type>,
    /// Its elements. A field's is shared by all rows and led by the number that a row's header keeps.
    pub table: TableId,
    /// Of a table's field.
    pub shared: Option<Shared>,
}

/// What the containers of one field have in common.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The table that has the field, and the field's number.
    pub owner: TableId,
    pub field: u32,
    /// Numbers of containers whose rows are gone, and whose elements wait to be freed.
    pub garbage: TableId,
    /// The number given last.
    pub last: StateId,
}

/// Numbers in a container's header.
pub mod header {
    /// Elements there; of a queue the position of the first; of a text or blob its bytes.
    pub const COUNT: u32 = 0;
    /// The next position, of queues, priority queues and logs; of a text or blob the pieces that there are.
    pub const NEXT: u32 = 1;
    /// The container's own number among those of its field, 0 before it is first written.
    pub const NUMBER: u32 = 2;
    /// How many there are.
    pub const LENGTH: usize = 3;
}
