//! What the outer world sees of a module: commands, queries, events, errors, roles, with their shapes.
//! HTTP, gRPC, OpenAPI, clients and `rcc diff` are derived from this and nothing else.

use crate::cost::Cost;
use crate::instr::FunctionIndex;
use crate::layout::{Record, Shape, Shapes, Sum};
use crate::routes::Route;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    pub package: String,
    pub shapes: Shapes,
    pub commands: Vec<Command>,
    pub events: Vec<Event>,
    /// Error types; a variant's number is its place.
    pub errors: Vec<Sum>,
    /// Commands and queries that were taken back on purpose: name and version.
    pub retired: Vec<(String, u32)>,
    /// Questions about the data, asked when the module is to go live.
    pub guards: Vec<Guard>,
    /// Paths of their own that commands and queries have beside the derived ones, in the order of their commands.
    pub routes: Vec<Route>,
    /// Role names; a principal's roles are a bit set over them. At most 64.
    pub roles: Vec<String>,
}

/// A question about the data that is there: it takes nothing and gives nothing, reads with a proven cost, and where it fails
/// the answer is no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    pub kind: GuardKind,
    /// Of `Holds` the condition's text; of `Empty` the name of the region of the table's rows.
    pub subject: String,
    /// Of `Empty`: what each row of the table keeps, as its text and a hash of what it means. One that is new over rows cannot
    /// be asked of them without a scan.
    pub rules: Vec<(String, u64)>,
    pub entry: FunctionIndex,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GuardKind {
    /// Must hold whenever the module goes live.
    Holds,
    /// Must hold only where something is new over the table.
    Empty,
}

impl Interface {
    /// The jobs: the number of each one's step, and of the event that tells of a started run. A job's step is called
    /// `fan_out.step`, its event `FanOutStarted`.
    pub fn jobs(&self) -> Vec<(u32, u32)> {
        let steps = self.commands.iter().zip(0..);
        let steps = steps.filter(|(command, _)| command.kind == CommandKind::Step);
        let found = steps.filter_map(|(command, number)| {
            let job = command.name.strip_suffix(".step")?;
            let wanted = format!("{}Started", upper_camel(job));
            let event = self
                .events
                .iter()
                .position(|event| event.record.name == wanted)?;
            Some((number, event as u32))
        });
        found.collect()
    }
}

/// `fan_out` as the beginning of its events' names: `FanOut`.
pub fn upper_camel(name: &str) -> String {
    let words = name.split('_').flat_map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters)
    });
    words.collect()
}

/// A command or query that can be called from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub name: String,
    pub version: u32,
    pub kind: CommandKind,
    pub docs: String,
    /// Name and shape of each argument; in memory laid out as a record.
    pub arguments: Record,
    pub result: Option<Shape>,
    /// Indices into `Interface::errors`.
    pub fails: Vec<u32>,
    pub allow: Allow,
    /// Takes two frame views: arguments (readable) and result (writable); returns nothing. With no result the second view has length 0.
    pub entry: FunctionIndex,
    /// The certificate: the verifier computes the same or refuses.
    pub cost: Cost,
    /// All failures precede all writes: no undo journal is needed.
    pub undo_free: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommandKind {
    Command,
    Query,
    Report,
    /// One step of a job: takes nothing, answers whether runs wait (a bool). The log calls it; nobody else can.
    Step,
}

impl CommandKind {
    /// Whether it may change data.
    pub fn writes(self) -> bool {
        matches!(self, CommandKind::Command | CommandKind::Step)
    }

    /// Whether it is called from outside, as far as this edition answers such calls.
    pub fn is_called(self) -> bool {
        matches!(self, CommandKind::Command | CommandKind::Query)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allow {
    Anyone,
    /// Any of these roles (bits over `Interface::roles`); 0 = nobody.
    Roles(u64),
}

/// A fact in the event log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub record: Record,
    pub docs: String,
}
