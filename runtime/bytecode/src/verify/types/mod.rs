//! Types: each function's signature, registers and slots, and each instruction's operands, by the table in
//! `instructions`. Static offsets are proven to lie in their views here, in 64-bit arithmetic that cannot wrap.
//!
//! After this pass every index in the code points somewhere and nesting is bounded.

mod defined;
mod instructions;
mod operands;

pub use defined::{binary_defined, convert_defined, unary_defined};

use super::shapes::Sizes;
use super::{At, LimitError, Place, VerifyError, at_most, within};
use crate::instr::{Body, Instr, Space, Type, View};
use crate::limits;
use crate::module::{Function, Module};

/// What is wrong with an instruction's or a function's types.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypeError {
    #[error("there is no {what} {index}")]
    NoSuch { what: &'static str, index: u64 },
    #[error("register {register} is {found}, wanted is {wanted}")]
    Operand {
        register: u32,
        found: String,
        wanted: String,
    },
    #[error("`{op}` is not defined on {on}")]
    Operator { op: String, on: String },
    #[error("bytes up to {end} of a view of {length} bytes")]
    OutOfView { end: u64, length: u32 },
    #[error("{found} {what}, wanted are {wanted}")]
    Count {
        what: &'static str,
        found: usize,
        wanted: usize,
    },
    #[error("a constant does not fit its type")]
    Constant,
    #[error("region {0} is not writable by this module")]
    RegionReadOnly(u16),
    #[error("a view of {length} bytes, at most {most} are allowed")]
    ViewTooLong { length: u32, most: u32 },
    #[error("a result may not be a frame view: its slot is gone after the return")]
    FrameViewReturned,
    #[error("the first registers are not the parameters")]
    Parameters,
    #[error("it calls function {0}, which is not a lower one")]
    CallNotLower(u32),
    #[error("calls go more than {} deep", limits::CALL_DEPTH_MAX)]
    CallsTooDeep,
    #[error("`otherwise` must stand exactly where the called function is `maybe`")]
    Otherwise,
    #[error("`return_none` in a function that is not `maybe`")]
    ReturnNone,
    #[error("a register is given twice in the results")]
    ResultTwice,
    #[error("arms do not ascend, or are out of the value's range")]
    Arms,
    #[error("only tests may do this")]
    TestsOnly,
    #[error("a test is attempted")]
    AttemptOfTest,
    #[error("a payload must be given exactly where the failure has fields")]
    Payload,
    #[error("line numbers do not ascend or point outside")]
    Lines,
    #[error("code stands more than {} deep", limits::NESTING_MAX)]
    Nesting,
    #[error(transparent)]
    Limit(#[from] LimitError),
}

/// Checks every function. Trusts: the header and the shapes.
pub fn check(module: &Module, sizes: &Sizes) -> Result<(), VerifyError> {
    let mut instructions = 0;
    // How deep calls go below each function, itself counted.
    let mut depths: Vec<usize> = Vec::with_capacity(module.functions.len());
    for (index, function) in module.functions.iter().enumerate() {
        let mut check = Check {
            module,
            sizes,
            function,
            depths: &depths,
            index,
            next: 0,
            at: 0,
            weight: 0,
            depth: 1,
        };
        let place = |instruction| Place::Function {
            index: index as u32,
            name: function.name.clone(),
            instruction,
        };
        check.signature().map_err(|error| error.at(place(None)))?;
        check
            .body(&function.body, 1)
            .map_err(|error| error.at(place(Some(check.at))))?;
        check.lines().map_err(|error| error.at(place(None)))?;
        instructions += check.weight;
        depths.push(check.depth);
        at_most(
            "number of instructions in the module",
            instructions,
            limits::INSTRUCTIONS_MAX,
        )
        .map_err(|error| error.at(place(None)))?;
    }
    Ok(())
}

/// Whether a value of type `have` may be used where `want` is asked for.
fn accepts(want: Type, have: Type) -> bool {
    match (want, have) {
        (Type::View(want), Type::View(have)) => {
            want.space == have.space
                && want.length == have.length
                && (have.writable || !want.writable)
        }
        (want, have) => want == have,
    }
}

struct Check<'a> {
    module: &'a Module,
    sizes: &'a Sizes,
    function: &'a Function,
    depths: &'a [usize],
    index: usize,
    /// The next instruction's number.
    next: u32,
    /// The number of the instruction that is looked at.
    at: u32,
    /// Instructions, and arms of switches.
    weight: usize,
    depth: usize,
}

impl Check<'_> {
    fn signature(&self) -> Result<(), TypeError> {
        let function = self.function;
        at_most(
            "length of a name",
            function.name.len(),
            limits::NAME_BYTES_MAX,
        )?;
        at_most(
            "number of registers",
            function.registers.len(),
            limits::REGISTERS_MAX,
        )?;
        at_most(
            "number of results",
            function.results.len(),
            limits::REGISTERS_MAX,
        )?;
        at_most(
            "number of slots",
            function.slots.len(),
            limits::REGISTERS_MAX,
        )?;
        for slot in &function.slots {
            within(
                "size of a slot",
                u64::from(*slot),
                u64::from(limits::SLOT_BYTES_MAX),
            )?;
        }
        if function.registers.get(..function.parameters.len()) != Some(&function.parameters[..]) {
            return Err(TypeError::Parameters);
        }
        for kind in function.registers.iter().chain(&function.results) {
            self.kind(*kind)?;
        }
        if function.results.iter().any(|result| {
            matches!(
                result,
                Type::View(View {
                    space: Space::Frame,
                    ..
                })
            )
        }) {
            return Err(TypeError::FrameViewReturned);
        }
        Ok(())
    }

    /// Whether a type may be held by a register.
    fn kind(&self, kind: Type) -> Result<(), TypeError> {
        let Type::View(view) = kind else {
            return Ok(());
        };
        let most = match view.space {
            Space::Frame => limits::SLOT_BYTES_MAX,
            Space::Page(region) => {
                let found = self.module.regions.get(usize::from(region.0));
                let found = found.ok_or(TypeError::NoSuch {
                    what: "region",
                    index: u64::from(region.0),
                })?;
                if view.writable && !found.writable {
                    return Err(TypeError::RegionReadOnly(region.0));
                }
                1 << self.module.page_shift
            }
        };
        if view.length > most {
            Err(TypeError::ViewTooLong {
                length: view.length,
                most,
            })
        } else {
            Ok(())
        }
    }

    fn lines(&self) -> Result<(), TypeError> {
        let ascending = self
            .function
            .lines
            .windows(2)
            .all(|pair| pair[0].0 < pair[1].0);
        let inside = |line: &(u32, u32, u32)| {
            line.0 < self.next && (line.1 as usize) < self.module.files.len()
        };
        if ascending && self.function.lines.iter().all(inside) {
            Ok(())
        } else {
            Err(TypeError::Lines)
        }
    }

    fn body(&mut self, body: &Body, nesting: usize) -> Result<(), TypeError> {
        if nesting > limits::NESTING_MAX {
            return Err(TypeError::Nesting);
        }
        for instr in body {
            self.at = self.next;
            self.next += 1;
            self.weigh(1)?;
            self.instr(instr)?;
            if let Instr::Switch { arms, .. } = instr {
                self.weigh(arms.len())?;
            }
            for body in instr.bodies() {
                self.body(body, nesting + 1)?;
            }
        }
        Ok(())
    }

    fn weigh(&mut self, more: usize) -> Result<(), TypeError> {
        self.weight += more;
        Ok(at_most(
            "number of instructions and arms",
            self.weight,
            limits::INSTRUCTIONS_PER_FUNCTION_MAX,
        )?)
    }
}
