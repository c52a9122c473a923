//! Making values in memory: literals, records, optionals, enums, lists.
//!
//! Always true: what is written is canonical, that is, unused bytes are zero, whatever stood there before; only
//! memory marked `fresh` is trusted to be zero already.

use crate::body::{Dest, Function, Operand};
use crate::concrete::Ty;
use rc_bytecode::instr::{CompareOp, ConvertMode, Register, Scalar};
use rc_bytecode::layout::{Shape, length_prefix, tag_size};
use rc_hir::{Expr, ExprKind};

impl<'p> Function<'_, 'p> {
    /// Puts a value of a composite shape at `view` + `offset`.
    pub fn build(
        &mut self,
        expr: &'p Expr,
        shape: &Shape,
        view: Register,
        offset: u32,
        fresh: bool,
    ) {
        match (&expr.kind, shape) {
            (ExprKind::String(text), _) => {
                self.literal(text.as_bytes(), shape, view, offset, fresh)
            }
            (ExprKind::Bytes(bytes), _) => self.literal(bytes, shape, view, offset, fresh),
            (ExprKind::None, _) => self.clear(shape, view, offset, fresh),
            (ExprKind::Some(inner), Shape::Optional(content)) => {
                self.build_some(inner, content, view, offset, fresh)
            }
            (
                ExprKind::Tuple(parts) | ExprKind::Struct { fields: parts, .. },
                Shape::Tuple(shapes),
            ) => {
                let (_, offsets) = self.low.types.shapes.record_extent(shapes.iter());
                self.parts(parts, &offsets, view, offset, fresh);
            }
            (ExprKind::Struct { fields, .. }, Shape::Struct(index)) => {
                let shapes = &self.low.types.shapes;
                let (_, offsets) = shapes.fields_extent(&shapes.structs[*index as usize]);
                self.parts(fields, &offsets, view, offset, fresh);
            }
            (
                ExprKind::Enum {
                    variant, fields, ..
                },
                Shape::Enum(index),
            ) => self.build_enum(*index, *variant, fields, view, offset, fresh),
            (ExprKind::List(parts), _) if parts.is_empty() => {
                self.clear(shape, view, offset, fresh)
            }
            (ExprKind::List(parts), Shape::Set(..) | Shape::Map(..)) => {
                self.build_sorted_literal(parts, shape, (view, offset, fresh))
            }
            (ExprKind::List(parts), Shape::List(element, _)) => {
                self.clear(shape, view, offset, fresh);
                let length = self.code.constant(Scalar::U32, parts.len() as u128);
                self.code.store(view, offset, length);
                let shapes = &self.low.types.shapes;
                let (base, stride) = (
                    offset + shapes.list_base(element),
                    shapes.extent(element).size,
                );
                for (number, part) in parts.iter().enumerate() {
                    self.into(
                        part,
                        Dest::Memory {
                            view,
                            offset: base + number as u32 * stride,
                            fresh: true,
                        },
                    );
                }
            }
            (ExprKind::Comprehension { .. }, Shape::List(..)) => {
                self.comprehension(expr, shape, view, offset, fresh)
            }
            (ExprKind::Convert { mode, value }, _) => {
                self.build_conversion(*mode, value, shape, view, offset, fresh)
            }
            (
                ExprKind::Method {
                    method,
                    receiver,
                    arguments,
                },
                _,
            ) if self.builds_list(expr) => {
                self.build_method(*method, receiver, arguments, shape, view, offset, fresh);
            }
            (_, Shape::Optional(content)) if self.answers_by_control(expr) => {
                self.leavable(&mut |me: &mut Self, end| {
                    let operand = me.optional(expr, &mut |me: &mut Self| {
                        me.clear(shape, view, offset, fresh);
                        me.code.break_to(end);
                    });
                    me.store_some(content, view, offset, operand);
                });
            }
            _ => {
                let operand = self.value(expr);
                self.deliver(
                    operand,
                    Dest::Memory {
                        view,
                        offset,
                        fresh,
                    },
                );
            }
        }
    }

    fn parts(
        &mut self,
        parts: &'p [Expr],
        offsets: &[u32],
        view: Register,
        offset: u32,
        fresh: bool,
    ) {
        for (part, at) in parts.iter().zip(offsets) {
            self.into(
                part,
                Dest::Memory {
                    view,
                    offset: offset + at,
                    fresh,
                },
            );
        }
    }

    /// Zeroes a value's bytes, unless they are.
    pub fn clear(&mut self, shape: &Shape, view: Register, offset: u32, fresh: bool) {
        if !fresh {
            let size = self.size(shape);
            let part = self.code.part(view, offset, size);
            self.code.zero(part);
        }
    }

    /// The length where the shape has one, then the bytes.
    pub fn literal(
        &mut self,
        bytes: &[u8],
        shape: &Shape,
        view: Register,
        offset: u32,
        fresh: bool,
    ) {
        self.clear(shape, view, offset, fresh);
        let (Shape::String(max) | Shape::Bytes(max)) = shape else {
            return self.literal_bytes(bytes, view, offset);
        };
        let prefix = length_prefix(*max);
        let scalar = if prefix == 2 {
            Scalar::U16
        } else {
            Scalar::U32
        };
        if bytes.is_empty() {
            return;
        }
        let length = self.code.constant(scalar, bytes.len() as u128);
        self.code.store(view, offset, length);
        self.literal_bytes(bytes, view, offset + prefix);
    }

    /// Constant bytes, eight at a time.
    fn literal_bytes(&mut self, bytes: &[u8], view: Register, offset: u32) {
        let mut at = 0;
        while at < bytes.len() {
            let rest = bytes.len() - at;
            let scalar = [
                (8, Scalar::U64),
                (4, Scalar::U32),
                (2, Scalar::U16),
                (1, Scalar::U8),
            ]
            .into_iter()
            .find(|(size, _)| *size <= rest);
            let Some((size, scalar)) = scalar else { return };
            let mut word = [0; 16];
            word[..size].copy_from_slice(&bytes[at..at + size]);
            let chunk = self.code.constant(scalar, u128::from_le_bytes(word));
            self.code.store(view, offset + at as u32, chunk);
            at += size;
        }
    }

    fn build_some(
        &mut self,
        inner: &'p Expr,
        content: &Shape,
        view: Register,
        offset: u32,
        fresh: bool,
    ) {
        let at = offset + self.low.types.shapes.optional_offset(content);
        self.into(
            inner,
            Dest::Memory {
                view,
                offset: at,
                fresh,
            },
        );
        let tag = self.code.constant(Scalar::U8, 1);
        self.code.store(view, offset, tag);
    }

    /// An optional that is there.
    pub fn store_some(&mut self, content: &Shape, view: Register, offset: u32, operand: Operand) {
        let at = offset + self.low.types.shapes.optional_offset(content);
        self.deliver(
            operand,
            Dest::Memory {
                view,
                offset: at,
                fresh: false,
            },
        );
        let tag = self.code.constant(Scalar::U8, 1);
        self.code.store(view, offset, tag);
    }

    fn build_enum(
        &mut self,
        index: u32,
        variant: u32,
        fields: &'p [Expr],
        view: Register,
        offset: u32,
        fresh: bool,
    ) {
        self.clear(&Shape::Enum(index), view, offset, fresh);
        let shapes = &self.low.types.shapes;
        let sum = &shapes.enums[index as usize];
        let scalar = if tag_size(sum.variants.len()) == 1 {
            Scalar::U8
        } else {
            Scalar::U16
        };
        let (_, offsets) = shapes.fields_extent(&sum.variants[variant as usize]);
        let payload = offset + shapes.payload_offset(index);
        self.parts(fields, &offsets, view, payload, true);
        let tag = self.code.constant(scalar, variant.into());
        self.code.store(view, offset, tag);
    }

    /// To a longer string, bytes or list, or to an optional.
    fn build_conversion(
        &mut self,
        mode: ConvertMode,
        value: &'p Expr,
        shape: &Shape,
        view: Register,
        offset: u32,
        fresh: bool,
    ) {
        let from = self.ty(&value.ty);
        let Ty::Value(from) = from else {
            let operand = self.value(value);
            return self.deliver(
                operand,
                Dest::Memory {
                    view,
                    offset,
                    fresh,
                },
            );
        };
        match (&from, shape) {
            (from, shape) if from == shape => self.into(
                value,
                Dest::Memory {
                    view,
                    offset,
                    fresh,
                },
            ),
            (_, Shape::Optional(content)) if **content == from => {
                self.build_some(value, content, view, offset, fresh)
            }
            (
                Shape::String(have) | Shape::Bytes(have),
                Shape::String(want) | Shape::Bytes(want),
            ) => {
                let (have, want) = (*have, *want);
                if let Operand::View(source) = self.value(value) {
                    let text = self.text_parts(source, have);
                    let checked = have > want && mode == ConvertMode::Checked;
                    self.convert_text(text, want, view, offset, checked);
                }
            }
            (from, to)
                if let (Some((element, have)), Some((_, want))) =
                    (from.elements(), to.elements()) =>
            {
                if let Operand::View(source) = self.value(value) {
                    let size = self.size(shape);
                    let to = self.code.part(view, offset, size);
                    let mut generics = self.list_generics(element, have);
                    generics.push(Ty::Number(want.into()));
                    let name = match have > want {
                        true => "list.convert",
                        false => "list.widen",
                    };
                    self.call_plain(name, generics, vec![to, source]);
                }
            }
            _ => {
                let operand = self.value(value);
                self.deliver(
                    operand,
                    Dest::Memory {
                        view,
                        offset,
                        fresh,
                    },
                );
            }
        }
    }

    /// Whether a value in memory has this tag.
    pub fn has_tag(&mut self, index: u32, variant: u32, view: Register, offset: u32) -> Register {
        let variants = self.low.types.shapes.enums[index as usize].variants.len();
        let scalar = if tag_size(variants) == 1 {
            Scalar::U8
        } else {
            Scalar::U16
        };
        let tag = self.code.load(scalar, view, offset);
        let wanted = self.code.constant(scalar, variant.into());
        self.code.compare(CompareOp::Equal, tag, wanted)
    }
}
