//! What an op answers. A refusal is part of the log's meaning too: each node gives the same one.

use rc_bytecode::instr::{Builtin, Failure};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The packed result.
    Done(Vec<u8>),
    /// A declared or built-in failure with its packed fields.
    Failed(Failure, Vec<u8>),
    /// Deployed: the new catalog version.
    Deployed {
        epoch: u64,
    },
    SessionOpened {
        slot: u32,
        generation: u32,
    },
    /// Not run.
    Refused(Refusal),
}

/// Why an op was not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the deployment that this call was made for is not known here")]
    UnknownEpoch,
    #[error(
        "the command is not in the deployed version any more: it was retired or its signature changed"
    )]
    CommandGone,
    #[error("queries and reports do not go through the log")]
    NotACommand,
    #[error("the arguments do not have the command's shape")]
    BadArguments,
    #[error("the session has expired or was never opened; its outcome cannot be known from here")]
    SessionExpired,
    #[error(
        "the sequence number has left the session's window; its outcome cannot be known from here"
    )]
    SequenceExpired,
    #[error(
        "this sequence number was used before, for another command or with other arguments: nothing was run"
    )]
    SequenceReused,
    #[error("all session slots are in use and none is old enough to be given away")]
    SessionsFull,
    #[error("deploy refused: {0}")]
    Deploy(String),
}

impl Refusal {
    /// One number for the digest: texts may change from program to program, meanings may not.
    pub(crate) fn code(&self) -> u64 {
        match self {
            Refusal::UnknownEpoch => 1,
            Refusal::CommandGone => 2,
            Refusal::NotACommand => 3,
            Refusal::BadArguments => 4,
            Refusal::SessionExpired => 5,
            Refusal::SequenceExpired => 6,
            Refusal::SequenceReused => 7,
            Refusal::SessionsFull => 8,
            Refusal::Deploy(_) => 9,
        }
    }
}

/// A failure as one number, for session cells and the digest: 0 = success.
pub(crate) fn failure_code(failure: Failure) -> u64 {
    match failure {
        Failure::Builtin(builtin) => 1 + u64::from(builtin.number()),
        Failure::Declared { error, variant } => {
            1 << 63 | u64::from(error) << 32 | u64::from(variant)
        }
    }
}

/// The inverse of [`failure_code`]; `None` for 0 and for numbers that it never gives.
pub(crate) fn failure_of_code(code: u64) -> Option<Failure> {
    if code >> 63 == 1 {
        return Some(Failure::Declared {
            error: (code >> 32) as u32 & 0x7fff_ffff,
            variant: code as u32,
        });
    }
    let number = u8::try_from(code.checked_sub(1)?).ok()?;
    Builtin::from_number(number).map(Failure::Builtin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_codes_are_reversible_and_never_zero() {
        let declared = Failure::Declared {
            error: 3,
            variant: 70_000,
        };
        for failure in Builtin::all().map(Failure::Builtin).chain([declared]) {
            assert_ne!(failure_code(failure), 0);
            assert_eq!(failure_of_code(failure_code(failure)), Some(failure));
        }
        assert_eq!(failure_of_code(0), None);
        assert_eq!(failure_of_code(10), None);
    }
}
