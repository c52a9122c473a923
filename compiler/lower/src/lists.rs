//! Operations of lists, as calls of `stdlib/list.rc`. Always true: what is beyond a length is zero; whatever changes a
//! list inside a row or a state keeps what hangs on it right.

use crate::body::{Binding, Dest, Function, Operand};
use crate::concrete::{Opaque, Ty};
use crate::effects::{self, Root};
use rc_bytecode::instr::{CompareOp, ConvertMode, Register, Scalar};
use rc_bytecode::layout::{Shape, length_prefix};
use rc_hir::{Expr, ExprKind, Method};

impl<'p> Function<'_, 'p> {
    /// Whether the operation's result is made in memory.
    pub fn builds_list(&self, expr: &Expr) -> bool {
        let ExprKind::Method { method, .. } = &expr.kind else {
            return false;
        };
        match method {
            Method::Pop
            | Method::First
            | Method::Last
            | Method::Concat
            | Method::Slice
            | Method::ToText
            | Method::Get
            | Method::Take => true,
            // Of a set a truth value.
            Method::Remove => matches!(expr.ty, rc_hir::Type::Optional(_)),
            _ => false,
        }
    }

    pub fn list_method(
        &mut self,
        expr: &'p Expr,
        method: Method,
        receiver: &'p Expr,
        arguments: &'p [Expr],
    ) -> Operand {
        let is_list = matches!(self.ty(&receiver.ty), Ty::Value(Shape::List(..)));
        if let Some(kind) = self.sorted_kind(method, receiver)
            && !self.builds_list(expr)
        {
            return self.sorted_method(kind, method, receiver, arguments);
        }
        match method {
            Method::Length | Method::IsEmpty => {
                let Some(length) = self.length_of(receiver) else {
                    return Operand::Never;
                };
                if method == Method::IsEmpty {
                    let zero = self.code.constant(self.code.scalar_of(length), 0);
                    return Operand::Scalar(self.code.compare(CompareOp::Equal, length, zero));
                }
                let scalar = self.ty(&expr.ty).as_scalar().unwrap_or(Scalar::U64);
                Operand::Scalar(self.code.convert(ConvertMode::Wrapping, scalar, length))
            }
            Method::Push => {
                self.add_item(receiver, None, &arguments[0]);
                Operand::Unit
            }
            Method::InsertAt => {
                self.add_item(receiver, Some(&arguments[0]), &arguments[1]);
                Operand::Unit
            }
            Method::RemoveAt => self.remove_item(receiver, &arguments[0]),
            Method::Clear => {
                let prepared = self.prepared.len();
                self.prepare(receiver);
                self.change(receiver, &mut |me: &mut Self| {
                    if let Some(list) = me.place_of(receiver) {
                        me.code.zero(list);
                    }
                });
                self.prepared.truncate(prepared);
                Operand::Unit
            }
            Method::PutPart => {
                self.put_part(receiver, arguments);
                Operand::Unit
            }
            Method::WholeCharacters => {
                self.whole_characters(receiver);
                Operand::Unit
            }
            Method::Contains if is_list => self.contains_item(receiver, &arguments[0]),
            Method::Contains | Method::StartsWith | Method::EndsWith => {
                self.finds_text(method, receiver, &arguments[0])
            }
            _ => {
                // Optionals and strings are made in a slot of their own.
                let Ty::Value(shape) = self.ty(&expr.ty) else {
                    return Operand::Never;
                };
                let size = self.size(&shape);
                let view = self.code.slot(size);
                let fresh = self.code.loops == 0;
                self.build_method(method, receiver, arguments, &shape, view, 0, fresh);
                Operand::View(view)
            }
        }
    }

    /// What the functions of `std.list` want to know of a list: its items' bytes, and how many there may be.
    pub fn list_generics(&self, element: &Shape, max: u32) -> Vec<Ty> {
        let extent = self.low.types.shapes.extent(element);
        let item = Opaque {
            size: extent.size,
            align: extent.align,
        };
        vec![Ty::Opaque(item), Ty::Number(max.into())]
    }

    /// The length of a list, string or bytes, as it is stored.
    fn length_of(&mut self, receiver: &'p Expr) -> Option<Register> {
        let scalar = match self.ty(&receiver.ty) {
            Ty::Value(Shape::String(max) | Shape::Bytes(max)) if length_prefix(max) == 2 => {
                Scalar::U16
            }
            _ => Scalar::U32,
        };
        let location = self.locate(receiver)?;
        Some(self.load(location, scalar))
    }

    /// What changes a list inside a row or a state keeps what hangs on it right.
    pub fn change(&mut self, receiver: &'p Expr, work: &mut dyn FnMut(&mut Self)) {
        match effects::root(receiver) {
            Root::Local(id, Some(field)) => {
                if let Binding::Is(Operand::Row(row)) = self.locals[id.0 as usize] {
                    return self.write_row_field(row, field, work);
                }
            }
            Root::State(id) => self.open_state(id),
            _ => {}
        }
        work(self);
    }

    /// A value that nothing which follows can change.
    pub fn kept(&mut self, item: &'p Expr) -> Operand {
        match self.value(item) {
            Operand::View(view) if !self.is_own_slot(item) => {
                let slot = self.code.slot(self.code.view_of(view).length);
                self.code.copy(slot, view);
                Operand::View(slot)
            }
            other => other,
        }
    }

    /// `push`, or `insert_at` where an index is given.
    fn add_item(&mut self, receiver: &'p Expr, index: Option<&'p Expr>, item: &'p Expr) {
        let Ty::Value(Shape::List(element, max)) = self.ty(&receiver.ty) else {
            return;
        };
        let prepared = self.prepared.len();
        self.prepare(receiver);
        let index = match index.map(|index| self.stable(index, &[item])) {
            Some(Operand::Scalar(index)) => Some(self.widen(index)),
            _ => None,
        };
        let operand = self.kept(item);
        if self.code.ended() {
            self.prepared.truncate(prepared);
            return;
        }
        let generics = self.list_generics(&element, max);
        self.change(receiver, &mut |me: &mut Self| {
            let Some(list) = me.place_of(receiver) else {
                return;
            };
            let slot = match index {
                Some(index) => me.call_plain("list.insert_at", generics.clone(), vec![list, index]),
                None => me.call_plain("list.push", generics.clone(), vec![list]),
            };
            if let Some(view) = slot {
                me.deliver(
                    operand,
                    Dest::Memory {
                        view,
                        offset: 0,
                        fresh: false,
                    },
                );
            }
        });
        self.prepared.truncate(prepared);
    }

    fn remove_item(&mut self, receiver: &'p Expr, index: &'p Expr) -> Operand {
        let Ty::Value(Shape::List(element, max)) = self.ty(&receiver.ty) else {
            return Operand::Never;
        };
        let prepared = self.prepared.len();
        self.prepare(receiver);
        let Operand::Scalar(index) = self.value(index) else {
            self.prepared.truncate(prepared);
            return Operand::Never;
        };
        let index = self.widen(index);
        let generics = self.list_generics(&element, max);
        let size = self.size(&element);
        let slot = self.code.slot(size);
        self.change(receiver, &mut |me: &mut Self| {
            if let Some(list) = me.place_of(receiver) {
                me.call_plain("list.remove_at", generics.clone(), vec![list, index, slot]);
            }
        });
        self.prepared.truncate(prepared);
        let location = crate::places::Location::Static {
            view: slot,
            offset: 0,
        };
        self.read_as(&Ty::Value((*element).clone()), location)
    }

    /// What is made in memory: an optional item, a string.
    #[expect(clippy::too_many_arguments)]
    pub fn build_method(
        &mut self,
        method: Method,
        receiver: &'p Expr,
        arguments: &'p [Expr],
        shape: &Shape,
        view: Register,
        offset: u32,
        fresh: bool,
    ) {
        match method {
            Method::Get | Method::Remove | Method::Take => {
                self.build_sorted(method, receiver, arguments, shape, (view, offset, fresh))
            }
            Method::Concat => self.concat(receiver, &arguments[0], shape, view, offset, fresh),
            Method::Slice => self.slice(receiver, arguments, shape, view, offset, fresh),
            Method::ToText => self.digits(receiver, shape, view, offset, fresh),
            Method::Pop => {
                let prepared = self.prepared.len();
                self.prepare(receiver);
                self.clear(shape, view, offset, fresh);
                self.change(receiver, &mut |me: &mut Self| {
                    let list = me.place_of(receiver);
                    me.end_of_list(receiver, list, "list.pop", shape, view, offset);
                });
                self.prepared.truncate(prepared);
            }
            _ => {
                self.clear(shape, view, offset, fresh);
                let name = match method {
                    Method::First => "list.first",
                    _ => "list.last",
                };
                let list = self.place_of(receiver);
                self.end_of_list(receiver, list, name, shape, view, offset);
            }
        }
    }

    /// The first or last item as an optional whose bytes are zero.
    fn end_of_list(
        &mut self,
        receiver: &'p Expr,
        list: Option<Register>,
        name: &'static str,
        shape: &Shape,
        view: Register,
        offset: u32,
    ) {
        let (Ty::Value(of), Some(list)) = (self.ty(&receiver.ty), list) else {
            return;
        };
        let Some((element, max)) = of.elements() else {
            return;
        };
        let size = self.size(shape);
        let to = self.code.part(view, offset, size);
        let generics = self.list_generics(element, max);
        self.call_plain(name, generics, vec![list, to]);
    }

    fn contains_item(&mut self, receiver: &'p Expr, item: &'p Expr) -> Operand {
        let Ty::Value(Shape::List(element, max)) = self.ty(&receiver.ty) else {
            return Operand::Never;
        };
        let Some((Operand::View(list), wanted)) = self.pair(receiver, item) else {
            return Operand::Never;
        };
        let size = self.size(&element);
        let Some(wanted) = self.in_memory(wanted, size) else {
            return Operand::Never;
        };
        let generics = self.list_generics(&element, max);
        match self.call_plain("list.contains", generics, vec![list, wanted]) {
            Some(found) => Operand::Scalar(found),
            None => Operand::Never,
        }
    }

    /// A value as bytes that can be pointed to.
    pub fn in_memory(&mut self, operand: Operand, size: u32) -> Option<Register> {
        match operand {
            Operand::View(view) => Some(view),
            Operand::Scalar(register) => {
                let slot = self.code.slot(size);
                self.code.store(slot, 0, register);
                Some(slot)
            }
            _ => None,
        }
    }
}
