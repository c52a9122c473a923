//! Matching: arms in order, each a block that a mismatch leaves. Always true: the last arm without a guard is
//! taken without looking, since the checker has made sure that the arms cover everything.

use crate::body::{Dest, Function, Operand};
use crate::code::Label;
use crate::concrete::Ty;
use crate::places::Location;
use rc_bytecode::instr::{Builtin, CompareOp, Register, Scalar};
use rc_bytecode::layout::Shape;
use rc_hir::{Arm, Expr, Pattern, PatternKind};

impl<'p> Function<'_, 'p> {
    /// `match` as a value or a statement.
    pub fn match_into(&mut self, value: &'p Expr, arms: &'p [Arm], dest: Dest) {
        if self.answers_by_control(value) {
            return self.match_optional(value, arms, dest);
        }
        if let Ty::Attempted(..) = self.ty(&value.ty) {
            return self.match_attempt(value, arms, dest);
        }
        let operand = self.value(value);
        if self.code.ended() {
            return;
        }
        self.leavable(&mut |me: &mut Self, end| me.arms(arms, operand, dest, end));
    }

    /// Tries the arms in order on a value; leaves `end` after the one that fits.
    pub fn arms(&mut self, arms: &'p [Arm], operand: Operand, dest: Dest, end: Label) {
        for (number, arm) in arms.iter().enumerate() {
            let last = number + 1 == arms.len() && arm.guard.is_none();
            if last {
                self.nested += 1;
                self.bind(&arm.pattern, operand);
                self.into(&arm.body, dest);
                self.nested -= 1;
                return;
            }
            self.nested += 1;
            self.leavable(&mut |me: &mut Self, next| {
                me.test(&arm.pattern, operand, next);
                me.bind(&arm.pattern, operand);
                me.guard(arm, next);
                me.into(&arm.body, dest);
                if !me.code.ended() {
                    me.code.break_to(end);
                }
            });
            self.nested -= 1;
        }
        if !self.code.ended() {
            self.code.fail(Builtin::BoundExceeded);
        }
    }

    fn guard(&mut self, arm: &'p Arm, next: Label) {
        if let Some(guard) = &arm.guard
            && let Operand::Scalar(holds) = self.value(guard)
        {
            self.code.break_unless(holds, next);
        }
    }

    /// An optional that control answers: the arms for its content inside, those for `none` after.
    fn match_optional(&mut self, value: &'p Expr, arms: &'p [Arm], dest: Dest) {
        self.leavable(&mut |me: &mut Self, end| {
            me.leavable(&mut |me: &mut Self, absent| {
                me.nested += 1;
                me.write_wanted = arms.iter().any(|arm| me.writes_through(&arm.pattern));
                let content = me.optional(value, &mut |me: &mut Self| me.code.break_to(absent));
                me.write_wanted = false;
                for arm in arms {
                    let all = forms(&arm.pattern);
                    let covers = all
                        .iter()
                        .any(|one| matches!(one.kind, PatternKind::Wildcard));
                    let inner: Vec<&'p Pattern> = all
                        .into_iter()
                        .filter_map(|one| match &one.kind {
                            PatternKind::Some(inner) => Some(&**inner),
                            _ => None,
                        })
                        .collect();
                    if inner.is_empty() && !covers {
                        continue;
                    }
                    if me.code.ended() {
                        break;
                    }
                    let fits = covers || inner.iter().any(|inner| always_fits(inner));
                    let certain = arm.guard.is_none() && fits;
                    me.leavable(&mut |me: &mut Self, next| {
                        if !fits {
                            me.test_any(&inner, content, next);
                        }
                        if let [inner] = inner[..] {
                            me.bind(inner, content);
                        }
                        me.guard(arm, next);
                        me.into(&arm.body, dest);
                        if !me.code.ended() {
                            me.code.break_to(end);
                        }
                    });
                    if certain {
                        break;
                    }
                }
                me.nested -= 1;
                if !me.code.ended() {
                    me.code.fail(Builtin::BoundExceeded);
                }
            });
            me.nested += 1;
            for arm in arms {
                let absent =
                    |one: &&Pattern| matches!(one.kind, PatternKind::None | PatternKind::Wildcard);
                if me.code.ended() || !forms(&arm.pattern).iter().any(absent) {
                    continue;
                }
                me.leavable(&mut |me: &mut Self, next| {
                    me.guard(arm, next);
                    me.into(&arm.body, dest);
                    if !me.code.ended() {
                        me.code.break_to(end);
                    }
                });
            }
            me.nested -= 1;
            if !me.code.ended() {
                me.code.fail(Builtin::BoundExceeded);
            }
        });
    }

    /// Leaves `next` where the value fits none of the patterns, of which there is one at least.
    fn test_any(&mut self, patterns: &[&'p Pattern], operand: Operand, next: Label) {
        match patterns {
            [one] => self.test(one, operand, next),
            _ => self.first_that_fits(patterns, next, &mut |me, one, next| {
                me.test(one, operand, next)
            }),
        }
    }

    /// Tries forms in order, each of which leaves the label that it is given where it does not fit.
    pub fn first_that_fits(
        &mut self,
        patterns: &[&'p Pattern],
        next: Label,
        test: &mut dyn FnMut(&mut Self, &'p Pattern, Label),
    ) {
        let Some((last, before)) = patterns.split_last() else {
            return;
        };
        self.leavable(&mut |me: &mut Self, fits| {
            for one in before {
                me.leavable(&mut |me: &mut Self, other| {
                    test(me, one, other);
                    if !me.code.ended() {
                        me.code.break_to(fits);
                    }
                });
            }
            test(me, last, next);
        });
    }

    /// Leaves `next` where the value does not fit the pattern.
    pub fn test(&mut self, pattern: &'p Pattern, operand: Operand, next: Label) {
        if self.code.ended() {
            return;
        }
        match (&pattern.kind, operand) {
            (PatternKind::Integer(number), Operand::Scalar(register)) => {
                let wanted = self
                    .code
                    .literal(self.code.scalar_of(register), *number as u128);
                self.leave_unless(CompareOp::Equal, register, wanted, next);
            }
            (PatternKind::Bool(wanted), Operand::Scalar(register)) => match wanted {
                true => self.code.break_unless(register, next),
                false => self.code.break_if(register, next),
            },
            (PatternKind::IntegerRange(low, high), Operand::Scalar(register)) => {
                let scalar = self.code.scalar_of(register);
                let low = self.code.constant(scalar, *low as u128);
                self.leave_unless(CompareOp::GreaterOrEqual, register, low, next);
                let high = self.code.constant(scalar, *high as u128);
                self.leave_unless(CompareOp::LessOrEqual, register, high, next);
            }
            (PatternKind::String(text), Operand::View(view)) => {
                self.test_string(text, &pattern.ty, view, next)
            }
            (PatternKind::None, Operand::View(view)) => {
                let present = self.code.load(Scalar::Bool, view, 0);
                self.code.break_if(present, next);
            }
            (PatternKind::Some(inner), Operand::View(view)) => {
                let present = self.code.load(Scalar::Bool, view, 0);
                self.code.break_unless(present, next);
                if !always_fits(inner) {
                    let content = self.optional_content(&pattern.ty, view);
                    self.test(inner, content, next);
                }
            }
            (PatternKind::Or(_), operand) if !always_fits(pattern) => {
                self.test_any(&forms(pattern), operand, next)
            }
            (PatternKind::Variant { variant, fields }, Operand::View(view)) => {
                let Shape::Enum(index) = self.shape(&pattern.ty) else {
                    return;
                };
                let fits = self.has_tag(index, *variant, view, 0);
                self.code.break_unless(fits, next);
                for (field, inner) in fields.iter().filter(|(_, inner)| !always_fits(inner)) {
                    let part = self.variant_field(index, *variant, *field, view);
                    self.test(inner, part, next);
                }
            }
            (PatternKind::Tuple(parts), Operand::View(view)) => {
                let shape = self.shape(&pattern.ty);
                for (number, inner) in parts
                    .iter()
                    .enumerate()
                    .filter(|(_, inner)| !always_fits(inner))
                {
                    let part = self.tuple_part(&shape, number, view);
                    self.test(inner, part, next);
                }
            }
            _ => {}
        }
    }

    fn leave_unless(&mut self, op: CompareOp, left: Register, right: Register, next: Label) {
        let fits = self.code.compare(op, left, right);
        self.code.break_unless(fits, next);
    }

    fn test_string(&mut self, text: &str, ty: &rc_hir::Type, view: Register, next: Label) {
        let ty = self.ty(ty);
        let Ty::Value(shape) = &ty else { return };
        let (Shape::String(max) | Shape::Bytes(max)) = shape else {
            return;
        };
        if text.len() > *max as usize {
            return self.code.break_to(next);
        }
        let slot = self.code.slot(self.size(shape));
        self.literal_text(text, shape, slot);
        let same = self.compare_memory(CompareOp::Equal, view, &ty, slot, &ty);
        self.code.break_unless(same, next);
    }

    /// Gives the pattern's names their values; the pattern fits.
    pub fn bind(&mut self, pattern: &'p Pattern, operand: Operand) {
        if self.code.ended() {
            return;
        }
        match (&pattern.kind, operand) {
            (PatternKind::Bind(_), operand) => self.bind_new(pattern, operand),
            (PatternKind::Some(inner), Operand::View(view)) => {
                let content = self.optional_content(&pattern.ty, view);
                self.bind(inner, content);
            }
            (PatternKind::Variant { variant, fields }, Operand::View(view)) => {
                let Shape::Enum(index) = self.shape(&pattern.ty) else {
                    return;
                };
                for (field, inner) in fields.iter().filter(|(_, inner)| binds(inner)) {
                    let part = self.variant_field(index, *variant, *field, view);
                    self.bind(inner, part);
                }
            }
            (PatternKind::Tuple(parts), Operand::View(view)) => {
                let shape = self.shape(&pattern.ty);
                for (number, inner) in parts.iter().enumerate().filter(|(_, inner)| binds(inner)) {
                    let part = self.tuple_part(&shape, number, view);
                    self.bind(inner, part);
                }
            }
            _ => {}
        }
    }

    fn optional_content(&mut self, ty: &rc_hir::Type, view: Register) -> Operand {
        let Shape::Optional(inner) = self.shape(ty) else {
            return Operand::Unit;
        };
        let offset = self.low.types.shapes.optional_offset(&inner);
        self.read_as(&Ty::Value(*inner), Location::Static { view, offset })
    }

    pub fn variant_field(
        &mut self,
        index: u32,
        variant: u32,
        field: u32,
        view: Register,
    ) -> Operand {
        let shapes = &self.low.types.shapes;
        let record = &shapes.enums[index as usize].variants[variant as usize];
        let offset = shapes.payload_offset(index) + shapes.fields_extent(record).1[field as usize];
        let shape = record.fields[field as usize].1.clone();
        self.read_as(&Ty::Value(shape), Location::Static { view, offset })
    }

    pub fn tuple_part(&mut self, shape: &Shape, number: usize, view: Register) -> Operand {
        let (Shape::Tuple(parts), Some(offset)) = (shape, self.part_offset(shape, number)) else {
            return Operand::Unit;
        };
        let part = parts[number].clone();
        self.read_as(&Ty::Value(part), Location::Static { view, offset })
    }
}

/// Whether every value of its type fits.
pub fn always_fits(pattern: &Pattern) -> bool {
    match &pattern.kind {
        PatternKind::Wildcard | PatternKind::Bind(_) => true,
        PatternKind::Tuple(parts) => parts.iter().all(always_fits),
        PatternKind::Or(all) => all.iter().any(always_fits),
        _ => false,
    }
}

/// The forms of a pattern: itself, or what stands between its `|`.
pub fn forms(pattern: &Pattern) -> Vec<&Pattern> {
    match &pattern.kind {
        PatternKind::Or(all) => all.iter().flat_map(forms).collect(),
        _ => vec![pattern],
    }
}

fn binds(pattern: &Pattern) -> bool {
    match &pattern.kind {
        PatternKind::Bind(_) => true,
        PatternKind::Tuple(parts) => parts.iter().any(binds),
        PatternKind::Some(inner) | PatternKind::Ok(inner) => binds(inner),
        PatternKind::Variant { fields, .. } | PatternKind::Failure { fields, .. } => {
            fields.iter().any(|(_, inner)| binds(inner))
        }
        _ => false,
    }
}
