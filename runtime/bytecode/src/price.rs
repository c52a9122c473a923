//! What each instruction costs: edition 1. A price never changes within an edition; a snapshot test holds
//! them. The match is exhaustive, so an instruction without a price does not build.
//!
//! A step is meant as about one machine instruction's worth of work that hits the first-level cache.
//! Always true: the interpreter counts with the same [`own_cost`], [`entry_cost`] and [`LOOP_ITERATION`] that
//! the verifier sums, so what a run measures cannot exceed what was proven.

use crate::cost::Cost;
use crate::instr::{
    Access, BinaryOp, ConvertMode, EventIndex, Failure, Instr, Register, Scalar, Space, UnaryOp,
};
use crate::module::{Function, Module};

/// Bytes that bulk instructions move, compare or hash per step.
pub const BULK_BYTES_PER_STEP: u64 = 16;
/// A value moved, made or computed within 64 bits.
pub const SIMPLE: u64 = 1;
/// The same on 128 bits.
pub const WIDE: u64 = 2;
/// Multiplication of 128 bits.
pub const WIDE_MULTIPLY: u64 = 6;
/// Division and remainder.
pub const DIVIDE: u64 = 10;
/// Division and remainder of 128 bits.
pub const WIDE_DIVIDE: u64 = 40;
/// A float made whole.
pub const ROUND: u64 = 4;
/// The square root of a float.
pub const SQUARE_ROOT: u64 = 12;
/// SHA-256 of a block: 64 rounds of about ten instructions, without help of the machine.
pub const SHA256_BLOCK: u64 = 640;
/// Saturating multiplication of 64 bits and below, beside one step.
pub const SATURATE: u64 = 2;
/// A dynamic index's check and address, beside the access.
pub const INDEX: u64 = 2;
/// A store to a page, beside the store: the digest and the undo journal.
pub const PAGE_STORE: u64 = 4;
/// The page look-up.
pub const TOUCH: u64 = 6;
/// A jump by number.
pub const SWITCH: u64 = 3;
/// A call's own overhead; each argument and result one more, and the callee's cost on top.
pub const CALL: u64 = 4;
/// An attempt's own overhead, the mark and the way back; each argument one more, and the callee's cost on top.
pub const ATTEMPT: u64 = 20;
/// Each iteration of a loop that starts, beside its body; also the one that is refused.
pub const LOOP_ITERATION: u64 = 1;
/// Hashing, beside the bytes.
pub const HASH: u64 = 4;
/// Making a pseudo-random number.
pub const RANDOM: u64 = 8;
/// Appending an event, beside its bytes.
pub const EMIT: u64 = 20;

/// Steps of a bulk operation over `bytes`.
pub fn bulk(bytes: u64) -> u64 {
    1 + bytes.div_ceil(BULK_BYTES_PER_STEP)
}

/// What entering a function costs: its slots are zeroed, and held until it returns.
pub fn entry_cost(function: &Function) -> Cost {
    let bytes = function.slot_bytes();
    let steps = if bytes == 0 { 0 } else { bulk(bytes) };
    Cost {
        steps,
        scratch_bytes: bytes,
        ..Cost::ZERO
    }
}

/// An instruction's own cost, without the bodies inside it and without what it calls. Total: an index that points
/// nowhere counts as nothing, and the verifier refuses it. A `Loop` costs nothing by itself: each start
/// of an iteration costs [`LOOP_ITERATION`], the refused one too.
pub fn own_cost(instr: &Instr, function: &Function, module: &Module) -> Cost {
    own_cost_sized(
        instr,
        function,
        |event| event_bytes(module, event),
        |failure| failure_bytes(module, failure),
    )
}

/// Most packed bytes of an event.
pub(crate) fn event_bytes(module: &Module, event: EventIndex) -> u64 {
    let event = module.interface.events.get(event.0 as usize);
    event.map_or(0, |event| {
        module.interface.shapes.packed_record_max(&event.record)
    })
}

/// Most packed bytes of a failure's payload.
pub(crate) fn failure_bytes(module: &Module, failure: Failure) -> u64 {
    let Failure::Declared { error, variant } = failure else {
        return 0;
    };
    let sum = module.interface.errors.get(error as usize);
    let variant = sum.and_then(|sum| sum.variants.get(variant as usize));
    variant.map_or(0, |variant| {
        module.interface.shapes.packed_record_max(variant)
    })
}

/// [`own_cost`] for one who has the packed sizes at hand.
pub(crate) fn own_cost_sized(
    instr: &Instr,
    function: &Function,
    event_bytes: impl FnOnce(EventIndex) -> u64,
    failure_bytes: impl FnOnce(Failure) -> u64,
) -> Cost {
    let simple = |register: &Register| {
        if is_wide(function, *register) {
            WIDE
        } else {
            SIMPLE
        }
    };
    let length = |register: &Register| {
        function
            .view_of(*register)
            .map_or(0, |view| u64::from(view.length))
    };
    match instr {
        Instr::Const { dst, bits: _ } => Cost::steps(simple(dst)),
        Instr::Move { dst, src: _ } => Cost::steps(simple(dst)),
        Instr::Binary {
            op,
            dst,
            left: _,
            right: _,
        } => Cost::steps(binary(*op, is_wide(function, *dst))),
        Instr::Unary { op, dst, src: _ } => Cost::steps(unary(*op, is_wide(function, *dst))),
        Instr::Compare {
            op: _,
            dst: _,
            left,
            right: _,
        } => Cost::steps(simple(left)),
        Instr::Convert { mode, dst, src } => Cost::steps(convert(*mode, function, *dst, *src)),
        Instr::Select {
            dst,
            condition: _,
            then: _,
            otherwise: _,
        } => Cost::steps(simple(dst)),
        Instr::Environment { value, dst: _ } => Cost::steps(match value {
            crate::instr::Environment::Random => RANDOM,
            crate::instr::Environment::Now
            | crate::instr::Environment::CallerId
            | crate::instr::Environment::OpNumber
            | crate::instr::Environment::CallerRoles => SIMPLE,
        }),
        Instr::MultiplyDivide {
            rounding: _,
            dst: _,
            left: _,
            right: _,
            divisor: _,
        } => Cost::steps(WIDE_MULTIPLY + 2 * WIDE_DIVIDE),
        Instr::Round {
            rounding: _,
            dst: _,
            src: _,
        } => Cost::steps(ROUND),
        // Nine bytes of padding and length stand behind the content.
        Instr::Sha256 {
            dst: _,
            view,
            length: _,
        } => Cost::steps(SHA256_BLOCK * (length(view) + 9).div_ceil(64)),
        Instr::Slot { dst: _, slot: _ } => Cost::steps(SIMPLE),
        Instr::Touch {
            dst: _,
            region: _,
            page: _,
            access,
        } => Cost {
            steps: TOUCH,
            pages_read: 1,
            pages_written: u64::from(*access == Access::Write),
            ..Cost::ZERO
        },
        Instr::View {
            dst: _,
            src: _,
            offset: _,
        } => Cost::steps(SIMPLE),
        Instr::ViewAt {
            dst: _,
            src: _,
            index: _,
            base: _,
            stride: _,
            count: _,
        } => Cost::steps(SIMPLE + INDEX),
        Instr::Load {
            dst,
            view: _,
            offset: _,
        } => Cost::steps(simple(dst)),
        Instr::Store {
            view,
            offset: _,
            src,
        } => stored(simple(src), function, *view, scalar_bytes(function, *src)),
        Instr::LoadAt {
            dst,
            view: _,
            index: _,
            base: _,
            stride: _,
            count: _,
        } => Cost::steps(simple(dst) + INDEX),
        Instr::StoreAt {
            view,
            index: _,
            base: _,
            stride: _,
            count: _,
            src,
        } => stored(
            simple(src) + INDEX,
            function,
            *view,
            scalar_bytes(function, *src),
        ),
        Instr::Copy { dst, src: _ } => stored(bulk(length(dst)), function, *dst, length(dst)),
        Instr::Zero { view } => stored(bulk(length(view)), function, *view, length(view)),
        Instr::MoveWithin {
            view,
            base: _,
            stride,
            count,
            from: _,
            to: _,
            length: _,
        } => {
            let bytes = u64::from(*stride) * u64::from(*count);
            stored(bulk(bytes) + INDEX, function, *view, bytes)
        }
        Instr::CompareBytes {
            dst: _,
            left,
            right: _,
        }
        | Instr::EqualBytes {
            dst: _,
            left,
            right: _,
        } => Cost::steps(bulk(length(left))),
        Instr::Hash {
            dst: _,
            view,
            seed: _,
        } => Cost::steps(bulk(length(view)) + HASH),
        Instr::MatchByte {
            dst: _,
            view,
            byte: _,
        } => Cost::steps(bulk(length(view))),
        Instr::Block { body: _ }
        | Instr::Loop { max: _, body: _ }
        | Instr::LoopUnbounded { body: _ } => Cost::ZERO,
        Instr::If {
            condition: _,
            then: _,
            otherwise: _,
        } => Cost::steps(SIMPLE),
        Instr::Switch {
            value: _,
            arms: _,
            otherwise: _,
        } => Cost::steps(SWITCH),
        Instr::Break { depth: _ } | Instr::Continue { depth: _ } => Cost::steps(SIMPLE),
        Instr::Call {
            function: _,
            arguments,
            results,
            otherwise: _,
        } => Cost::steps(
            CALL.saturating_add(arguments.len() as u64)
                .saturating_add(results.len() as u64),
        ),
        // What is taken back was paid for when it was written.
        Instr::Attempt {
            function: _,
            arguments,
            failure,
            status: _,
        } => Cost::steps((ATTEMPT + bulk(length(failure))).saturating_add(arguments.len() as u64)),
        Instr::Return { values: _ } | Instr::ReturnNone => Cost::steps(SIMPLE),
        Instr::Fail { failure, payload } => {
            let copied = payload.as_ref().map_or(0, |payload| bulk(length(payload)));
            Cost {
                steps: SIMPLE + copied,
                reply_bytes: failure_bytes(*failure),
                ..Cost::ZERO
            }
        }
        Instr::Emit { event, view } => Cost {
            steps: EMIT + bulk(length(view)),
            event_bytes: event_bytes(*event),
            ..Cost::ZERO
        },
        // What tests do to the outer world is not billed to them: an invoked command has its own cost.
        Instr::Invoke {
            command: _,
            arguments,
            result,
            failure,
            status: _,
        } => Cost::steps(
            CALL + bulk(length(arguments)) + bulk(length(result)) + bulk(length(failure)),
        ),
        Instr::TestContext {
            roles: _,
            advance: _,
        }
        | Instr::TestCaller { caller: _ } => Cost::steps(CALL),
        Instr::Assert {
            condition: _,
            assertion: _,
            left: _,
            right: _,
        } => Cost::steps(SIMPLE),
    }
}

/// `steps`, and where the view is of a page, what a store of `bytes` to it costs beside.
fn stored(steps: u64, function: &Function, view: Register, bytes: u64) -> Cost {
    match function.view_of(view).map(|view| view.space) {
        Some(Space::Page(_)) => Cost {
            steps: steps + PAGE_STORE,
            bytes_written: bytes,
            ..Cost::ZERO
        },
        Some(Space::Frame) | None => Cost::steps(steps),
    }
}

fn binary(op: BinaryOp, wide: bool) -> u64 {
    match op {
        BinaryOp::Div | BinaryOp::Rem => [DIVIDE, WIDE_DIVIDE][usize::from(wide)],
        BinaryOp::Mul | BinaryOp::WrappingMul => [SIMPLE, WIDE_MULTIPLY][usize::from(wide)],
        BinaryOp::SaturatingMul => [SIMPLE + SATURATE, WIDE_MULTIPLY + SATURATE][usize::from(wide)],
        BinaryOp::SaturatingAdd | BinaryOp::SaturatingSub => {
            [SIMPLE + SATURATE, WIDE + SATURATE][usize::from(wide)]
        }
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::WrappingAdd
        | BinaryOp::WrappingSub
        | BinaryOp::Min
        | BinaryOp::Max
        | BinaryOp::And
        | BinaryOp::Or
        | BinaryOp::Xor
        | BinaryOp::ShiftLeft
        | BinaryOp::ShiftRight => [SIMPLE, WIDE][usize::from(wide)],
    }
}

fn unary(op: UnaryOp, wide: bool) -> u64 {
    match op {
        UnaryOp::Not
        | UnaryOp::Neg
        | UnaryOp::Abs
        | UnaryOp::TrailingZeros
        | UnaryOp::LeadingZeros
        | UnaryOp::CountOnes
        | UnaryOp::ByteSwap => [SIMPLE, WIDE][usize::from(wide)],
        UnaryOp::SquareRoot => SQUARE_ROOT,
    }
}

fn convert(mode: ConvertMode, function: &Function, dst: Register, src: Register) -> u64 {
    let wide = is_wide(function, dst) || is_wide(function, src);
    let float = [dst, src]
        .iter()
        .any(|register| function.scalar_of(*register) == Some(Scalar::F64));
    let limits = match mode {
        ConvertMode::Wrapping => 0,
        ConvertMode::Checked | ConvertMode::Saturating => 1,
    };
    limits
        + if wide && float {
            DIVIDE
        } else {
            [SIMPLE, WIDE][usize::from(wide)]
        }
}

fn is_wide(function: &Function, register: Register) -> bool {
    function
        .scalar_of(register)
        .is_some_and(|scalar| scalar.size() == 16)
}

fn scalar_bytes(function: &Function, register: Register) -> u64 {
    function
        .scalar_of(register)
        .map_or(0, |scalar| u64::from(scalar.size()))
}
