//! Expressions: where a value is, or how it gets where it shall be. Left to right, always.

use crate::body::{Binding, Dest, Function, Operand};
use crate::code::{Label, Stride};
use crate::concrete::{Ty, scalar_of};
use crate::effects::{Node, visit_expr};
use rc_bytecode::instr::{BinaryOp, Builtin, CompareOp, ConvertMode, Environment, Instr, Register, Scalar, UnaryOp};
use rc_bytecode::layout::{Shape, length_prefix};
use rc_hir as hir;
use rc_hir::{Expr, ExprKind, Method};

/// A spot in memory.
#[derive(Clone, Copy, Debug)]
pub enum Location {
    Static { view: Register, offset: u32 },
    Element { view: Register, index: Register, array: Stride },
}

impl<'p> Function<'_, 'p> {
    /// Where the expression's value is. A scalar may be a local's own register, a view the memory of a place: who keeps it across a
    /// write copies it.
    pub fn value(&mut self, expr: &'p Expr) -> Operand {
        if self.code.ended() {
            return Operand::Never;
        }
        let operand = self.at(expr.span, |me| me.value_here(expr));
        if self.code.ended() { Operand::Never } else { operand }
    }

    fn value_here(&mut self, expr: &'p Expr) -> Operand {
        match &expr.kind {
            ExprKind::Integer(number) => self.number(expr, *number as u128),
            ExprKind::Unsigned(number) => self.number(expr, *number),
            ExprKind::Float(number) => Operand::Scalar(self.code.constant(Scalar::F64, number.to_bits().into())),
            ExprKind::Bool(value) => Operand::Scalar(self.code.constant(Scalar::Bool, u128::from(*value))),
            ExprKind::Const(constant) => {
                let number = self.low.types.constant(constant, &self.generics);
                self.number(expr, number.into())
            }
            ExprKind::Unit => Operand::Unit,
            ExprKind::Error => self.unsupported(expr.span, "this"),
            ExprKind::Local(id) => match self.locals[id.0 as usize] {
                Binding::Is(operand) => operand,
                Binding::Maybe(..) | Binding::Unset => self.unsupported(expr.span, "an optional row as a value"),
            },
            ExprKind::Now => self.environment(Environment::Now, Scalar::I64),
            ExprKind::CallerId => self.environment(Environment::CallerId, Scalar::U64),
            ExprKind::CallerHasRole(_) => self.unsupported(expr.span, "asking for a role inside a command"),
            ExprKind::State(id) => {
                let location = self.state(*id);
                self.read(expr, location)
            }
            ExprKind::Aggregate { id, group } => self.aggregate(expr, *id, group.as_deref()),
            ExprKind::Field { .. } | ExprKind::Index { .. } => match self.locate(expr) {
                Some(location) => self.read(expr, location),
                None => Operand::Never,
            },
            ExprKind::Unary { op, operand } => match self.value(operand) {
                Operand::Scalar(src) => {
                    let dst = self.code.scalar(self.code.scalar_of(src));
                    self.code.emit(Instr::Unary { op: *op, dst, src });
                    Operand::Scalar(dst)
                }
                _ => Operand::Never,
            },
            ExprKind::Binary { .. } if self.low_level && self.known_number(expr).is_some() => {
                let number = self.known_number(expr).unwrap_or(0);
                self.number(expr, number.into())
            }
            ExprKind::Binary { op, left, right } => match self.pair(left, right) {
                Some((Operand::Scalar(left), Operand::Scalar(right))) => Operand::Scalar(self.code.binary(*op, left, right)),
                _ => Operand::Never,
            },
            ExprKind::Compare { op, left, right } => self.comparison(*op, left, right),
            ExprKind::And(left, right) => self.short_circuit(left, right, true),
            ExprKind::Or(left, right) => self.short_circuit(left, right, false),
            ExprKind::Convert { mode, value } => self.conversion(expr, *mode, value),
            ExprKind::Method { method, receiver, arguments } => self.method(expr, *method, receiver, arguments),
            ExprKind::Block(block) => self.block_value(block),
            ExprKind::Return(value) => {
                match value {
                    Some(value) => self.answer_with(value),
                    None => self.leave(),
                }
                Operand::Never
            }
            ExprKind::Break => {
                let end = self.loops.last().map(|open| open.end);
                self.jump(end)
            }
            ExprKind::Continue => {
                let next = self.loops.last().map(|open| open.next);
                self.jump(next)
            }
            ExprKind::Fail(failure) => {
                self.fail(failure);
                Operand::Never
            }
            ExprKind::Call { callable, generics, arguments } => self.call(expr, *callable, generics, arguments),
            ExprKind::Attempt(inner) => self.attempt(inner),
            ExprKind::Get { .. } | ExprKind::GetUnique { .. } => self.unsupported(expr.span, "an optional row as a value"),
            ExprKind::Insert { table, fields } => {
                self.insert_row(*table, fields);
                Operand::Unit
            }
            ExprKind::Put { table, fields } => {
                self.put_row(*table, fields);
                Operand::Unit
            }
            ExprKind::GetOrInsert { table, fields } => self.get_or_insert(*table, fields),
            ExprKind::Delete { table, key } => self.delete_row(*table, key),
            ExprKind::Touch { mutable, region, page } => self.touch(*mutable, region, page),
            ExprKind::LowLevel { op, arguments } => self.low_level(expr, *op, arguments),
            ExprKind::If { .. } | ExprKind::Match { .. } => self.joined(expr),
            ExprKind::None
            | ExprKind::Some(_)
            | ExprKind::String(_)
            | ExprKind::Bytes(_)
            | ExprKind::Tuple(_)
            | ExprKind::Struct { .. }
            | ExprKind::Enum { .. }
            | ExprKind::List(_)
            | ExprKind::Comprehension { .. } => self.built(expr),
        }
    }

    /// Sums and the like of constants, worked out here; nothing where they would fail.
    fn known_number(&mut self, expr: &Expr) -> Option<u64> {
        match &expr.kind {
            ExprKind::Integer(number) => u64::try_from(*number).ok(),
            ExprKind::Const(constant) => Some(self.low.types.constant(constant, &self.generics)),
            ExprKind::Binary { op, left, right } => {
                let (left, right) = (self.known_number(left)?, self.known_number(right)?);
                match op {
                    BinaryOp::Add => left.checked_add(right),
                    BinaryOp::Sub => left.checked_sub(right),
                    BinaryOp::Mul => left.checked_mul(right),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn jump(&mut self, label: Option<Label>) -> Operand {
        if let Some(label) = label {
            self.code.break_to(label);
        }
        Operand::Never
    }

    fn environment(&mut self, value: Environment, scalar: Scalar) -> Operand {
        let dst = self.code.scalar(scalar);
        self.code.emit(Instr::Environment { value, dst });
        Operand::Scalar(dst)
    }

    fn number(&mut self, expr: &Expr, bits: u128) -> Operand {
        let scalar = self.ty(&expr.ty).as_scalar().unwrap_or(Scalar::U64);
        Operand::Scalar(self.code.literal(scalar, bits))
    }

    /// A value that several branches give.
    fn joined(&mut self, expr: &'p Expr) -> Operand {
        match self.ty(&expr.ty) {
            Ty::Value(shape) => {
                let (operand, dest) = self.new_local(&shape);
                self.into(expr, dest);
                operand
            }
            Ty::Unit | Ty::Never => {
                self.into(expr, Dest::Discard);
                Operand::Unit
            }
            _ => self.unsupported(expr.span, "a branch that gives a row or a place"),
        }
    }

    /// A value that is made in memory of its own.
    fn built(&mut self, expr: &'p Expr) -> Operand {
        let shape = self.shape(&expr.ty);
        let size = self.size(&shape);
        let view = self.code.slot(size);
        let fresh = self.code.loops == 0;
        self.into(expr, Dest::Memory { view, offset: 0, fresh });
        Operand::View(view)
    }

    /// A value that stays what it is while `later` is worked out.
    pub fn stable(&mut self, expr: &'p Expr, later: &[&'p Expr]) -> Operand {
        let operand = self.value(expr);
        if is_literal(expr) || !later.iter().any(|later| may_change(later)) {
            return operand;
        }
        match operand {
            Operand::Scalar(register) => Operand::Scalar(self.code.copied(register)),
            Operand::View(view) if matches!(self.ty(&expr.ty), Ty::Value(_)) && !self.is_own_slot(expr) => {
                let slot = self.code.slot(self.code.view_of(view).length);
                self.code.copy(slot, view);
                Operand::View(slot)
            }
            other => other,
        }
    }

    pub fn pair(&mut self, left: &'p Expr, right: &'p Expr) -> Option<(Operand, Operand)> {
        let left = self.stable(left, &[right]);
        let right = self.value(right);
        (!self.code.ended()).then_some((left, right))
    }

    fn short_circuit(&mut self, left: &'p Expr, right: &'p Expr, and: bool) -> Operand {
        let dst = self.code.scalar(Scalar::Bool);
        self.into(left, Dest::Register(dst));
        if self.code.ended() {
            return Operand::Never;
        }
        let mut more = |me: &mut Self| me.into(right, Dest::Register(dst));
        if and {
            self.if_else(dst, &mut more, &mut |_: &mut Self| {});
        } else {
            self.if_else(dst, &mut |_: &mut Self| {}, &mut more);
        }
        Operand::Scalar(dst)
    }

    // -- places --------------------------------------------------------------------------------------------

    /// The spot in memory that an expression names or, where it names none, where its value has been put.
    pub fn locate(&mut self, expr: &'p Expr) -> Option<Location> {
        match &expr.kind {
            ExprKind::Field { base, field } => {
                let base_ty = self.ty(&base.ty);
                let inside = self.locate_base(base, &base_ty)?;
                let offset = self.field_offset(&base_ty, *field)?;
                Some(self.inside(inside, offset, &base_ty))
            }
            ExprKind::Index { base, index } => {
                let base_ty = self.ty(&base.ty);
                let inside = self.locate_base(base, &base_ty)?;
                let prepared = self.prepared.iter().find(|(at, _)| std::ptr::eq(*at, &**index)).map(|(_, register)| *register);
                let index = match prepared {
                    Some(register) => register,
                    None => match self.value(index) {
                        Operand::Scalar(register) => register,
                        _ => return None,
                    },
                };
                let index = self.widen(index);
                self.element(inside, &base_ty, index)
            }
            ExprKind::State(id) => Some(self.state(*id)),
            _ => match self.value(expr) {
                Operand::View(view) => Some(Location::Static { view, offset: 0 }),
                Operand::Row(row) => {
                    let view = self.row_place(row);
                    Some(Location::Static { view, offset: 0 })
                }
                _ => None,
            },
        }
    }

    fn locate_base(&mut self, base: &'p Expr, ty: &Ty) -> Option<Location> {
        match ty {
            // A place is a value of its own: what it points to begins there.
            Ty::Place(..) => match (&base.kind, self.place_in_place(base)) {
                (_, Some(location)) => Some(location),
                _ => match self.value(base) {
                    Operand::View(view) => Some(Location::Static { view, offset: 0 }),
                    _ => None,
                },
            },
            _ => self.locate(base),
        }
    }

    /// A field of a place that is itself a composite: no view need be made of it.
    fn place_in_place(&mut self, expr: &'p Expr) -> Option<Location> {
        match &expr.kind {
            ExprKind::Field { .. } | ExprKind::Index { .. } => self.locate(expr),
            _ => None,
        }
    }

    /// An element of a list (its length is checked) or of a layout's array.
    pub fn element(&mut self, of: Location, ty: &Ty, index: Register) -> Option<Location> {
        let inner = if let Ty::Place(inner, _) = ty { inner } else { ty };
        let (view, offset) = self.fixed(of, inner);
        match inner {
            Ty::Array(element, count) => {
                let stride = self.low.types.extent(element).size;
                Some(Location::Element { view, index, array: Stride { base: offset, stride, count: *count as u32 } })
            }
            Ty::Value(Shape::List(element, max)) => {
                let length = self.code.load(Scalar::U32, view, offset);
                let length = self.widen(length);
                self.check_index(index, length);
                Some(Location::Element { view, index, array: self.list_stride(element, *max, offset) })
            }
            _ => None,
        }
    }

    pub fn list_stride(&self, element: &Shape, max: u32, offset: u32) -> Stride {
        let shapes = &self.low.types.shapes;
        Stride { base: offset + shapes.list_base(element), stride: shapes.extent(element).size, count: max }
    }

    /// A location with a static offset in a view.
    fn fixed(&mut self, location: Location, ty: &Ty) -> (Register, u32) {
        match location {
            Location::Static { view, offset } => (view, offset),
            Location::Element { view, index, array } => {
                let size = self.low.types.extent(ty).size;
                (self.code.part_at(view, index, array, size), 0)
            }
        }
    }

    fn inside(&mut self, base: Location, offset: u32, base_ty: &Ty) -> Location {
        match base {
            Location::Static { view, offset: start } => Location::Static { view, offset: start + offset },
            Location::Element { .. } => {
                let inner = if let Ty::Place(inner, _) = base_ty { inner } else { base_ty };
                let (view, start) = self.fixed(base, inner);
                Location::Static { view, offset: start + offset }
            }
        }
    }

    fn field_offset(&mut self, base: &Ty, field: u32) -> Option<u32> {
        let field = field as usize;
        match base {
            Ty::Row(table) => self.low.schema.tables[table.0 as usize].offsets.get(field).copied(),
            Ty::Place(inner, _) => self.field_offset(inner, field as u32),
            Ty::Layout(id, arguments) => self.low.types.layout(*id, arguments).1.get(field).map(|(_, offset)| *offset),
            Ty::Value(shape) => self.part_offset(shape, field),
            _ => None,
        }
    }

    pub fn part_offset(&self, shape: &Shape, field: usize) -> Option<u32> {
        let shapes = &self.low.types.shapes;
        match shape {
            Shape::Tuple(parts) => shapes.record_extent(parts.iter()).1.get(field).copied(),
            Shape::Struct(index) => shapes.fields_extent(&shapes.structs[*index as usize]).1.get(field).copied(),
            _ => None,
        }
    }

    /// What stands at a location, as the expression's type wants it.
    fn read(&mut self, expr: &Expr, location: Location) -> Operand {
        let ty = self.ty(&expr.ty);
        self.read_as(&ty, location)
    }

    pub fn read_as(&mut self, ty: &Ty, location: Location) -> Operand {
        if let Some(scalar) = ty.as_scalar() {
            return Operand::Scalar(self.load(location, scalar));
        }
        let inner = if let Ty::Place(inner, _) = ty { inner } else { ty };
        Operand::View(self.view(location, inner))
    }

    pub fn load(&mut self, location: Location, scalar: Scalar) -> Register {
        match location {
            Location::Static { view, offset } => self.code.load(scalar, view, offset),
            Location::Element { view, index, array } => {
                let dst = self.code.scalar(scalar);
                self.code.emit(Instr::LoadAt { dst, view, index, base: array.base, stride: array.stride, count: array.count });
                dst
            }
        }
    }

    pub fn view(&mut self, location: Location, ty: &Ty) -> Register {
        let size = self.low.types.extent(ty).size;
        match location {
            Location::Static { view, offset } => self.code.part(view, offset, size),
            Location::Element { view, index, array } => self.code.part_at(view, index, array, size),
        }
    }

    /// The view of a place expression, to be written as a whole.
    pub fn place_of(&mut self, target: &'p Expr) -> Option<Register> {
        let ty = self.ty(&target.ty);
        let location = self.locate(target)?;
        Some(self.view(location, if let Ty::Place(inner, _) = &ty { inner } else { &ty }))
    }

    pub fn store_scalar(&mut self, target: &'p Expr, value: Register) {
        match self.locate(target) {
            Some(Location::Static { view, offset }) => self.code.store(view, offset, value),
            Some(Location::Element { view, index, array }) => {
                self.code.emit(Instr::StoreAt { view, index, base: array.base, stride: array.stride, count: array.count, src: value });
            }
            None => {}
        }
    }

    // -- destinations --------------------------------------------------------------------------------------

    /// Puts the expression's value where it shall be.
    pub fn into(&mut self, expr: &'p Expr, dest: Dest) {
        if self.code.ended() {
            return;
        }
        self.at(expr.span, |me| me.into_here(expr, dest));
    }

    fn into_here(&mut self, expr: &'p Expr, dest: Dest) {
        match &expr.kind {
            ExprKind::If { condition, then, otherwise } => {
                let (condition, turned) = unturned(condition);
                if let Operand::Scalar(condition) = self.value(condition) {
                    let mut then = |me: &mut Self| me.block(then, dest);
                    let mut otherwise = |me: &mut Self| {
                        if let Some(otherwise) = otherwise {
                            me.block(otherwise, dest);
                        }
                    };
                    match turned {
                        false => self.if_else(condition, &mut then, &mut otherwise),
                        true => self.if_else(condition, &mut otherwise, &mut then),
                    }
                }
            }
            ExprKind::Match { value, arms } => self.match_into(value, arms, dest),
            ExprKind::Block(block) => self.block(block, dest),
            _ => match dest {
                Dest::Memory { view, offset, fresh } => match self.ty(&expr.ty) {
                    Ty::Value(shape) if scalar_of(&shape).is_none() => self.build(expr, &shape, view, offset, fresh),
                    _ => {
                        let operand = self.value(expr);
                        self.deliver(operand, dest);
                    }
                },
                Dest::Register(register) => {
                    let known = self.code.registers.len() as u32;
                    if let Operand::Scalar(src) = self.value(expr)
                        && !(src.0 >= known && self.code.retarget(src, register))
                    {
                        self.code.move_to(register, src);
                    }
                }
                Dest::Discard => {
                    // An optional that nobody looks at, as of a function that may answer none.
                    if self.answers_by_control(expr) {
                        self.leavable(&mut |me: &mut Self, end| {
                            me.optional(expr, &mut |me: &mut Self| me.code.break_to(end));
                        });
                    } else {
                        self.value(expr);
                    }
                }
            },
        }
    }

    pub fn deliver(&mut self, operand: Operand, dest: Dest) {
        match (operand, dest) {
            (Operand::Scalar(src), Dest::Register(dst)) => self.code.move_to(dst, src),
            (Operand::Scalar(src), Dest::Memory { view, offset, .. }) => self.code.store(view, offset, src),
            (Operand::View(src), Dest::Memory { view, offset, .. }) => {
                let length = self.code.view_of(src).length;
                let to = self.code.part(view, offset, length);
                self.code.copy(to, src);
            }
            _ => {}
        }
    }

    // -- optionals -----------------------------------------------------------------------------------------

    /// Whether an optional is answered by where control goes rather than by a tag in memory.
    pub fn answers_by_control(&mut self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Get { .. } | ExprKind::GetUnique { .. } => true,
            ExprKind::Local(id) => matches!(self.locals[id.0 as usize], Binding::Maybe(..)),
            ExprKind::Call { callable, generics, .. } => {
                let program = self.low.program;
                let callable = &program.callables[callable.0 as usize];
                if callable.kind != hir::CallableKind::Function {
                    return false;
                }
                let generics: Vec<Ty> = generics.iter().map(|ty| self.low.types.ty(ty, &self.generics)).collect();
                let result = self.low.types.ty(&callable.result, &generics);
                crate::calls::answers_maybe(&result)
            }
            ExprKind::Block(block) => block.value.as_ref().is_some_and(|value| self.answers_by_control(value)),
            _ => false,
        }
    }

    /// The content of an optional; `none`, which must not go on, is lowered for its absence.
    pub fn optional(&mut self, expr: &'p Expr, none: &mut dyn FnMut(&mut Self)) -> Operand {
        if self.code.ended() {
            return Operand::Never;
        }
        self.at(expr.span, |me| me.optional_here(expr, none))
    }

    fn optional_here(&mut self, expr: &'p Expr, none: &mut dyn FnMut(&mut Self)) -> Operand {
        match &expr.kind {
            ExprKind::None => {
                none(self);
                Operand::Never
            }
            ExprKind::Some(inner) => self.value(inner),
            ExprKind::Get { table, key } => self.get(*table, key, none),
            ExprKind::GetUnique { table, index, parts } => self.get_unique(*table, *index, parts, none),
            ExprKind::Local(id) if matches!(self.locals[id.0 as usize], Binding::Maybe(..)) => self.unwrap_maybe(*id, none),
            ExprKind::Call { callable, generics, arguments } if self.answers_by_control(expr) => {
                self.call_maybe(*callable, generics, arguments, none)
            }
            ExprKind::Block(block) if self.answers_by_control(expr) => {
                let (value, statements) = (block.value.as_deref(), &block.statements);
                for statement in statements {
                    self.statement_at(statement);
                }
                match value {
                    Some(value) => self.optional(value, none),
                    None => Operand::Never,
                }
            }
            _ => {
                let Ty::Value(Shape::Optional(inner)) = self.ty(&expr.ty) else {
                    return self.unsupported(expr.span, "an optional of this kind");
                };
                let Some(location) = self.locate(expr) else { return Operand::Never };
                let (view, offset) = self.fixed(location, &Ty::Value(Shape::Optional(inner.clone())));
                self.content(view, offset, &inner, none)
            }
        }
    }

    /// The content of an optional in memory.
    pub fn content(&mut self, view: Register, offset: u32, inner: &Shape, none: &mut dyn FnMut(&mut Self)) -> Operand {
        let present = self.code.load(Scalar::Bool, view, offset);
        self.if_else(present, &mut |_: &mut Self| {}, none);
        let offset = offset + self.low.types.shapes.optional_offset(inner);
        self.read_as(&Ty::Value(inner.clone()), Location::Static { view, offset })
    }

    /// Whether the optional is there.
    pub fn is_some(&mut self, expr: &'p Expr) -> Register {
        if self.answers_by_control(expr) || matches!(expr.kind, ExprKind::None | ExprKind::Some(_)) {
            let dst = self.code.scalar(Scalar::Bool);
            self.code.emit(Instr::Const { dst, bits: 0 });
            self.leavable(&mut |me: &mut Self, end| {
                me.nested += 1;
                me.optional(expr, &mut |me: &mut Self| me.code.break_to(end));
                me.nested -= 1;
                me.code.emit(Instr::Const { dst, bits: 1 });
            });
            return dst;
        }
        match self.locate(expr) {
            Some(location) => self.load(location, Scalar::Bool),
            None => self.code.constant(Scalar::Bool, 0),
        }
    }

    // -- comparison ----------------------------------------------------------------------------------------

    fn comparison(&mut self, op: CompareOp, left: &'p Expr, right: &'p Expr) -> Operand {
        let nothing = |expr: &Expr| matches!(expr.kind, ExprKind::None);
        if nothing(left) || nothing(right) {
            let other = if nothing(left) { right } else { left };
            let some = self.is_some(other);
            return Operand::Scalar(if op == CompareOp::Equal { self.code.not(some) } else { some });
        }
        let (left_ty, right_ty) = (self.ty(&left.ty), self.ty(&right.ty));
        match self.pair(left, right) {
            Some((Operand::Scalar(left), Operand::Scalar(right))) => Operand::Scalar(self.code.compare(op, left, right)),
            Some((Operand::View(left), Operand::View(right))) => Operand::Scalar(self.compare_memory(op, left, &left_ty, right, &right_ty)),
            Some((Operand::Unit, Operand::Unit)) => Operand::Scalar(self.code.constant(Scalar::Bool, u128::from(op == CompareOp::Equal))),
            _ => Operand::Never,
        }
    }

    /// Values in memory are canonical, so equal ones are equal bytes; strings compare by content, then by length.
    pub fn compare_memory(&mut self, op: CompareOp, mut left: Register, left_ty: &Ty, mut right: Register, right_ty: &Ty) -> Register {
        let (left_length, right_length) = (self.code.view_of(left).length, self.code.view_of(right).length);
        if left_length < right_length {
            left = self.widened(left, right_length);
        } else if right_length < left_length {
            right = self.widened(right, left_length);
        }
        if matches!(op, CompareOp::Equal | CompareOp::NotEqual) {
            let dst = self.code.scalar(Scalar::Bool);
            self.code.emit(Instr::EqualBytes { dst, left, right });
            return if op == CompareOp::Equal { dst } else { self.code.not(dst) };
        }
        let wider = if left_length < right_length { right_ty } else { left_ty };
        let Ty::Value(Shape::String(max) | Shape::Bytes(max)) = wider else {
            return self.code.constant(Scalar::Bool, 0);
        };
        let prefix = length_prefix(*max);
        let (left_content, right_content) = (self.code.part(left, prefix, *max), self.code.part(right, prefix, *max));
        let order = self.code.scalar(Scalar::I64);
        self.code.emit(Instr::CompareBytes { dst: order, left: left_content, right: right_content });
        let zero = self.code.constant(Scalar::I64, 0);
        let same = self.code.compare(CompareOp::Equal, order, zero);
        let scalar = if prefix == 2 { Scalar::U16 } else { Scalar::U32 };
        let (left_length, right_length) = (self.code.load(scalar, left, 0), self.code.load(scalar, right, 0));
        let by_length = self.code.compare(op, left_length, right_length);
        let by_content = self.code.compare(op, order, zero);
        let dst = self.code.scalar(Scalar::Bool);
        self.code.emit(Instr::Select { dst, condition: same, then: by_length, otherwise: by_content });
        dst
    }

    fn widened(&mut self, view: Register, length: u32) -> Register {
        let slot = self.code.slot(length);
        self.code.copy(slot, view);
        slot
    }

    // -- conversion ----------------------------------------------------------------------------------------

    fn conversion(&mut self, expr: &'p Expr, mode: ConvertMode, value: &'p Expr) -> Operand {
        let (from, to) = (self.ty(&value.ty), self.ty(&expr.ty));
        if from == to {
            return self.value(value);
        }
        match (&from, &to) {
            (Ty::Place(inner, _), to) => {
                let Some(location) = self.locate(value) else { return Operand::Never };
                match (inner.as_scalar(), to.as_scalar()) {
                    (Some(have), Some(want)) => {
                        let register = self.load(location, have);
                        Operand::Scalar(self.code.convert(mode, want, register))
                    }
                    _ => Operand::View(self.view(location, inner)),
                }
            }
            (from, to) => match (from.as_scalar(), to.as_scalar()) {
                (Some(have), Some(want)) => match self.value(value) {
                    Operand::Scalar(register) => {
                        let mode = if have == Scalar::Bool { ConvertMode::Wrapping } else { mode };
                        Operand::Scalar(self.code.convert(mode, want, register))
                    }
                    _ => Operand::Never,
                },
                _ => self.built(expr),
            },
        }
    }

    /// `touch(region, page) as L`.
    fn touch(&mut self, mutable: bool, region: &'p Expr, page: &'p Expr) -> Operand {
        let Operand::Region(region) = self.value(region) else { return Operand::Never };
        let Operand::Scalar(page) = self.value(page) else { return Operand::Never };
        let view = self.code.touch(region, page, mutable, self.low.types.page_bytes);
        // The whole page stands for the layout, which begins with it.
        Operand::View(view)
    }

    fn low_level(&mut self, expr: &'p Expr, op: hir::LowLevel, arguments: &'p [Expr]) -> Operand {
        use hir::LowLevel;
        match op {
            LowLevel::At => {
                let base_ty = self.ty(&arguments[0].ty);
                let Some(base) = self.locate_base(&arguments[0], &base_ty) else { return Operand::Never };
                let Operand::Scalar(index) = self.value(&arguments[1]) else { return Operand::Never };
                let index = self.widen(index);
                match self.element(base, &base_ty, index) {
                    Some(location) => {
                        let ty = match self.ty(&expr.ty) {
                            Ty::Place(inner, _) => *inner,
                            other => other,
                        };
                        Operand::View(self.view(location, &ty))
                    }
                    None => Operand::Never,
                }
            }
            LowLevel::Shift => {
                let base_ty = self.ty(&arguments[0].ty);
                let Some(base) = self.locate_base(&arguments[0], &base_ty) else { return Operand::Never };
                let inner = if let Ty::Place(inner, _) = base_ty { *inner } else { base_ty };
                let (view, offset) = self.fixed(base, &inner);
                let Ty::Array(element, count) = inner else { return Operand::Never };
                let stride = self.low.types.extent(&element).size;
                let mut numbers = Vec::new();
                for (at, argument) in arguments[1..].iter().enumerate() {
                    let later: Vec<&Expr> = arguments[at + 2..].iter().collect();
                    let Operand::Scalar(number) = self.stable(argument, &later) else { return Operand::Never };
                    numbers.push(number);
                }
                if let ([from, to, length], true) = (&numbers[..], stride > 0) {
                    let (from, to, length) = (*from, *to, *length);
                    self.code.emit(Instr::MoveWithin { view, base: offset, stride, count: count as u32, from, to, length });
                }
                Operand::Unit
            }
            LowLevel::Random => self.environment(Environment::Random, Scalar::U64),
            LowLevel::Copy | LowLevel::Compare | LowLevel::Equal => {
                let Some((Operand::View(left), Operand::View(right))) = self.pair(&arguments[0], &arguments[1]) else {
                    return Operand::Never;
                };
                match op {
                    LowLevel::Copy => {
                        self.code.copy(left, right);
                        Operand::Unit
                    }
                    LowLevel::Compare => {
                        let dst = self.code.scalar(Scalar::I64);
                        self.code.emit(Instr::CompareBytes { dst, left, right });
                        Operand::Scalar(dst)
                    }
                    _ => {
                        let dst = self.code.scalar(Scalar::Bool);
                        self.code.emit(Instr::EqualBytes { dst, left, right });
                        Operand::Scalar(dst)
                    }
                }
            }
            LowLevel::Zero => {
                if let Operand::View(view) = self.value(&arguments[0]) {
                    self.code.zero(view);
                }
                Operand::Unit
            }
            LowLevel::Hash | LowLevel::MatchByte => {
                let Some((Operand::View(view), Operand::Scalar(number))) = self.pair(&arguments[0], &arguments[1]) else {
                    return Operand::Never;
                };
                let dst = self.code.scalar(Scalar::U64);
                self.code.emit(match op {
                    LowLevel::Hash => Instr::Hash { dst, view, seed: number },
                    _ => Instr::MatchByte { dst, view, byte: number },
                });
                Operand::Scalar(dst)
            }
        }
    }

    /// Operations of the built-in types that are not of lists and strings.
    fn method(&mut self, expr: &'p Expr, method: Method, receiver: &'p Expr, arguments: &'p [Expr]) -> Operand {
        match method {
            Method::IsSome => Operand::Scalar(self.is_some(receiver)),
            Method::IsNone => {
                let some = self.is_some(receiver);
                Operand::Scalar(self.code.not(some))
            }
            Method::OrElse => {
                let Ty::Value(shape) = self.ty(&expr.ty) else { return self.unsupported(expr.span, "`??` on rows") };
                let (operand, dest) = self.new_local(&shape);
                self.leavable(&mut |me: &mut Self, end| {
                    let content = me.optional(receiver, &mut |me: &mut Self| {
                        me.nested += 1;
                        me.into(&arguments[0], dest);
                        me.nested -= 1;
                        me.code.break_to(end);
                    });
                    me.deliver(content, dest);
                });
                operand
            }
            Method::Nanoseconds => self.value(receiver),
            _ => self.list_method(expr, method, receiver, arguments),
        }
    }

    pub fn add_number(&mut self, register: Register, number: u64) -> Register {
        let scalar = self.code.scalar_of(register);
        let one = self.code.literal(scalar, number.into());
        self.code.binary(BinaryOp::WrappingAdd, register, one)
    }

    /// Fails where a list or string is longer than its type.
    pub fn check_length(&mut self, length: Register, max: u64) {
        let most = self.code.literal(self.code.scalar_of(length), max.into());
        let beyond = self.code.compare(CompareOp::Greater, length, most);
        self.code.fail_if(beyond, Builtin::TooLong);
    }
}

/// A condition without the `!` in front of it, and whether there was one.
fn unturned(condition: &Expr) -> (&Expr, bool) {
    match &condition.kind {
        ExprKind::Unary { op: UnaryOp::Not, operand } if operand.ty == hir::Type::BOOL => (operand, true),
        _ => (condition, false),
    }
}

fn is_literal(expr: &Expr) -> bool {
    crate::body::is_constant(expr)
}

/// Whether working the expression out may change what something else reads.
pub fn may_change(expr: &Expr) -> bool {
    let mut changes = false;
    visit_expr(expr, &mut |node| {
        changes |= match node {
            Node::Statement(_) => true,
            Node::EnterLoop(..) | Node::LeaveLoop => false,
            Node::Expr(expr) => matches!(
                expr.kind,
                ExprKind::Call { .. }
                    | ExprKind::Insert { .. }
                    | ExprKind::Put { .. }
                    | ExprKind::GetOrInsert { .. }
                    | ExprKind::Delete { .. }
                    | ExprKind::Attempt(_)
                    | ExprKind::Method { method: Method::Push | Method::Pop, .. }
            ),
        };
    });
    changes
}
