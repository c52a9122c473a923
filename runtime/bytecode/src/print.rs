//! The text form: for people, and for tests that want a module as text. Always true: [`parse`](crate::parse) reads it
//! back to the same module, and printing that gives the same text. What stands behind `;` is a comment: names
//! of what numbers point to, and source lines. Line numbers must ascend, as in a verified module.
//!
//! ```text
//! function "pay" plain {
//!     parameters (frame[24] mut frame[0])
//!     …
//!     body {
//!         line 0 12                                    ; ledger.rc:12
//!         r2 = load r0 offset=8
//!         if r5 then {
//!             fail error0.1 payload=r6                 ; Payment.Insufficient
//!         } otherwise {
//!         }
//! ```

use crate::cost::Cost;
use crate::instr::{
    Body, CommandIndex, EventIndex, Failure, FunctionIndex, Instr, RegionIndex, Register,
    SlotIndex, Space, Type, View,
};
use crate::interface::{Allow, Command};
use crate::layout::{Record, Shape, Sum};
use crate::module::{Function, Module};
use crate::table::{Word, for_each_instruction};
use std::fmt::Write;

/// The whole module.
pub fn print(module: &Module) -> String {
    let mut out = Printer::new(module);
    out.module();
    out.text
}

/// One function.
pub fn print_function(module: &Module, function: &Function) -> String {
    let mut out = Printer::new(module);
    out.function(None, function);
    out.text
}

pub(crate) struct Printer<'a> {
    module: &'a Module,
    text: String,
    indent: usize,
    /// For the end of the line that is being written.
    comment: String,
    /// Whether the line's `dst` stands before its `=`.
    assigned: bool,
    lines: std::iter::Peekable<std::slice::Iter<'a, (u32, u32, u32)>>,
    next: u32,
}

impl<'a> Printer<'a> {
    fn new(module: &'a Module) -> Printer<'a> {
        Printer {
            module,
            text: String::new(),
            indent: 0,
            comment: String::new(),
            assigned: false,
            lines: [].iter().peekable(),
            next: 0,
        }
    }

    fn put(&mut self, text: &str) {
        let line_start = self.text.is_empty() || self.text.ends_with('\n');
        if line_start {
            self.text.extend(std::iter::repeat_n("    ", self.indent));
        }
        self.text.push_str(text);
    }

    /// Ends the line, with its comment.
    fn end(&mut self) {
        if !self.comment.is_empty() {
            let comment: String = std::mem::take(&mut self.comment)
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect();
            let width = self.text.len() - self.text.rfind('\n').map_or(0, |at| at + 1);
            let pad = 60usize.saturating_sub(width).max(1);
            let _ = write!(self.text, "{:pad$}; {comment}", "");
        }
        self.text.push('\n');
    }

    fn line(&mut self, text: &str) {
        self.put(text);
        self.end();
    }

    fn note(&mut self, comment: &str) {
        if !self.comment.is_empty() {
            self.comment.push_str(", ");
        }
        self.comment.push_str(comment);
    }

    fn module(&mut self) {
        let module = self.module;
        let interface = &module.interface;
        self.line(&format!(
            "module format={} edition={} page_shift={}",
            module.format, module.edition, module.page_shift
        ));
        self.line(&format!("package {}", quoted(&interface.package)));
        self.line(&format!(
            "files ({})",
            joined(module.files.iter().map(|file| quoted(file)))
        ));
        self.line(&format!(
            "roles ({})",
            joined(interface.roles.iter().map(|role| quoted(role)))
        ));
        self.line(&format!(
            "retired ({})",
            joined(
                interface
                    .retired
                    .iter()
                    .map(|(name, version)| quoted(&format!("{name}@{version}")))
            )
        ));
        for (index, record) in interface.shapes.structs.iter().enumerate() {
            self.note(&format!("struct{index}"));
            self.line(&format!("struct {}", self.record(record)));
        }
        for (index, sum) in interface.shapes.enums.iter().enumerate() {
            self.note(&format!("enum{index}"));
            self.sum("enum", sum);
        }
        for (index, event) in interface.events.iter().enumerate() {
            self.note(&format!("event{index}"));
            self.line(&format!(
                "event {} docs {}",
                self.record(&event.record),
                quoted(&event.docs)
            ));
        }
        for (index, sum) in interface.errors.iter().enumerate() {
            self.note(&format!("error{index}"));
            self.sum("error", sum);
        }
        for (index, region) in module.regions.iter().enumerate() {
            self.note(&format!("region{index}"));
            let writable = if region.writable {
                "writable"
            } else {
                "readable"
            };
            let (name, hash, pages) = (quoted(&region.name), region.layout_hash, region.pages_max);
            self.line(&format!(
                "region {name} {writable} layout_hash={hash} pages_max={pages}"
            ));
        }
        for guard in &interface.guards {
            let rules = guard.rules.iter();
            let rules = rules.map(|(text, meaning)| format!("{} meaning={meaning}", quoted(text)));
            self.note_function(guard.entry);
            self.line(&format!(
                "guard {} {} rules ({}) entry function{}",
                guard.kind.name(),
                quoted(&guard.subject),
                joined(rules),
                guard.entry.0
            ));
        }
        for route in &interface.routes {
            let (method, path) = (route.method.name(), quoted(&route.path));
            self.line(&format!("route {method} {path} command={}", route.command));
        }
        for (index, command) in interface.commands.iter().enumerate() {
            self.text.push('\n');
            self.note(&format!("command{index}"));
            self.command(command);
        }
        for (index, function) in module.functions.iter().enumerate() {
            self.text.push('\n');
            self.function(Some(index), function);
        }
    }

    fn sum(&mut self, word: &str, sum: &Sum) {
        self.line(&format!("{word} {} (", quoted(&sum.name)));
        self.indent += 1;
        for variant in &sum.variants {
            let variant = self.record(variant);
            self.line(&variant);
        }
        self.indent -= 1;
        self.line(")");
    }

    fn record(&self, record: &Record) -> String {
        let fields = record
            .fields
            .iter()
            .map(|(name, shape)| format!("{}: {}", quoted(name), shape_text(shape)));
        format!(
            "{} {{{}}}",
            quoted(&record.name),
            fields.collect::<Vec<_>>().join(", ")
        )
    }

    fn command(&mut self, command: &Command) {
        let Command {
            name,
            version,
            kind,
            docs,
            arguments,
            result,
            fails,
            allow,
            entry,
            cost,
            undo_free,
        } = command;
        self.line(&format!(
            "command {} version={version} {} {{",
            quoted(name),
            kind.name()
        ));
        self.indent += 1;
        self.line(&format!("docs {}", quoted(docs)));
        self.line(&format!("arguments {}", self.record(arguments)));
        self.line(&format!(
            "result {}",
            result.as_ref().map_or("none".into(), shape_text)
        ));
        self.line(&format!("fails ({})", joined(fails.iter())));
        self.line(&match allow {
            Allow::Anyone => "allow anyone".into(),
            Allow::Roles(roles) => format!("allow roles={roles}"),
        });
        self.note_function(*entry);
        self.line(&format!("entry function{}", entry.0));
        self.cost(cost);
        self.line(if *undo_free {
            "undo none"
        } else {
            "undo journal"
        });
        self.indent -= 1;
        self.line("}");
    }

    fn cost(&mut self, cost: &Cost) {
        let dimensions = cost
            .dimensions()
            .map(|(name, used)| format!("{name}={used}"));
        self.line(&format!("cost {}", joined(dimensions.iter())));
    }

    fn note_function(&mut self, index: FunctionIndex) {
        if let Some(function) = self.module.functions.get(index.0 as usize) {
            let name = function.name.clone();
            self.note(&name);
        }
    }

    fn function(&mut self, index: Option<usize>, function: &'a Function) {
        let Function {
            name,
            kind,
            parameters,
            results,
            maybe,
            registers,
            slots,
            body,
            lines,
            cost,
        } = function;
        if let Some(index) = index {
            self.note(&format!("function{index}"));
        }
        self.line(&format!(
            "function {} {} {} {{",
            quoted(name),
            kind.name(),
            if *maybe { "maybe" } else { "always" }
        ));
        self.indent += 1;
        self.line(&format!(
            "parameters ({})",
            joined(parameters.iter().map(type_text))
        ));
        self.line(&format!(
            "results ({})",
            joined(results.iter().map(type_text))
        ));
        self.line("registers (");
        self.indent += 1;
        for (row, kinds) in registers.chunks(8).enumerate() {
            self.note(&format!("r{}", row * 8));
            self.line(&joined(kinds.iter().map(type_text)));
        }
        self.indent -= 1;
        self.line(")");
        self.line(&format!("slots ({})", joined(slots.iter())));
        self.cost(cost);
        self.lines = lines.iter().peekable();
        self.next = 0;
        self.put("body");
        body.print("body", self);
        self.end();
        self.indent -= 1;
        self.line("}");
    }

    fn instr(&mut self, instr: &Instr) {
        let number = self.next;
        self.next += 1;
        while let Some((_, file, line)) = self.lines.next_if(|(at, _, _)| *at <= number) {
            let file_name = self
                .module
                .files
                .get(*file as usize)
                .cloned()
                .unwrap_or_default();
            self.note(&format!("{file_name}:{line}"));
            self.line(&format!("line {file} {line}"));
        }
        instr.print("", self);
        self.end();
    }
}

/// A field of an instruction, or what stands in one.
trait Print {
    fn print(&self, field: &str, out: &mut Printer);
}

impl Print for Register {
    fn print(&self, field: &str, out: &mut Printer) {
        if !(out.assigned && field == "dst") {
            out.put(&format!(" r{}", self.0));
        }
    }
}

macro_rules! numbers {
    ($($kind:ty)*) => {$(
        impl Print for $kind {
            fn print(&self, field: &str, out: &mut Printer) {
                out.put(&format!(" {field}={self}"));
            }
        }
    )*};
}
numbers!(u32 u64 u128);

macro_rules! words {
    ($($kind:ty)*) => {$(
        impl Print for $kind {
            fn print(&self, _: &str, out: &mut Printer) {
                out.put(" ");
                out.put(self.name());
            }
        }
    )*};
}
words!(crate::instr::BinaryOp crate::instr::UnaryOp crate::instr::CompareOp crate::instr::ConvertMode crate::instr::Rounding crate::instr::Access crate::instr::Environment);

impl Print for SlotIndex {
    fn print(&self, _: &str, out: &mut Printer) {
        out.put(&format!(" slot{}", self.0));
    }
}

impl Print for RegionIndex {
    fn print(&self, _: &str, out: &mut Printer) {
        out.put(&format!(" region{}", self.0));
        if let Some(region) = out.module.regions.get(usize::from(self.0)) {
            out.note(&region.name);
        }
    }
}

impl Print for FunctionIndex {
    fn print(&self, _: &str, out: &mut Printer) {
        out.put(&format!(" function{}", self.0));
        out.note_function(*self);
    }
}

impl Print for EventIndex {
    fn print(&self, _: &str, out: &mut Printer) {
        out.put(&format!(" event{}", self.0));
        if let Some(event) = out.module.interface.events.get(self.0 as usize) {
            out.note(&event.record.name);
        }
    }
}

impl Print for CommandIndex {
    fn print(&self, _: &str, out: &mut Printer) {
        out.put(&format!(" command{}", self.0));
        if let Some(command) = out.module.interface.commands.get(self.0 as usize) {
            out.note(&command.name);
        }
    }
}

impl Print for Failure {
    fn print(&self, _: &str, out: &mut Printer) {
        match self {
            Failure::Builtin(builtin) => out.put(&format!(" {}", builtin.name())),
            Failure::Declared { error, variant } => {
                out.put(&format!(" error{error}.{variant}"));
                let sum = out.module.interface.errors.get(*error as usize);
                if let Some((sum, variant)) =
                    sum.and_then(|sum| Some((sum, sum.variants.get(*variant as usize)?)))
                {
                    out.note(&format!("{}.{}", sum.name, variant.name));
                }
            }
        }
    }
}

impl Print for Option<Register> {
    fn print(&self, field: &str, out: &mut Printer) {
        if let Some(register) = self {
            out.put(&format!(" {field}=r{}", register.0));
        }
    }
}

impl Print for Vec<Register> {
    fn print(&self, field: &str, out: &mut Printer) {
        out.put(&format!(
            " {field}=({})",
            joined(self.iter().map(|register| format!("r{}", register.0)))
        ));
    }
}

impl Print for Body {
    fn print(&self, field: &str, out: &mut Printer) {
        if field != "body" {
            out.put(&format!(" {field}"));
        }
        out.put(" {");
        out.end();
        out.indent += 1;
        for instr in self {
            out.instr(instr);
        }
        out.indent -= 1;
        out.put("}");
    }
}

impl Print for Option<Body> {
    fn print(&self, field: &str, out: &mut Printer) {
        self.iter().for_each(|body| body.print(field, out));
    }
}

impl Print for Vec<(u64, Body)> {
    fn print(&self, _: &str, out: &mut Printer) {
        out.put(" (");
        out.end();
        for (number, body) in self {
            out.put(&number.to_string());
            body.print("body", out);
            out.end();
        }
        out.put(")");
    }
}

macro_rules! print_instruction {
    ($($number:literal $variant:ident $name:literal { $($field:ident)* })*) => {
        impl Print for Instr {
            fn print(&self, _: &str, out: &mut Printer) {
                let mut assigned = None;
                if !matches!(self, Instr::Invoke { .. } | Instr::Attempt { .. } | Instr::Call { .. }) {
                    self.visit_writes(|register| assigned = Some(register));
                }
                if let Some(register) = assigned {
                    out.put(&format!("r{} = ", register.0));
                }
                out.put(self.name());
                match self {
                    $(Instr::$variant { $($field),* } => {
                        $(
                            // Set anew for each field: nested bodies use it too.
                            out.assigned = assigned.is_some();
                            $field.print(stringify!($field), out);
                        )*
                    })*
                }
            }
        }
    };
}
for_each_instruction!(print_instruction);

fn joined(items: impl Iterator<Item = impl std::fmt::Display>) -> String {
    items
        .map(|item| item.to_string())
        .collect::<Vec<_>>()
        .join(" ")
}

/// In quotes; `\` before quotes and itself, control characters as `\{hex}`.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn type_text(kind: &Type) -> String {
    match kind {
        Type::Scalar(scalar) => scalar.name().into(),
        Type::View(View {
            space,
            length,
            writable,
        }) => {
            let mutable = if *writable { "mut " } else { "" };
            match space {
                Space::Frame => format!("{mutable}frame[{length}]"),
                Space::Page(region) => format!("{mutable}region{}[{length}]", region.0),
            }
        }
    }
}

fn shape_text(shape: &Shape) -> String {
    match shape {
        Shape::Scalar(scalar) => scalar.name().into(),
        Shape::Time => "time".into(),
        Shape::Duration => "duration".into(),
        Shape::Uuid => "uuid".into(),
        Shape::Hash => "hash".into(),
        Shape::Decimal { digits, scale } => format!("decimal<{digits}, {scale}>"),
        Shape::String(max) => format!("string<{max}>"),
        Shape::Bytes(max) => format!("bytes<{max}>"),
        Shape::Optional(inner) => format!("{}?", shape_text(inner)),
        Shape::Tuple(parts) => format!(
            "({})",
            parts.iter().map(shape_text).collect::<Vec<_>>().join(", ")
        ),
        Shape::Struct(index) => format!("struct{index}"),
        Shape::Enum(index) => format!("enum{index}"),
        Shape::List(element, max) => format!("list<{}, {max}>", shape_text(element)),
        Shape::Set(element, max) => format!("set<{}, {max}>", shape_text(element)),
        Shape::Map(element, max) => format!("map<{}, {max}>", shape_text(element)),
    }
}
