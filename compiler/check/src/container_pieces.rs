//! Operations of texts and blobs, over the rows of bytes that they are kept in.
//!
//! Always true: piece n holds the bytes from n times a piece's size on; the pieces that there are, which the header counts, have
//! the numbers from 0 on and reach at least to the length. What stands behind the length is never read and is written
//! over by what comes next. An operation's work is bounded by the capacity of the part that it is given, or gives.

use crate::body::{Body, error, make};
use crate::container_operations::FREED_AT_ONCE;
use crate::container_script::Script;
use rc_bytecode::instr::{BinaryOp, Builtin, CompareOp};
use rc_diagnostics::codes;
use rc_hir::{
    Container, ContainerKind, Count, Expr, ExprKind, FailureValue, LocalId, Method, Source,
    StatementKind, Storage, Type, header,
};
use rc_source::Span;
use rc_syntax::ast;

/// Bytes of the longest text or blob; a longer one fails `TooLong`.
const LENGTH_MAX: u64 = 1 << 40;

/// Bytes of the longest part: a value is at most 1 MiB.
const PART_MAX: u64 = 1 << 20;

/// Bytes of the longest character: a shorter part could stay empty for ever.
const CHARACTER_MAX: u64 = 4;

impl Body<'_, '_> {
    pub fn pieces_method(
        &mut self,
        container: Container,
        receiver: Expr,
        name: &ast::Name,
        arguments: &[ast::Expr],
        span: Span,
    ) -> Expr {
        let wanted = match &*name.text {
            "read" | "write" => 2,
            "append" | "truncate" => 1,
            _ => 0,
        };
        if !self.takes(name, arguments, wanted, span) {
            return error(span);
        }
        let kind = container.kind;
        let called = self.world.text_of(receiver.span);
        let mut script = Script::new(self, container, receiver, span);
        match (&*name.text, arguments) {
            ("len", _) => {
                let length = script.header(header::COUNT);
                script.end(Some(length))
            }
            ("is_empty", _) => {
                let empty = script.equal(script.header(header::COUNT), script.number(0));
                script.end(Some(empty))
            }
            ("clear", _) => {
                script.clear();
                script.end(None)
            }
            ("truncate", [length]) => {
                let Some(length) = script.position(length) else {
                    return error(span);
                };
                script.truncate(length);
                script.end(None)
            }
            ("read", [offset, most]) => {
                let offset = script.position(offset);
                let most = script.body.most(most, kind, &called);
                match (offset, most) {
                    (Some(offset), Some(most)) => script.read(offset, most),
                    _ => error(span),
                }
            }
            ("append", [part]) => {
                let Some((part, capacity)) = script.part_given(part) else {
                    return error(span);
                };
                let offset = script.header(header::COUNT);
                let offset = script.keep(offset);
                script.store(offset, part, capacity);
                script.end(None)
            }
            (_, [offset, part]) => {
                let offset = script.position(offset);
                let part = script.part_given(part);
                let (Some(offset), Some((part, capacity))) = (offset, part) else {
                    return error(span);
                };
                script.within_length(&offset);
                script.store(offset, part, capacity);
                script.end(None)
            }
            _ => error(span),
        }
    }

    /// The second argument of `read`.
    fn most(&mut self, most: &ast::Expr, kind: ContainerKind, called: &str) -> Option<u64> {
        let value = self.expr_of(most, &Type::U64);
        let number = match value.kind {
            _ if value.ty == Type::Error => return None,
            ExprKind::Integer(number) => number,
            _ => {
                self.world
                    .error(
                        codes::READ_NOT_CONSTANT,
                        most.span,
                        "how much `read` gives at most is a constant: the capacity of what it gives",
                    )
                    .label("not known before it runs")
                    .hint(format!("{called}.read(offset, 1000)"));
                return None;
            }
        };
        let least = match kind {
            ContainerKind::Text => CHARACTER_MAX,
            _ => 1,
        };
        match u64::try_from(number) {
            Ok(number) if number > PART_MAX => {
                self.world
                    .error(
                        codes::VALUE_TOO_LARGE,
                        most.span,
                        format!("a value has at most {PART_MAX} bytes"),
                    )
                    .hint("read it in several parts");
                None
            }
            Ok(number) if number >= least => Some(number),
            _ => {
                let what = match kind {
                    ContainerKind::Text => {
                        "a character may have 4 bytes: a shorter read could give nothing"
                    }
                    _ => "a read of nothing",
                };
                self.world
                    .error(codes::READ_TOO_SHORT, most.span, what)
                    .hint(format!("{called}.read(offset, {})", least.max(100)));
                None
            }
        }
    }
}

impl Script<'_, '_, '_> {
    /// An offset or length, evaluated.
    fn position(&mut self, argument: &ast::Expr) -> Option<Expr> {
        let value = self.body.expr_of(argument, &Type::U64);
        (value.ty != Type::Error).then(|| self.keep(value))
    }

    /// The part that is given to a text or blob, evaluated, and its capacity.
    fn part_given(&mut self, argument: &ast::Expr) -> Option<(Expr, u64)> {
        let is_text = self.container.kind == ContainerKind::Text;
        let value = self.body.expr(argument, None);
        let count = match (&value.ty, is_text) {
            (Type::String(count), true) | (Type::Bytes(count), false) => count.clone(),
            (Type::Error, _) => return None,
            (other, _) => {
                let (shown, needed) = (
                    self.body.show(other),
                    if is_text { "string" } else { "bytes" },
                );
                let kind = self.container.kind.name();
                self.body
                    .world
                    .error(
                        codes::TYPE_MISMATCH,
                        argument.span,
                        format!("a part of a `{kind}` is a `{needed}<N>`, this is a `{shown}`"),
                    )
                    .label(format!("not a `{needed}<N>`"));
                return None;
            }
        };
        let Count::Known(capacity) = count else {
            return None;
        };
        Some((self.keep(value), capacity))
    }

    // -- numbers -------------------------------------------------------------------------------------

    fn shift(&self) -> u8 {
        self.body.world.piece_shift()
    }

    /// Bytes of a piece.
    fn piece(&self) -> u64 {
        1 << self.shift()
    }

    /// Which piece a byte stands in.
    fn piece_of(&self, offset: Expr) -> Expr {
        self.binary(
            BinaryOp::ShiftRight,
            offset,
            self.number(self.shift().into()),
        )
    }

    /// How many pieces so many bytes take.
    fn pieces_of(&self, bytes: Expr) -> Expr {
        self.piece_of(self.plus(bytes, self.number(self.piece() - 1)))
    }

    /// Where in its piece a byte stands.
    fn inside_piece(&self, offset: Expr) -> Expr {
        self.binary(BinaryOp::And, offset, self.number(self.piece() - 1))
    }

    /// None of these numbers comes near the ends of its type.
    fn plus(&self, left: Expr, right: Expr) -> Expr {
        self.binary(BinaryOp::WrappingAdd, left, right)
    }

    fn minus(&self, left: Expr, right: Expr) -> Expr {
        self.binary(BinaryOp::WrappingSub, left, right)
    }

    fn smaller(&self, left: Expr, right: Expr) -> Expr {
        self.binary(BinaryOp::Min, left, right)
    }

    fn less(&self, left: Expr, right: Expr) -> Expr {
        let (left, right) = (Box::new(left), Box::new(right));
        let op = CompareOp::Less;
        make(ExprKind::Compare { op, left, right }, Type::BOOL, self.span)
    }

    // -- statements ----------------------------------------------------------------------------------

    fn failing(&self, failure: Builtin) -> Expr {
        let failure = FailureValue::Builtin(failure);
        make(ExprKind::Fail(failure), Type::Never, self.span)
    }

    fn fail_where(&mut self, condition: Expr, failure: Builtin) {
        let fail = self.failing(failure);
        let mut then = self.block(|script| {
            script.effect(fail);
            None
        });
        then.ty = Type::Never;
        let whole = make(
            ExprKind::If {
                condition: Box::new(condition),
                then,
                otherwise: None,
            },
            Type::Unit,
            self.span,
        );
        self.effect(whole);
    }

    /// Nothing can be asked of what stands behind the end.
    fn within_length(&mut self, offset: &Expr) {
        let beyond = self.less(self.header(header::COUNT), offset.clone());
        self.fail_where(beyond, Builtin::BoundExceeded);
    }

    fn variable(&mut self, value: Expr) -> LocalId {
        let id = self.fresh(value.ty.clone(), true);
        let pattern = self.bind(id);
        self.push(StatementKind::Let { pattern, value });
        id
    }

    /// `for number in 0..count max max`
    fn count_to(&mut self, count: Expr, max: u64, inside: impl FnOnce(&mut Self, Expr)) {
        let number = self.fresh(Type::U64, false);
        let body = self.block(|script| {
            let number = script.local(number);
            inside(script, number);
            None
        });
        let source = Source::Range {
            start: self.number(0),
            end: count,
            inclusive: false,
            max: Count::Known(max),
        };
        let pattern = self.bind(number);
        self.push(StatementKind::For {
            pattern,
            source,
            body,
        });
    }

    /// The row of a piece that is there.
    fn row_of(&mut self, piece: Expr) -> LocalId {
        let row = self.row();
        let found = self.get(vec![piece]);
        let (pattern, otherwise) = (self.bind(row), self.failing(Builtin::BoundExceeded));
        self.push(StatementKind::LetElse {
            pattern,
            value: found,
            otherwise,
        });
        row
    }

    fn put_part(&mut self, to: Expr, at: Expr, from: Expr, start: Expr, count: Expr) {
        let method = Method::PutPart;
        let (receiver, arguments) = (Box::new(to), vec![at, from, start, count]);
        self.effect(make(
            ExprKind::Method {
                method,
                receiver,
                arguments,
            },
            Type::Unit,
            self.span,
        ));
    }

    /// Cuts off a last character that is not whole; fails where it begins inside one.
    fn whole_characters(&mut self, string: LocalId) {
        let method = Method::WholeCharacters;
        let receiver = Box::new(self.local(string));
        let arguments = Vec::new();
        self.effect(make(
            ExprKind::Method {
                method,
                receiver,
                arguments,
            },
            Type::Unit,
            self.span,
        ));
    }

    fn empty(&self, ty: Type) -> Expr {
        let kind = match ty {
            Type::String(_) => ExprKind::String("".into()),
            _ => ExprKind::Bytes([].into()),
        };
        make(kind, ty, self.span)
    }

    // -- operations ----------------------------------------------------------------------------------

    /// The part's bytes over those at `offset`, which is not behind the end, and on from there.
    fn store(&mut self, offset: Expr, part: Expr, capacity: u64) {
        let most = capacity.div_ceil(self.piece());
        if most == 0 {
            return;
        }
        // As much of a deleted row is freed as is added, so that what waits does not grow.
        self.begin_adding_freeing(most.max(FREED_AT_ONCE));
        let length = make(
            ExprKind::Method {
                method: Method::Length,
                receiver: Box::new(part.clone()),
                arguments: Vec::new(),
            },
            Type::U64,
            self.span,
        );
        let length = self.keep(length);
        let end = self.plus(offset.clone(), length.clone());
        let end = self.keep(end);
        let too_long = self.less(self.number(LENGTH_MAX), end.clone());
        self.fail_where(too_long, Builtin::TooLong);

        // What fits into the piece where it begins, if that is there already.
        let inside = self.inside_piece(offset.clone());
        let inside = self.keep(inside);
        let done = self.variable(self.number(0));
        let begins_inside = self.less(self.number(0), inside.clone());
        let head = self.block(|script| {
            let room = script.minus(script.number(script.piece()), inside.clone());
            let count = script.smaller(length.clone(), room);
            let count = script.keep(count);
            let row = script.row_of(script.piece_of(offset.clone()));
            let (to, start) = (script.field(row, 1), script.number(0));
            script.put_part(to, inside, part.clone(), start, count.clone());
            let target = script.local(done);
            script.assign(target, count);
            None
        });
        let head = self.if_else(begins_inside, head, None);
        self.effect(head);

        // The rest begins with a piece.
        let rest = self.minus(length.clone(), self.local(done));
        let pieces = self.pieces_of(rest);
        let pieces = self.keep(pieces);
        let first = self.piece_of(self.plus(offset, self.local(done)));
        let first = self.keep(first);
        self.count_to(pieces, most, |script, number| {
            let skipped = script.binary(
                BinaryOp::ShiftLeft,
                number.clone(),
                script.number(script.shift().into()),
            );
            let start = script.plus(script.local(done), skipped);
            let start = script.keep(start);
            let left = script.minus(length, start.clone());
            let count = script.smaller(left, script.number(script.piece()));
            let count = script.keep(count);
            let piece = script.plus(first, number);
            let piece = script.keep(piece);
            let is_there = script.less(piece.clone(), script.header(header::NEXT));
            let zero = script.number(0);
            let over = script.block(|script| {
                let row = script.row_of(piece.clone());
                let to = script.field(row, 1);
                script.put_part(to, zero.clone(), part.clone(), start.clone(), count.clone());
                None
            });
            let new = script.block(|script| {
                let empty = script.empty(Type::Bytes(Count::Known(script.piece())));
                let content = script.variable(empty);
                let to = script.local(content);
                script.put_part(to.clone(), zero.clone(), part.clone(), start, count);
                script.insert(vec![piece, to]);
                script.step(header::NEXT, BinaryOp::WrappingAdd);
                None
            });
            let either = script.if_else(is_there, over, Some(new));
            script.effect(either);
        });
        let target = self.header(header::COUNT);
        let longer = self.binary(BinaryOp::Max, target.clone(), end);
        self.assign(target, longer);
    }

    fn read(mut self, offset: Expr, most: u64) -> Expr {
        self.within_length(&offset);
        let is_text = self.container.kind == ContainerKind::Text;
        let ty = match is_text {
            true => Type::String(Count::Known(most)),
            false => Type::Bytes(Count::Known(most)),
        };
        let left = self.minus(self.header(header::COUNT), offset.clone());
        let wanted = self.smaller(left, self.number(most));
        let wanted = self.keep(wanted);
        let result = self.variable(self.empty(ty));
        let done = self.variable(self.number(0));
        let first = self.piece_of(offset.clone());
        let first = self.keep(first);
        let end = self.pieces_of(self.plus(offset.clone(), wanted.clone()));
        let pieces = self.minus(end, first.clone());
        let pieces = self.keep(pieces);
        let pieces_max = (most + 2 * self.piece() - 2) / self.piece();
        let copy_piece = |script: &mut Self, row: LocalId| {
            let at = script.plus(offset.clone(), script.local(done));
            let inside = script.inside_piece(at);
            let inside = script.keep(inside);
            let room = script.minus(script.number(script.piece()), inside.clone());
            let left = script.minus(wanted.clone(), script.local(done));
            let count = script.smaller(room, left);
            let count = script.keep(count);
            let (to, from) = (script.local(result), script.field(row, 1));
            script.put_part(to, script.local(done), from, inside, count.clone());
            let target = script.local(done);
            let more = script.plus(target.clone(), count);
            script.assign(target, more);
        };
        let table = self.container.table;
        if self.body.world.program.tables[table.0 as usize].storage == Storage::Dense {
            self.count_to(pieces, pieces_max, |script, number| {
                let row = script.row_of(script.plus(first, number));
                copy_piece(script, row);
            });
        } else {
            let row = self.row();
            let body = self.block(|script| {
                copy_piece(script, row);
                None
            });
            let source = Source::Rows {
                table,
                index: None,
                prefix: self.prefix(),
                from: vec![first],
                to: Vec::new(),
                after: Vec::new(),
                descending: false,
                take: pieces,
                max: pieces_max,
            };
            let pattern = self.bind(row);
            self.push(StatementKind::For {
                pattern,
                source,
                body,
            });
        }
        if is_text {
            self.whole_characters(result);
        }
        let value = self.local(result);
        self.end(Some(value))
    }

    /// Cuts to this length. Two pieces behind it are freed, others stay for what is added next.
    fn truncate(&mut self, length: Expr) {
        self.within_length(&length);
        if self.container.kind == ContainerKind::Text {
            let cuts = self.less(length.clone(), self.header(header::COUNT));
            let on_a_character = self.block(|script| {
                let empty = script.empty(Type::String(Count::Known(CHARACTER_MAX)));
                let byte = script.variable(empty);
                let row = script.row_of(script.piece_of(length.clone()));
                let (to, from) = (script.local(byte), script.field(row, 1));
                let inside = script.inside_piece(length.clone());
                let (zero, one) = (script.number(0), script.number(1));
                script.put_part(to, zero, from, inside, one);
                script.whole_characters(byte);
                None
            });
            let checked = self.if_else(cuts, on_a_character, None);
            self.effect(checked);
        }
        let target = self.header(header::COUNT);
        self.assign(target, length.clone());
        let kept = self.pieces_of(length);
        let unused = self.minus(self.header(header::NEXT), kept);
        let freed = self.smaller(unused, self.number(FREED_AT_ONCE));
        let freed = self.keep(freed);
        self.count_to(freed, FREED_AT_ONCE, |script, _| {
            script.step(header::NEXT, BinaryOp::WrappingSub);
            let last = script.header(header::NEXT);
            let last = script.keep(last);
            let deleted = script.delete(vec![last]);
            script.effect(deleted);
        });
    }

    /// A row's text leaves its pieces behind, as where the row is deleted; a state's keeps them for what is added next.
    fn clear(&mut self) {
        let Some(shared) = self.container.shared.clone() else {
            return self.truncate(self.number(0));
        };
        let number = self.header(header::NUMBER);
        let was_written = self.less(self.number(0), number.clone());
        let forgotten = self.block(|script| {
            let (table, fields) = (shared.garbage, vec![number.clone()]);
            script.effect(make(
                ExprKind::Insert { table, fields },
                Type::Unit,
                script.span,
            ));
            for place in [header::NUMBER, header::COUNT, header::NEXT] {
                let target = script.header(place);
                let zero = script.number(0);
                script.assign(target, zero);
            }
            None
        });
        let cleared = self.if_else(was_written, forgotten, None);
        self.effect(cleared);
    }
}
