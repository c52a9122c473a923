//! A module made ready to run: each function's nested bodies as one flat row of lines with jump targets, and
//! each line's price beside it. The operations stay the module's own; only `Block`, `If`, `Loop`, `Switch`, `Break`
//! and `Continue` become jumps.
//!
//! Always true: a jump target is a line of the same function or its end; a loop's counter is its own, so nothing
//! has to be undone where a `Break` leaves several loops at once.

use rc_bytecode::cost::Cost;
use rc_bytecode::instr::{FunctionIndex, Instr, Register, Type};
use rc_bytecode::interface::Interface;
use rc_bytecode::module::{Function, FunctionKind, Module, Region};
use rc_bytecode::price;
use rc_bytecode::verify::Verified;
use rc_bytecode::wire::Plan;

/// A line's number in its function.
pub(crate) type LineNumber = u32;

/// Everything of a module that running it needs. Made once per module, shared by its interpreters.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) interface: Interface,
    pub(crate) regions: Vec<Region>,
    pub(crate) page_shift: u8,
    pub(crate) functions: Vec<Code>,
    /// Arguments and result of each command.
    pub(crate) commands: Vec<(Plan, Option<Plan>)>,
    /// Each event's.
    pub(crate) events: Vec<Plan>,
    /// Each error's variants'.
    pub(crate) errors: Vec<Vec<Plan>>,
}

impl Prepared {
    /// Flattens every function. Time and memory are linear in the module.
    pub fn new(verified: &Verified) -> Prepared {
        Prepared::of_module(verified.module())
    }

    /// The same for a module that nobody verified: how this crate's tests reach the checks that a verified one never
    /// trips. Panics where a `Break` or `Continue` names nothing.
    pub(crate) fn of_module(module: &Module) -> Prepared {
        let interface = &module.interface;
        let shapes = &interface.shapes;
        let commands = interface.commands.iter().map(|command| {
            let result = command
                .result
                .as_ref()
                .map(|shape| Plan::of_shape(shapes, shape));
            (Plan::of(shapes, &command.arguments), result)
        });
        let errors = interface.errors.iter();
        let errors = errors.map(|error| {
            error
                .variants
                .iter()
                .map(|variant| Plan::of(shapes, variant))
                .collect()
        });
        Prepared {
            commands: commands.collect(),
            events: interface
                .events
                .iter()
                .map(|event| Plan::of(shapes, &event.record))
                .collect(),
            errors: errors.collect(),
            interface: interface.clone(),
            regions: module.regions.clone(),
            page_shift: module.page_shift,
            functions: module
                .functions
                .iter()
                .map(|function| Code::new(function, module))
                .collect(),
        }
    }

    /// The module's interface.
    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    /// The first function of this name, if there is one.
    pub fn function_named(&self, name: &str) -> Option<FunctionIndex> {
        let place = self.functions.iter().position(|code| code.name == name)?;
        Some(FunctionIndex(place as u32))
    }

    /// The functions of kind `Test`, in order, with their names.
    pub fn tests(&self) -> impl Iterator<Item = (FunctionIndex, &str)> {
        let functions = self.functions.iter().enumerate();
        let tests = functions.filter(|(_, code)| code.kind == FunctionKind::Test);
        tests.map(|(place, code)| (FunctionIndex(place as u32), code.name.as_str()))
    }
}

/// One function.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) name: String,
    pub(crate) kind: FunctionKind,
    pub(crate) maybe: bool,
    pub(crate) parameters: Vec<Type>,
    pub(crate) results: Vec<Type>,
    pub(crate) registers: Vec<Type>,
    /// Offset in the function's frame and length of each slot, in bytes.
    pub(crate) slots: Vec<(u32, u32)>,
    /// Bytes of the frame.
    pub(crate) frame_bytes: usize,
    /// Loops in the function; each has a counter.
    pub(crate) loops: usize,
    /// What entering costs.
    pub(crate) entry: Cost,
    /// What one call may cost at most.
    pub(crate) certificate: Cost,
    pub(crate) lines: Vec<Line>,
}

/// One operation and its price.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) op: Op,
    pub(crate) charge: Charge,
}

/// The dimensions of a cost that one line can have. Events and replies are counted by what is really packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) steps: u64,
    pub(crate) pages_read: u32,
    pub(crate) pages_written: u32,
    pub(crate) bytes_written: u64,
}

#[derive(Debug)]
pub(crate) enum Op {
    /// An instruction without bodies that goes on to the next line.
    Plain(Instr),
    Jump {
        to: LineNumber,
    },
    /// Goes on where the condition holds, else jumps.
    If {
        condition: Register,
        otherwise: LineNumber,
    },
    Switch {
        value: Register,
        arms: Vec<(u64, LineNumber)>,
        otherwise: LineNumber,
    },
    /// Sets the counter to no iterations.
    LoopStart {
        counter: u32,
    },
    /// Counts one more iteration; priced at each start.
    LoopNext {
        counter: u32,
        max: u64,
    },
    /// Goes to `after` with the results, or to the next line where the callee answered `ReturnNone`.
    Call {
        function: FunctionIndex,
        arguments: Vec<Register>,
        results: Vec<Register>,
        after: LineNumber,
    },
    /// Goes to the next line, with the status assigned.
    Attempt {
        function: FunctionIndex,
        arguments: Vec<Register>,
        failure: Register,
        status: Register,
    },
    Return {
        values: Vec<Register>,
    },
    ReturnNone,
    /// The body's end was reached.
    End,
}

impl Code {
    fn new(function: &Function, module: &Module) -> Code {
        let mut flat = Flattening {
            function,
            module,
            lines: Vec::new(),
            enclosing: Vec::new(),
            loops: 0,
        };
        flat.body(&function.body);
        flat.push(Op::End, Charge::default());
        let mut offset = 0;
        let slots = function.slots.iter().map(|length| {
            let start = offset;
            offset = u32::saturating_add(offset, length.next_multiple_of(8));
            (start, *length)
        });
        Code {
            name: function.name.clone(),
            kind: function.kind,
            maybe: function.maybe,
            parameters: function.parameters.clone(),
            results: function.results.clone(),
            registers: function.registers.clone(),
            slots: slots.collect(),
            frame_bytes: function.slot_bytes() as usize,
            loops: flat.loops as usize,
            entry: price::entry_cost(function),
            certificate: function.cost,
            lines: flat.lines,
        }
    }
}

/// An enclosing `Block` or `Loop` whose end is not known yet.
struct Enclosing {
    /// Where `Continue` goes: loops only.
    again: Option<LineNumber>,
    /// The jumps that leave it, to be given the line after its end.
    leaving: Vec<LineNumber>,
}

struct Flattening<'m> {
    function: &'m Function,
    module: &'m Module,
    lines: Vec<Line>,
    enclosing: Vec<Enclosing>,
    loops: u32,
}

impl Flattening<'_> {
    fn here(&self) -> LineNumber {
        self.lines.len() as LineNumber
    }

    fn push(&mut self, op: Op, charge: Charge) -> LineNumber {
        self.lines.push(Line { op, charge });
        self.here() - 1
    }

    /// A jump forward; `land` gives it its target.
    fn push_jump(&mut self, charge: Charge) -> LineNumber {
        self.push(Op::Jump { to: 0 }, charge)
    }

    /// The jump at `line` goes to the line that comes next.
    fn land(&mut self, line: LineNumber) {
        let here = self.here();
        match &mut self.lines[line as usize].op {
            Op::Jump { to } => *to = here,
            Op::If { otherwise, .. } | Op::Switch { otherwise, .. } => *otherwise = here,
            Op::Call { after, .. } => *after = here,
            _ => unreachable!("only jumps are given targets"),
        }
    }

    fn body(&mut self, body: &[Instr]) {
        for instr in body {
            self.instr(instr);
        }
    }

    /// `body` inside a `Block` or `Loop`; returns the jumps that leave it.
    fn enclosed(&mut self, again: Option<LineNumber>, body: &[Instr]) -> Vec<LineNumber> {
        self.enclosing.push(Enclosing {
            again,
            leaving: Vec::new(),
        });
        self.body(body);
        self.enclosing.pop().expect("pushed above").leaving
    }

    /// The `depth`-th enclosing `Block` or `Loop` from inside.
    fn enclosing_at(&mut self, depth: u32) -> &mut Enclosing {
        let place = self.enclosing.len() - 1 - depth as usize;
        &mut self.enclosing[place]
    }

    fn instr(&mut self, instr: &Instr) {
        let cost = price::own_cost(instr, self.function, self.module);
        let charge = Charge {
            steps: cost.steps,
            pages_read: cost.pages_read as u32,
            pages_written: cost.pages_written as u32,
            bytes_written: cost.bytes_written,
        };
        match instr {
            Instr::Block { body } => {
                let leaving = self.enclosed(None, body);
                self.land_all(leaving);
            }
            Instr::Loop { .. } | Instr::LoopUnbounded { .. } => {
                let (max, body) = match instr {
                    Instr::Loop { max, body } => (max, body),
                    // No run counts so far.
                    Instr::LoopUnbounded { body } => (&u64::MAX, body),
                    _ => unreachable!("matched above"),
                };
                let counter = self.loops;
                self.loops += 1;
                self.push(Op::LoopStart { counter }, charge);
                let iteration = Charge {
                    steps: price::LOOP_ITERATION,
                    ..Charge::default()
                };
                let again = self.push(Op::LoopNext { counter, max: *max }, iteration);
                let leaving = self.enclosed(Some(again), body);
                self.push(Op::Jump { to: again }, Charge::default());
                self.land_all(leaving);
            }
            Instr::If {
                condition,
                then,
                otherwise,
            } => {
                let test = self.push(
                    Op::If {
                        condition: *condition,
                        otherwise: 0,
                    },
                    charge,
                );
                self.body(then);
                let past = self.push_jump(Charge::default());
                self.land(test);
                self.body(otherwise);
                self.land(past);
            }
            Instr::Switch {
                value,
                arms,
                otherwise,
            } => self.switch(*value, arms, otherwise, charge),
            Instr::Break { depth } => {
                let jump = self.push_jump(charge);
                self.enclosing_at(*depth).leaving.push(jump);
            }
            Instr::Continue { depth } => {
                let again = self
                    .enclosing_at(*depth)
                    .again
                    .expect("the verifier lets `Continue` name loops alone");
                self.push(Op::Jump { to: again }, charge);
            }
            Instr::Call {
                function,
                arguments,
                results,
                otherwise,
            } => {
                let (arguments, results) = (arguments.clone(), results.clone());
                let call = self.push(
                    Op::Call {
                        function: *function,
                        arguments,
                        results,
                        after: 0,
                    },
                    charge,
                );
                self.body(otherwise.as_deref().unwrap_or_default());
                self.land(call);
            }
            Instr::Attempt {
                function,
                arguments,
                failure,
                status,
            } => {
                self.push(
                    Op::Attempt {
                        function: *function,
                        arguments: arguments.clone(),
                        failure: *failure,
                        status: *status,
                    },
                    charge,
                );
            }
            Instr::Return { values } => {
                self.push(
                    Op::Return {
                        values: values.clone(),
                    },
                    charge,
                );
            }
            Instr::ReturnNone => {
                self.push(Op::ReturnNone, charge);
            }
            plain => {
                self.push(Op::Plain(plain.clone()), charge);
            }
        }
    }

    fn switch(
        &mut self,
        value: Register,
        arms: &[(u64, Vec<Instr>)],
        otherwise: &[Instr],
        charge: Charge,
    ) {
        let at = self.push(
            Op::Switch {
                value,
                arms: Vec::new(),
                otherwise: 0,
            },
            charge,
        );
        let (mut starts, mut ends) = (Vec::new(), Vec::new());
        for (number, body) in arms {
            starts.push((*number, self.here()));
            self.body(body);
            ends.push(self.push_jump(Charge::default()));
        }
        self.land(at);
        self.body(otherwise);
        self.land_all(ends);
        if let Op::Switch { arms, .. } = &mut self.lines[at as usize].op {
            *arms = starts;
        }
    }

    fn land_all(&mut self, jumps: Vec<LineNumber>) {
        for jump in jumps {
            self.land(jump);
        }
    }
}
