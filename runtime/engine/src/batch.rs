//! A batch: what one log entry carries. Commands and deployments in order, with the time and the seed that they see.
//!
//! Always true: encoding is canonical (one value, one byte string); the op number of the i-th op is `base_op + i`; a
//! batch's `chain` is the hash of the batch before, so a log that skips or swaps a batch does not replay.
//!
//! A payment takes about 33 bytes: tag, epoch, command, caller, roles, session (slot, generation, sequence), arguments.

use crate::bytes::{Reader, Truncated, Writer};
use rc_bytecode::hash::hash_bytes;

/// Version of the encoding below.
pub const FORMAT: u8 = 1;
/// Version of what ops mean. Rises by a log entry once all nodes can.
pub const SEMANTICS: u8 = 1;
/// Ops in one batch at most.
pub const OPS_MAX: usize = 65_536;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub cluster_id: u128,
    /// Number of the first op; the first op of a cluster is 1.
    pub base_op: u64,
    /// Nanoseconds since 1970: max(the batch before, the leader's clock).
    pub now: i64,
    pub seed: u64,
    /// `chain_hash` of the batch before; 0 for the first.
    pub chain: u64,
    /// Which encryption key sealed it; 0 = none.
    pub key_id: u32,
    pub ops: Vec<Op>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Call(Call),
    /// Boxed: a deployment is large and rare.
    Deploy(Box<Deploy>),
    /// Opens (or finds) a client's session with a wide window, for streams. Replies with the slot.
    OpenSession {
        client: u128,
    },
    /// One step of a job, put there by the orderer: nobody outside can.
    Step(Step),
}

/// The step of a job: a command of kind `Step` of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub epoch: u64,
    /// Dense index in that deployment's interface.
    pub command: u32,
}

/// One command to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The deployment that the gateway resolved the name and packed the arguments with.
    pub epoch: u64,
    /// Dense index in that deployment's interface.
    pub command: u32,
    pub principal: Principal,
    pub session: SessionKey,
    /// Packed as `rc_bytecode::layout` says.
    pub arguments: Vec<u8>,
}

/// Who calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Principal {
    pub id: u64,
    /// Bits over the roles of the call's epoch.
    pub roles: u64,
}

/// What makes the call happen once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKey {
    /// At least zero times, at most once per sending: the caller gave no key.
    None,
    /// An opened session.
    Slot {
        slot: u32,
        generation: u32,
        sequence: u64,
    },
    /// A client id (its hash), with its session opened by the first use, which has sequence 1.
    Client { client: u128, sequence: u64 },
}

/// A module to go live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deploy {
    /// The catalog version that the plan was made against: another one refuses.
    pub expected_epoch: u64,
    pub deployer: u64,
    /// The encoded module.
    pub module: Vec<u8>,
    /// The package's files, as `(name, text)` in an archive of the gateway's; opaque here, stored for audits.
    pub source: Vec<u8>,
}

/// Why bytes are not a batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    #[error("batch format {0} is not known to this program (it writes {FORMAT})")]
    Format(u8),
    #[error("the log needs semantics version {0}, this program has {SEMANTICS}: start a newer one")]
    Semantics(u8),
    #[error(transparent)]
    Truncated(#[from] Truncated),
    #[error("a batch of {0} ops is above the limit of {OPS_MAX}")]
    TooManyOps(u64),
    #[error("unknown op tag {0}")]
    Tag(u8),
    #[error("bytes after the end of the batch")]
    Trailing,
}

const CALL: u8 = 0;
const CALL_SLOT: u8 = 1;
const CALL_CLIENT: u8 = 2;
const DEPLOY: u8 = 3;
const OPEN_SESSION: u8 = 4;
const STEP: u8 = 5;

impl Batch {
    pub fn encode(&self, into: &mut Vec<u8>) {
        let mut writer = Writer(into);
        writer.u8(FORMAT);
        writer.u8(SEMANTICS);
        writer.u128(self.cluster_id);
        writer.varint(self.base_op);
        writer.u64(self.now as u64);
        writer.u64(self.seed);
        writer.u64(self.chain);
        writer.varint(u64::from(self.key_id));
        writer.varint(self.ops.len() as u64);
        for op in &self.ops {
            op.encode(&mut writer);
        }
    }

    pub fn decode(bytes: &[u8]) -> Result<Batch, BatchError> {
        let mut reader = Reader::new(bytes);
        let format = reader.u8()?;
        if format != FORMAT {
            return Err(BatchError::Format(format));
        }
        let semantics = reader.u8()?;
        if semantics != SEMANTICS {
            return Err(BatchError::Semantics(semantics));
        }
        let cluster_id = reader.u128()?;
        let base_op = reader.varint()?;
        let now = reader.u64()? as i64;
        let seed = reader.u64()?;
        let chain = reader.u64()?;
        let key_id = reader.varint_u32()?;
        let count = reader.varint()?;
        if count > OPS_MAX as u64 {
            return Err(BatchError::TooManyOps(count));
        }
        let mut ops = Vec::with_capacity((count as usize).min(bytes.len()));
        for _ in 0..count {
            ops.push(Op::decode(&mut reader)?);
        }
        if !reader.is_empty() {
            return Err(BatchError::Trailing);
        }
        Ok(Batch {
            cluster_id,
            base_op,
            now,
            seed,
            chain,
            key_id,
            ops,
        })
    }

    /// What the next batch's `chain` has to be.
    pub fn chain_hash(encoded: &[u8]) -> u64 {
        hash_bytes(encoded, 0)
    }

    /// The seed of one op, so that ops of a batch see different random numbers.
    pub fn op_seed(&self, op_number: u64) -> u64 {
        hash_bytes(&op_number.to_le_bytes(), self.seed)
    }
}

impl Op {
    fn encode(&self, writer: &mut Writer<'_>) {
        match self {
            Op::Call(call) => {
                writer.u8(match call.session {
                    SessionKey::None => CALL,
                    SessionKey::Slot { .. } => CALL_SLOT,
                    SessionKey::Client { .. } => CALL_CLIENT,
                });
                writer.varint(call.epoch);
                writer.varint(u64::from(call.command));
                writer.varint(call.principal.id);
                writer.varint(call.principal.roles);
                match call.session {
                    SessionKey::None => {}
                    SessionKey::Slot {
                        slot,
                        generation,
                        sequence,
                    } => {
                        writer.varint(u64::from(slot));
                        writer.varint(u64::from(generation));
                        writer.varint(sequence);
                    }
                    SessionKey::Client { client, sequence } => {
                        writer.u128(client);
                        writer.varint(sequence);
                    }
                }
                writer.bytes(&call.arguments);
            }
            Op::Deploy(deploy) => {
                writer.u8(DEPLOY);
                writer.varint(deploy.expected_epoch);
                writer.varint(deploy.deployer);
                writer.bytes(&deploy.module);
                writer.bytes(&deploy.source);
            }
            Op::OpenSession { client } => {
                writer.u8(OPEN_SESSION);
                writer.u128(*client);
            }
            Op::Step(step) => {
                writer.u8(STEP);
                writer.varint(step.epoch);
                writer.varint(u64::from(step.command));
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Op, BatchError> {
        let tag = reader.u8()?;
        match tag {
            CALL | CALL_SLOT | CALL_CLIENT => {
                let epoch = reader.varint()?;
                let command = reader.varint_u32()?;
                let principal = Principal {
                    id: reader.varint()?,
                    roles: reader.varint()?,
                };
                let session = match tag {
                    CALL => SessionKey::None,
                    CALL_SLOT => SessionKey::Slot {
                        slot: reader.varint_u32()?,
                        generation: reader.varint_u32()?,
                        sequence: reader.varint()?,
                    },
                    _ => SessionKey::Client {
                        client: reader.u128()?,
                        sequence: reader.varint()?,
                    },
                };
                let arguments = reader.bytes()?.to_vec();
                Ok(Op::Call(Call {
                    epoch,
                    command,
                    principal,
                    session,
                    arguments,
                }))
            }
            DEPLOY => Ok(Op::Deploy(Box::new(Deploy {
                expected_epoch: reader.varint()?,
                deployer: reader.varint()?,
                module: reader.bytes()?.to_vec(),
                source: reader.bytes()?.to_vec(),
            }))),
            OPEN_SESSION => Ok(Op::OpenSession {
                client: reader.u128()?,
            }),
            STEP => Ok(Op::Step(Step {
                epoch: reader.varint()?,
                command: reader.varint_u32()?,
            })),
            tag => Err(BatchError::Tag(tag)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Batch {
        let call = |session| Call {
            epoch: 3,
            command: 2,
            principal: Principal { id: 7, roles: 1 },
            session,
            arguments: vec![9; 24],
        };
        Batch {
            cluster_id: 5,
            base_op: 1_000_000,
            now: 1_700_000_000_000_000_000,
            seed: 11,
            chain: 13,
            key_id: 0,
            ops: vec![
                Op::Call(call(SessionKey::None)),
                Op::Call(call(SessionKey::Slot {
                    slot: 1,
                    generation: 1,
                    sequence: 100_000,
                })),
                Op::Call(call(SessionKey::Client {
                    client: u128::MAX,
                    sequence: 1,
                })),
                Op::Deploy(Box::new(Deploy {
                    expected_epoch: 2,
                    deployer: 1,
                    module: vec![1, 2],
                    source: vec![],
                })),
                Op::OpenSession { client: 4 },
                Op::Step(Step {
                    epoch: 3,
                    command: 300,
                }),
            ],
        }
    }

    #[test]
    fn decode_is_the_inverse_of_encode() {
        let batch = sample();
        let mut bytes = Vec::new();
        batch.encode(&mut bytes);
        assert_eq!(Batch::decode(&bytes), Ok(batch));
    }

    #[test]
    fn every_truncation_and_every_changed_byte_is_refused_or_canonical() {
        let mut bytes = Vec::new();
        sample().encode(&mut bytes);
        for length in 0..bytes.len() {
            assert!(Batch::decode(&bytes[..length]).is_err(), "cut at {length}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x41;
            if let Ok(batch) = Batch::decode(&changed) {
                let mut again = Vec::new();
                batch.encode(&mut again);
                assert_eq!(
                    again, changed,
                    "byte {at} decodes, so it must encode to itself"
                );
            }
        }
    }

    #[test]
    fn a_payment_takes_at_most_40_bytes() {
        let session = SessionKey::Slot {
            slot: 100,
            generation: 1,
            sequence: 1_000_000,
        };
        let call = Call {
            epoch: 2,
            command: 3,
            principal: Principal { id: 5, roles: 0 },
            session,
            arguments: vec![1; 24],
        };
        let mut bytes = Vec::new();
        Op::Call(call).encode(&mut Writer(&mut bytes));
        assert!(bytes.len() <= 40, "{} bytes", bytes.len());
    }
}
