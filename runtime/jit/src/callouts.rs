//! The functions of the runtime that native code calls out to: slow paths, long bulk operations, wide arithmetic.
//!
//! Always true: they are called by generated code only, with the context it was given and pointers to memory that the
//! verified module may reach; none keeps a reference after it returns; none unwinds.

use cranelift_codegen::ir::{Type, types};
use rc_bytecode::hash::{fold_store, hash_bytes, sha256};
use rc_bytecode::instr::{Builtin, Failure, Rounding};
use rc_bytecode::ratio::{multiply_divide, round_float};
use rc_canvas::Access;

use crate::context::{BoundRegion, Context, Mark, status};
use crate::journal;

/// One function of the runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Callout {
    Touch,
    JournalGrow,
    JournalBytes,
    FoldBytes,
    MoveBytes,
    ZeroBytes,
    CompareBytes,
    HashBytes,
    Emit,
    EventGrow,
    Random,
    Wide,
    Truncate,
    FloatFromWide,
    WideFromFloat,
    AttemptBegin,
    AttemptEnd,
    MultiplyDivide,
    Round,
    Sha256,
}

impl Callout {
    pub(crate) const ALL: [Callout; 20] = [
        Callout::Touch,
        Callout::JournalGrow,
        Callout::JournalBytes,
        Callout::FoldBytes,
        Callout::MoveBytes,
        Callout::ZeroBytes,
        Callout::CompareBytes,
        Callout::HashBytes,
        Callout::Emit,
        Callout::EventGrow,
        Callout::Random,
        Callout::Wide,
        Callout::Truncate,
        Callout::FloatFromWide,
        Callout::WideFromFloat,
        Callout::AttemptBegin,
        Callout::AttemptEnd,
        Callout::MultiplyDivide,
        Callout::Round,
        Callout::Sha256,
    ];

    /// The name in listings and for linking.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Callout::Touch => "rc_touch",
            Callout::JournalGrow => "rc_journal_grow",
            Callout::JournalBytes => "rc_journal_bytes",
            Callout::FoldBytes => "rc_fold_bytes",
            Callout::MoveBytes => "rc_move_bytes",
            Callout::ZeroBytes => "rc_zero_bytes",
            Callout::CompareBytes => "rc_compare_bytes",
            Callout::HashBytes => "rc_hash_bytes",
            Callout::Emit => "rc_emit",
            Callout::EventGrow => "rc_event_grow",
            Callout::Random => "rc_random",
            Callout::Wide => "rc_wide",
            Callout::Truncate => "rc_truncate",
            Callout::FloatFromWide => "rc_float_from_wide",
            Callout::WideFromFloat => "rc_wide_from_float",
            Callout::AttemptBegin => "rc_attempt_begin",
            Callout::AttemptEnd => "rc_attempt_end",
            Callout::MultiplyDivide => "rc_multiply_divide",
            Callout::Round => "rc_round",
            Callout::Sha256 => "rc_sha256",
        }
    }

    pub(crate) fn address(self) -> *const u8 {
        match self {
            Callout::Touch => touch as *const u8,
            Callout::JournalGrow => journal_grow as *const u8,
            Callout::JournalBytes => journal_bytes as *const u8,
            Callout::FoldBytes => fold_bytes as *const u8,
            Callout::MoveBytes => move_bytes as *const u8,
            Callout::ZeroBytes => zero_bytes as *const u8,
            Callout::CompareBytes => compare_bytes as *const u8,
            Callout::HashBytes => hash_memory as *const u8,
            Callout::Emit => emit as *const u8,
            Callout::EventGrow => event_grow as *const u8,
            Callout::Random => random as *const u8,
            Callout::Wide => wide as *const u8,
            Callout::Truncate => truncate as *const u8,
            Callout::FloatFromWide => float_from_wide as *const u8,
            Callout::WideFromFloat => wide_from_float as *const u8,
            Callout::AttemptBegin => attempt_begin as *const u8,
            Callout::AttemptEnd => attempt_end as *const u8,
            Callout::MultiplyDivide => multiply_divide_wide as *const u8,
            Callout::Round => round as *const u8,
            Callout::Sha256 => sha256_memory as *const u8,
        }
    }

    /// Parameters and result, as the functions below have them.
    pub(crate) fn signature(self) -> (Vec<Type>, Option<Type>) {
        const I64: Type = types::I64;
        const F64: Type = types::F64;
        match self {
            Callout::Touch => (vec![I64; 4], Some(I64)),
            Callout::JournalGrow => (vec![I64], Some(I64)),
            Callout::JournalBytes => (vec![I64; 3], None),
            Callout::FoldBytes => (vec![I64; 4], None),
            Callout::MoveBytes => (vec![I64; 3], None),
            Callout::ZeroBytes => (vec![I64; 2], None),
            Callout::CompareBytes | Callout::HashBytes => (vec![I64; 3], Some(I64)),
            Callout::Emit => (vec![I64; 3], Some(types::I32)),
            Callout::EventGrow => (vec![I64; 2], Some(I64)),
            Callout::Random => (vec![I64], Some(I64)),
            Callout::Wide => (vec![I64; 6], Some(types::I32)),
            Callout::Truncate => (vec![F64], Some(F64)),
            Callout::FloatFromWide => (vec![I64; 3], Some(F64)),
            Callout::WideFromFloat => (vec![I64, F64, I64], Some(types::I32)),
            Callout::AttemptBegin => (vec![I64], None),
            Callout::AttemptEnd => (vec![I64, types::I32, I64, I64], Some(types::I32)),
            Callout::MultiplyDivide => (vec![I64; 8], Some(types::I32)),
            Callout::Round => (vec![I64, F64], Some(F64)),
            Callout::Sha256 => (vec![I64; 3], None),
        }
    }
}

/// How native code numbers the roundings.
pub(crate) const ROUNDINGS: [Rounding; 6] = [
    Rounding::HalfEven,
    Rounding::HalfUp,
    Rounding::Truncate,
    Rounding::Away,
    Rounding::Floor,
    Rounding::Ceiling,
];

/// A 128-bit operation that the machine has no short form of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum WideOp {
    Mul,
    MulSigned,
    SaturatingMul,
    SaturatingMulSigned,
    Div,
    DivSigned,
    Rem,
    RemSigned,
}

/// The frame of a page that the table alone does not give; null after setting a status.
///
/// # Safety
/// `context` is the running command's.
unsafe extern "C" fn touch(context: *mut Context, region: u64, page: u64, write: u64) -> *mut u8 {
    // SAFETY: the region index is below the module's number of regions, all of which the context holds; the canvas is
    // borrowed exclusively by `execute` for as long as native code runs.
    let (context, bound, canvas) = unsafe {
        let bound: BoundRegion = (*context).regions.add(region as usize).read();
        let canvas = &mut *(*context).canvas;
        (&mut *context, bound, canvas)
    };
    if page >= bound.pages_max {
        context.status = u64::from(status::of_builtin(Builtin::TableFull));
        return std::ptr::null_mut();
    }
    let access = if write == 0 {
        Access::Read
    } else {
        Access::Write
    };
    let id = (bound.base >> rc_canvas::OFFSET_BITS) as u16;
    canvas
        .touch_pointer(id, page, access)
        .unwrap_or_else(|error| {
            context.status = u64::from(status::HALT);
            context.touch_error = Some(error);
            std::ptr::null_mut()
        })
}

/// # Safety
/// `context` is the running command's.
unsafe extern "C" fn journal_grow(context: *mut Context) -> *mut u64 {
    // SAFETY: the journal was begun by `execute`, and only native code pushes to it.
    unsafe {
        let context = &mut *context;
        journal::grow(context, 2);
        context.journal_cursor
    }
}

/// # Safety
/// `context` is the running command's; the bytes lie in a page touched for writing.
unsafe extern "C" fn journal_bytes(context: *mut Context, address: *const u8, length: u64) {
    // SAFETY: as above.
    unsafe { journal::push_bytes(&mut *context, address, length as usize) }
}

/// # Safety
/// `context` is the running command's; the bytes lie in a touched page.
unsafe extern "C" fn fold_bytes(context: *mut Context, address: u64, at: *const u8, length: u64) {
    if length == 0 {
        return;
    }
    // SAFETY: a verified view: the bytes are inside the page, initialised, and nobody writes them during the call.
    let (context, bytes) = unsafe {
        (
            &mut *context,
            std::slice::from_raw_parts(at, length as usize),
        )
    };
    context.digest = fold_store(context.digest, address, hash_bytes(bytes, 0));
}

/// # Safety
/// Both ends are verified views of `length` bytes.
unsafe extern "C" fn move_bytes(to: *mut u8, from: *const u8, length: u64) {
    // SAFETY: as the caller says; overlap is allowed.
    unsafe { std::ptr::copy(from, to, length as usize) }
}

/// # Safety
/// A verified writable view of `length` bytes, or a function's slots.
unsafe extern "C" fn zero_bytes(at: *mut u8, length: u64) {
    // SAFETY: as the caller says.
    unsafe { at.write_bytes(0, length as usize) }
}

/// # Safety
/// Both are verified views of `length` bytes.
unsafe extern "C" fn compare_bytes(left: *const u8, right: *const u8, length: u64) -> i64 {
    // SAFETY: as the caller says; nobody writes during the call.
    let (left, right) = unsafe {
        (
            std::slice::from_raw_parts(left, length as usize),
            std::slice::from_raw_parts(right, length as usize),
        )
    };
    left.cmp(right) as i64
}

/// # Safety
/// A verified view of `length` bytes.
unsafe extern "C" fn hash_memory(at: *const u8, length: u64, seed: u64) -> u64 {
    // SAFETY: as the caller says; nobody writes during the call.
    hash_bytes(
        unsafe { std::slice::from_raw_parts(at, length as usize) },
        seed,
    )
}

/// # Safety
/// `context` is the running command's; `at` is a verified view of the event's layout.
unsafe extern "C" fn emit(context: *mut Context, event: u64, at: *const u8) -> u32 {
    // SAFETY: plans and event buffer outlive the command; the view's length is the event's extent, which the
    // verifier has compared.
    unsafe {
        let context = &mut *context;
        let plan = &(&*context.packings).events[event as usize].plan;
        let memory = std::slice::from_raw_parts(at, plan.size());
        let events = &mut *context.events;
        match events.push(context, plan, event as u32, memory) {
            Ok(()) => status::DONE,
            // Memory that is no value of the event.
            Err(_) => status::of_builtin(Builtin::BoundExceeded),
        }
    }
}

/// # Safety
/// `context` is the running command's.
unsafe extern "C" fn event_grow(context: *mut Context, bytes: u64) -> *mut u8 {
    // SAFETY: the event buffer was begun by `execute`, and only native code appends to it.
    unsafe {
        let context = &mut *context;
        let events = &mut *context.events;
        events.grow(context, bytes as usize);
        context.event_cursor
    }
}

/// # Safety
/// `context` is the running command's.
unsafe extern "C" fn attempt_begin(context: *mut Context) {
    // SAFETY: as the caller says; both cursors are at or after their buffers' starts.
    unsafe {
        let context = &mut *context;
        let mark = Mark {
            digest: context.digest,
            randoms: context.randoms,
            journal_words: context.journal_cursor.offset_from(context.journal_start) as usize,
            event_bytes: context.event_cursor.offset_from(context.event_start) as usize,
        };
        context.attempts.push(mark);
    }
}

/// Ends the innermost attempt, whose callee answered `answered`; leaves the status word in the context. A failure is taken
/// back and its fields put to `failure`. Answers `HALT` where the node must stop.
///
/// # Safety
/// `context` is the running command's; `failure` is a verified writable frame view of `length` bytes, apart from the callee's frame.
unsafe extern "C" fn attempt_end(
    context: *mut Context,
    answered: u32,
    failure: *mut u8,
    length: u64,
) -> u32 {
    // SAFETY: as the caller says.
    let context = unsafe { &mut *context };
    let mark = context.attempts.pop().expect("begun before the call");
    let mut word = match answered {
        status::DONE => {
            context.status = 0;
            return status::DONE;
        }
        status::DECLARED => Failure::Declared {
            error: context.failure_error as u32,
            variant: context.failure_variant as u32,
        }
        .status(),
        other => match status::builtin(other) {
            Some(builtin) => Failure::Builtin(builtin).status(),
            None => return status::HALT,
        },
    };
    // SAFETY: the marks are places in the buffers as they were; pages in the journal stay where they are until the command
    // ends; the payload is a verified view of the variant's layout in a frame that nobody has written since it failed.
    unsafe {
        journal::roll_back_to(context, mark.journal_words);
        context.event_cursor = context.event_start.add(mark.event_bytes);
        if answered == status::DECLARED {
            let (error, variant) = (
                context.failure_error as usize,
                context.failure_variant as usize,
            );
            let plan = &(&*context.packings).failures[error][variant];
            let mut packed = Vec::new();
            let payload = context.failure_payload;
            if payload.is_null()
                || plan
                    .pack(
                        std::slice::from_raw_parts(payload, plan.size()),
                        &mut packed,
                    )
                    .is_ok()
            {
                let target = std::slice::from_raw_parts_mut(failure, length as usize);
                target.fill(0);
                if plan.unpack_all(&packed, target).is_err() {
                    return status::HALT;
                }
            } else {
                // Memory that is no value of the failure.
                word = Failure::Builtin(Builtin::BoundExceeded).status();
            }
        }
    }
    context.digest = mark.digest;
    context.randoms = mark.randoms;
    context.status = u64::from(word);
    status::DONE
}

/// # Safety
/// `context` is the running command's.
unsafe extern "C" fn random(context: *mut Context) -> u64 {
    // SAFETY: as the caller says.
    let context = unsafe { &mut *context };
    let number = hash_bytes(&context.randoms.to_le_bytes(), context.seed);
    context.randoms += 1;
    number
}

/// # Safety
/// `context` is the running command's.
unsafe extern "C" fn wide(
    context: *mut Context,
    op: u64,
    a_low: u64,
    a_high: u64,
    b_low: u64,
    b_high: u64,
) -> u32 {
    let whole = |low: u64, high: u64| u128::from(low) | u128::from(high) << 64;
    let (a, b) = (whole(a_low, a_high), whole(b_low, b_high));
    let (signed_a, signed_b) = (a as i128, b as i128);
    const MUL: u64 = WideOp::Mul as u64;
    const MUL_SIGNED: u64 = WideOp::MulSigned as u64;
    const SATURATING_MUL: u64 = WideOp::SaturatingMul as u64;
    const SATURATING_MUL_SIGNED: u64 = WideOp::SaturatingMulSigned as u64;
    const DIV: u64 = WideOp::Div as u64;
    const DIV_SIGNED: u64 = WideOp::DivSigned as u64;
    const REM: u64 = WideOp::Rem as u64;
    if op >= DIV && b == 0 {
        return status::of_builtin(Builtin::DivideByZero);
    }
    let value = match op {
        MUL => a.checked_mul(b),
        MUL_SIGNED => signed_a.checked_mul(signed_b).map(|value| value as u128),
        SATURATING_MUL => Some(a.saturating_mul(b)),
        SATURATING_MUL_SIGNED => Some(signed_a.saturating_mul(signed_b) as u128),
        DIV => a.checked_div(b),
        DIV_SIGNED => signed_a.checked_div(signed_b).map(|value| value as u128),
        REM => a.checked_rem(b),
        // The only remainder that "overflows" is MIN % -1, and it is 0.
        _ => Some(signed_a.checked_rem(signed_b).unwrap_or(0) as u128),
    };
    match value {
        Some(value) => {
            // SAFETY: as the caller says.
            unsafe { (*context).wide = [value as u64, (value >> 64) as u64] };
            status::DONE
        }
        None => status::of_builtin(Builtin::Overflow),
    }
}

/// `rounding` is its place in [`ROUNDINGS`].
///
/// # Safety
/// `context` is the running command's.
unsafe extern "C" fn multiply_divide_wide(
    context: *mut Context,
    rounding: u64,
    left_low: u64,
    left_high: u64,
    right_low: u64,
    right_high: u64,
    divisor_low: u64,
    divisor_high: u64,
) -> u32 {
    let whole = |low: u64, high: u64| (u128::from(low) | u128::from(high) << 64) as i128;
    let value = multiply_divide(
        ROUNDINGS[rounding as usize],
        whole(left_low, left_high),
        whole(right_low, right_high),
        whole(divisor_low, divisor_high),
    );
    match value {
        Ok(value) => {
            // SAFETY: as the caller says.
            unsafe { (*context).wide = [value as u64, (value >> 64) as u64] };
            status::DONE
        }
        Err(builtin) => status::of_builtin(builtin),
    }
}

/// `rounding` is its place in [`ROUNDINGS`].
extern "C" fn round(rounding: u64, value: f64) -> f64 {
    round_float(ROUNDINGS[rounding as usize], value)
}

/// # Safety
/// `at` is a verified view of at least `length` bytes, `out` a writable one of 32; they may overlap.
unsafe extern "C" fn sha256_memory(out: *mut u8, at: *const u8, length: u64) {
    // SAFETY: as the caller says; the bytes are read before any is written.
    unsafe {
        let hash = sha256(std::slice::from_raw_parts(at, length as usize));
        std::ptr::copy_nonoverlapping(hash.as_ptr(), out, hash.len());
    }
}

extern "C" fn truncate(value: f64) -> f64 {
    value.trunc()
}

extern "C" fn float_from_wide(low: u64, high: u64, signed: u64) -> f64 {
    let bits = u128::from(low) | u128::from(high) << 64;
    if signed == 0 {
        bits as f64
    } else {
        bits as i128 as f64
    }
}

/// # Safety
/// `context` is the running command's.
unsafe extern "C" fn wide_from_float(context: *mut Context, value: f64, signed: u64) -> u32 {
    let whole = value.trunc();
    let (least, end) = if signed == 0 {
        (0.0, 2f64.powi(128))
    } else {
        (-(2f64.powi(127)), 2f64.powi(127))
    };
    if !(whole >= least && whole < end) {
        return status::of_builtin(Builtin::Overflow);
    }
    let bits = if signed == 0 {
        whole as u128
    } else {
        whole as i128 as u128
    };
    // SAFETY: as the caller says.
    unsafe { (*context).wide = [bits as u64, (bits >> 64) as u64] };
    status::DONE
}
