//! Where tables, indexes, aggregates and states lie: the regions of the module and the offsets in them.
//!
//! Always true: regions are numbered in the order of declarations; a row is laid out as the record of its
//! fields, key first, so that its first bytes are its key; an index entry's key ends with the table's key
//! unless the index is unique, and its content is the table's key as it stands in the row. Of a table's older versions there are the
//! rows alone, which nothing writes.

use crate::concrete::{Opaque, Ty, Types};
use crate::keys;
use rc_bytecode::hash::hash_bytes;
use rc_bytecode::instr::RegionIndex;
use rc_bytecode::layout::{Extent, Shape};
use rc_bytecode::limits::REGION_PAGES_MAX;
use rc_bytecode::module::Region;
use rc_diagnostics::{Diagnostic, Diagnostics, codes};
use rc_hir as hir;
use rc_hir::Storage;

/// A table's layout.
pub struct TableInfo {
    pub region: RegionIndex,
    pub storage: Storage,
    pub capacity: u64,
    /// Of each field, in the row.
    pub shapes: Vec<Shape>,
    pub offsets: Vec<u32>,
    pub extent: Extent,
    pub key_len: usize,
    /// Bytes from the row's start to the end of its key.
    pub key_bytes: u32,
    /// Bytes of the key encoded for order.
    pub encoded_bytes: u32,
    pub indexes: Vec<IndexInfo>,
}

pub struct IndexInfo {
    pub region: RegionIndex,
    /// Table fields whose encodings make the entry's key, in order.
    pub fields: Vec<u32>,
    pub key_bytes: u32,
}

impl TableInfo {
    /// The generic arguments of the container's functions.
    pub fn generics(&self) -> Vec<Ty> {
        let row = Opaque {
            size: self.extent.size,
            align: self.extent.align,
        };
        match self.storage {
            Storage::Hashed => vec![
                Ty::Opaque(Opaque {
                    size: self.key_bytes,
                    align: self.extent.align,
                }),
                Ty::Opaque(Opaque {
                    size: self.extent.size - self.key_bytes,
                    align: 1,
                }),
            ],
            Storage::Ordered => vec![
                Ty::Opaque(Opaque {
                    size: self.encoded_bytes,
                    align: 1,
                }),
                Ty::Opaque(row),
            ],
            Storage::Dense => vec![Ty::Opaque(row)],
        }
    }

    pub fn index_generics(&self, index: usize) -> Vec<Ty> {
        let key = Opaque {
            size: self.indexes[index].key_bytes,
            align: 1,
        };
        vec![
            Ty::Opaque(key),
            Ty::Opaque(Opaque {
                size: self.key_bytes,
                align: 1,
            }),
        ]
    }
}

/// A state or a single aggregate: page 0 of a region of its own, so that a version with one more changes nothing else.
#[derive(Clone)]
pub struct StateInfo {
    /// Index into `Schema::state_regions`.
    pub page: u32,
    pub offset: u32,
    pub shape: Shape,
    /// Where the byte stands that says whether the state was ever written: only where its default is not all zeros.
    pub flag: Option<u32>,
}

/// How an aggregate is kept.
pub enum AggregateInfo {
    /// One number, kept like a state.
    Single(StateInfo),
    /// A hashed table from group to number.
    Grouped {
        region: RegionIndex,
        group: Shape,
        group_bytes: u32,
        value: Shape,
    },
    /// Not kept: read from the ends of an index.
    Ends,
}

pub struct Schema {
    pub regions: Vec<Region>,
    pub tables: Vec<TableInfo>,
    /// The regions of states and single aggregates.
    pub state_regions: Vec<RegionIndex>,
    pub states: Vec<StateInfo>,
    pub aggregates: Vec<AggregateInfo>,
}

impl Schema {
    pub fn of(types: &mut Types, diagnostics: &mut Diagnostics) -> Schema {
        let program = types.program;
        let mut schema = Schema {
            regions: Vec::new(),
            tables: Vec::new(),
            state_regions: Vec::new(),
            states: Vec::new(),
            aggregates: Vec::new(),
        };
        schema.place_states(types, diagnostics);
        for table in &program.tables {
            let info = schema.table(table, types, diagnostics);
            schema.tables.push(info);
        }
        for (index, aggregate) in program.aggregates.iter().enumerate() {
            if let AggregateInfo::Grouped { group, value, .. } = &schema.aggregates[index] {
                let table = &program.tables[aggregate.table.0 as usize];
                let name = format!(
                    "{}/aggregate.{}@{}",
                    table.name, aggregate.name, table.version
                );
                let named = |field: Option<u32>| {
                    field.map(|field| table.fields[field as usize].name.as_str())
                };
                let layout = layout_hash(
                    &format!(
                        "{:?} {:?} by {:?} {group:?} {value:?}",
                        aggregate.function,
                        named(aggregate.field),
                        named(aggregate.by)
                    ),
                    types,
                );
                let region = schema.region(name, layout, true);
                if let AggregateInfo::Grouped { region: slot, .. } = &mut schema.aggregates[index] {
                    *slot = region;
                }
            }
        }
        schema
    }

    fn region(&mut self, name: String, layout_hash: u64, writable: bool) -> RegionIndex {
        self.regions.push(Region {
            name,
            layout_hash,
            writable,
            pages_max: REGION_PAGES_MAX,
        });
        RegionIndex(self.regions.len() as u16 - 1)
    }

    /// States and single aggregates, a region each. Pages begin as zeros, so a state with another default has a byte
    /// behind it that says whether it was ever written. An aggregate's region is named after its table: over a table
    /// that is deployed already it would start empty, and a deploy sees that by the name.
    fn place_states(&mut self, types: &mut Types, diagnostics: &mut Diagnostics) {
        let program = types.program;
        for state in &program.states {
            let shape = types.shape(&state.ty, &[]);
            let extent = types.shapes.extent(&shape);
            if extent.size > types.page_bytes / 4 {
                let message = format!(
                    "`{}` takes {} bytes: a value in the canvas is at most a quarter of a page, {}",
                    state.name,
                    extent.size,
                    types.page_bytes / 4
                );
                diagnostics.push(Diagnostic::error(
                    codes::VALUE_TOO_LARGE,
                    state.span,
                    message,
                ));
            }
            let flagged = state
                .default
                .as_ref()
                .is_some_and(|default| !is_zero(default));
            let flag = flagged.then_some(extent.size);
            let layout = layout_hash(&format!("{} {flagged}", describe(types, &shape)), types);
            let page = self.state_region(format!("state.{}@1", state.name), layout);
            self.states.push(StateInfo {
                page,
                offset: 0,
                shape,
                flag,
            });
        }
        for aggregate in &program.aggregates {
            let shape = types.shape(&aggregate.ty, &[]);
            let info = match (aggregate.function, aggregate.by) {
                (hir::AggregateFunction::Min | hir::AggregateFunction::Max, _) => {
                    AggregateInfo::Ends
                }
                (_, None) => {
                    let table = &program.tables[aggregate.table.0 as usize];
                    let name = format!(
                        "{}/aggregate.{}@{}",
                        table.name, aggregate.name, table.version
                    );
                    let field = aggregate
                        .field
                        .map(|field| &table.fields[field as usize].name);
                    let layout = layout_hash(
                        &format!("{:?} {field:?} {shape:?}", aggregate.function),
                        types,
                    );
                    AggregateInfo::Single(StateInfo {
                        page: self.state_region(name, layout),
                        offset: 0,
                        shape,
                        flag: None,
                    })
                }
                (_, Some(by)) => {
                    let group = types.shape(
                        &program.tables[aggregate.table.0 as usize].fields[by as usize].ty,
                        &[],
                    );
                    let group_bytes = types.shapes.extent(&group).size;
                    AggregateInfo::Grouped {
                        region: RegionIndex(0),
                        group,
                        group_bytes,
                        value: shape,
                    }
                }
            };
            self.aggregates.push(info);
        }
    }

    fn state_region(&mut self, name: String, layout_hash: u64) -> u32 {
        let region = self.region(name, layout_hash, true);
        self.state_regions.push(region);
        self.state_regions.len() as u32 - 1
    }

    fn table(
        &mut self,
        table: &hir::Table,
        types: &mut Types,
        diagnostics: &mut Diagnostics,
    ) -> TableInfo {
        let shapes: Vec<Shape> = table
            .fields
            .iter()
            .map(|field| types.shape(&field.ty, &[]))
            .collect();
        let (extent, offsets) = types.shapes.record_extent(shapes.iter());
        let key_len = table.key_len as usize;
        let last = key_len.saturating_sub(1);
        let key_bytes = offsets[last] + types.shapes.extent(&shapes[last]).size;
        let encoded_bytes = shapes[..key_len]
            .iter()
            .map(|shape| keys::encoded_bytes(&types.shapes, shape))
            .sum();
        if extent.size > types.page_bytes / 4 {
            let message = format!(
                "a row of `{}` takes {} bytes: at most a quarter of a page, {}, fits",
                table.name,
                extent.size,
                types.page_bytes / 4
            );
            diagnostics.push(
                Diagnostic::error(codes::VALUE_TOO_LARGE, table.span, message)
                    .with_hint("shorten strings and lists, or split the table in two"),
            );
        }
        let described: Vec<String> = table
            .fields
            .iter()
            .zip(&shapes)
            .enumerate()
            .map(|(number, (field, shape))| {
                // Rows that were written without a reference were not looked up: another layout.
                let reference = table
                    .references
                    .iter()
                    .find(|reference| reference.field as usize == number)
                    .map_or(String::new(), |reference| {
                        let target = &types.program.tables[reference.target.0 as usize];
                        format!(" ref {}", target.name)
                    });
                format!("{} {}{reference}", field.name, describe(types, shape))
            })
            .collect();
        let layout = layout_hash(
            &format!(
                "{:?} {} {}",
                table.storage,
                table.key_len,
                described.join(",")
            ),
            types,
        );
        let name = format!("{}/rows@{}", table.name, table.version);
        let region = self.region(name, layout, table.newer.is_none());
        let mut indexes = Vec::new();
        let kept = table.indexes.iter().filter(|_| table.newer.is_none());
        for index in kept {
            let mut fields = index.fields.clone();
            if !index.unique {
                fields.extend((0..table.key_len).filter(|key| !index.fields.contains(key)));
            }
            let bytes: u32 = fields
                .iter()
                .map(|field| keys::encoded_bytes(&types.shapes, &shapes[*field as usize]))
                .sum();
            let layout = layout_hash(
                &format!("{} {fields:?} {bytes} {key_bytes}", described.join(",")),
                types,
            );
            let region = self.region(
                format!("{}/{}@{}", table.name, index.name, table.version),
                layout,
                true,
            );
            too_long_a_key(
                types,
                diagnostics,
                &index.name,
                bytes,
                key_bytes,
                index.span,
            );
            indexes.push(IndexInfo {
                region,
                fields,
                key_bytes: bytes,
            });
        }
        if table.storage == Storage::Ordered {
            too_long_a_key(
                types,
                diagnostics,
                &table.name,
                encoded_bytes,
                extent.size,
                table.span,
            );
        }
        TableInfo {
            region,
            storage: table.storage,
            capacity: table.capacity,
            shapes,
            offsets,
            extent,
            key_len,
            key_bytes,
            encoded_bytes,
            indexes,
        }
    }
}

/// A tree's nodes must hold two entries in a leaf and four kids in an inner node.
fn too_long_a_key(
    types: &Types,
    diagnostics: &mut Diagnostics,
    name: &str,
    key_bytes: u32,
    row_bytes: u32,
    span: rc_source::Span,
) {
    let page = types.page_bytes;
    if (page - 16) / (key_bytes + 8) < 4 || (page - 32) / (key_bytes + row_bytes).max(1) < 2 {
        let message = format!(
            "the key of `{name}` takes {key_bytes} bytes: too many for an ordered tree in pages of {page}"
        );
        diagnostics.push(
            Diagnostic::error(codes::VALUE_TOO_LARGE, span, message)
                .with_hint("leave long fields out of the index"),
        );
    }
}

/// Whether a constant's bytes are all zero.
fn is_zero(expr: &hir::Expr) -> bool {
    match &expr.kind {
        hir::ExprKind::Integer(number) => *number == 0,
        hir::ExprKind::Unsigned(number) => *number == 0,
        hir::ExprKind::Float(number) => number.to_bits() == 0,
        hir::ExprKind::Bool(value) => !value,
        hir::ExprKind::String(text) => text.is_empty(),
        hir::ExprKind::Bytes(bytes) => bytes.is_empty(),
        hir::ExprKind::None | hir::ExprKind::Unit => true,
        hir::ExprKind::Tuple(parts) | hir::ExprKind::Struct { fields: parts, .. } => {
            parts.iter().all(is_zero)
        }
        hir::ExprKind::Enum {
            variant, fields, ..
        } => *variant == 0 && fields.iter().all(is_zero),
        hir::ExprKind::List(parts) => parts.is_empty(),
        hir::ExprKind::Convert { value, .. } => {
            is_zero(value) && !matches!(expr.ty, hir::Type::Optional(_))
        }
        _ => false,
    }
}

/// A shape with the named types written out, so that the hash follows what lies in memory.
fn describe(types: &Types, shape: &Shape) -> String {
    match shape {
        Shape::Struct(index) => {
            let record = &types.shapes.structs[*index as usize];
            let fields: Vec<String> = record
                .fields
                .iter()
                .map(|(name, shape)| format!("{name} {}", describe(types, shape)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        Shape::Enum(index) => {
            let sum = &types.shapes.enums[*index as usize];
            let variants: Vec<String> = sum
                .variants
                .iter()
                .map(|variant| {
                    let fields: Vec<String> = variant
                        .fields
                        .iter()
                        .map(|(_, shape)| describe(types, shape))
                        .collect();
                    format!("{}({})", variant.name, fields.join(","))
                })
                .collect();
            format!("<{}>", variants.join("|"))
        }
        Shape::Optional(inner) => format!("{}?", describe(types, inner)),
        Shape::Tuple(parts) => format!(
            "({})",
            parts
                .iter()
                .map(|part| describe(types, part))
                .collect::<Vec<_>>()
                .join(",")
        ),
        Shape::List(element, max) => format!("[{};{max}]", describe(types, element)),
        Shape::Set(element, max) => format!("set[{};{max}]", describe(types, element)),
        Shape::Map(element, max) => format!("map[{};{max}]", describe(types, element)),
        other => format!("{other:?}"),
    }
}

fn layout_hash(text: &str, types: &Types) -> u64 {
    hash_bytes(text.as_bytes(), types.page_bytes.into())
}
