//! The package while it is being checked: the program so far, the names, and the tree behind each id.
//!
//! Always true: `Trees`' vectors run parallel to the program's; ids are given in source order; maps are only
//! looked up, never walked, where order could show.

use crate::{Options, Unit};
use rc_diagnostics::{Code, Diagnostic, Diagnostics, codes};
use rc_hir as hir;
use rc_hir::{Origin, Program};
use rc_source::{Sources, Span};
use rc_syntax::ast;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What a top-level name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbol {
    Alias(usize),
    Struct(hir::StructId),
    Enum(hir::EnumId),
    Layout(hir::LayoutId),
    Table(hir::TableId),
    State(hir::StateId),
    Aggregate(hir::AggregateId),
    Error(hir::ErrorId),
    Event(hir::EventId),
    Callable(hir::CallableId),
    Const(hir::ConstId),
}

impl Symbol {
    /// With its article, as in "`pay` is a command".
    pub fn kind(self, program: &Program) -> &'static str {
        match self {
            Symbol::Alias(_) => "a type",
            Symbol::Struct(_) => "a struct",
            Symbol::Enum(_) => "an enum",
            Symbol::Layout(_) => "a layout",
            Symbol::Table(_) => "a table",
            Symbol::State(_) => "a state",
            Symbol::Aggregate(_) => "an aggregate",
            Symbol::Error(_) => "an error type",
            Symbol::Event(_) => "an event",
            Symbol::Const(_) => "a constant",
            Symbol::Callable(id) => match program.callables[id.0 as usize].kind {
                hir::CallableKind::Command => "a command",
                hir::CallableKind::Query => "a query",
                hir::CallableKind::Report => "a report",
                hir::CallableKind::Function => "a function",
            },
        }
    }
}

/// A namespace: the package, one that it uses, or one file of the standard library.
#[derive(Default)]
pub(crate) struct Module {
    pub name: String,
    pub origin: Origin,
    pub names: HashMap<Arc<str>, (Symbol, Span)>,
    /// By `use`, in source order.
    pub imports: Vec<Import>,
}

/// What a `use` brings in: all names of a module, or one of them.
pub(crate) struct Import {
    pub module: usize,
    pub only: Option<Arc<str>>,
}

impl Import {
    /// Whether it brings this name in.
    pub fn has(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| **only == *name)
    }
}

pub(crate) struct AliasTree<'a> {
    pub name: &'a ast::Name,
    pub generics: &'a [ast::Generic],
    pub ty: &'a ast::Type,
}

pub(crate) struct FieldsTree<'a> {
    pub generics: &'a [ast::Generic],
    pub fields: &'a [ast::Field],
}

pub(crate) struct VariantsTree<'a> {
    pub generics: &'a [ast::Generic],
    pub variants: &'a [ast::Variant],
}

pub(crate) struct ConstTree<'a> {
    pub generics: &'a [ast::Generic],
    pub ty: Option<&'a ast::Type>,
    pub value: &'a ast::Expr,
}

/// A declaration's tree and the module that it stands in.
pub(crate) struct Declared<T> {
    pub module: usize,
    pub tree: T,
}

/// What a constant came to.
#[derive(Clone)]
pub(crate) enum ConstState {
    Waiting,
    Running,
    /// Of the package, or without generics: a literal.
    Value(Box<hir::Expr>),
    /// A number over generic parameters.
    Open,
}

#[derive(Clone)]
pub(crate) enum AliasState {
    Waiting,
    Running,
    Done(hir::Type),
}

pub(crate) struct World<'a> {
    pub sources: &'a Sources,
    pub options: &'a Options,
    pub program: Program,
    pub diagnostics: Diagnostics,
    pub modules: Vec<Module>,
    pub roles: HashMap<Arc<str>, u32>,

    pub aliases: Vec<Declared<AliasTree<'a>>>,
    pub alias_states: Vec<AliasState>,
    pub structs: Vec<Declared<FieldsTree<'a>>>,
    pub enums: Vec<Declared<VariantsTree<'a>>>,
    pub layouts: Vec<Declared<FieldsTree<'a>>>,
    pub errors: Vec<Declared<VariantsTree<'a>>>,
    pub events: Vec<Declared<FieldsTree<'a>>>,
    pub tables: Vec<Declared<&'a ast::Table>>,
    pub states: Vec<Declared<(&'a ast::Type, Option<&'a ast::Expr>)>>,
    pub state_names: Vec<&'a ast::Name>,
    pub aggregates: Vec<Declared<&'a ast::ItemKind>>,
    pub invariants: Vec<Declared<(Option<&'a ast::Name>, &'a ast::Expr)>>,
    pub callables: Vec<Declared<&'a ast::Callable>>,
    pub consts: Vec<Declared<ConstTree<'a>>>,
    pub const_states: Vec<ConstState>,
    pub trials: Vec<Declared<&'a ast::ItemKind>>,
    /// With the callable that each stands before, and its module.
    pub attributes: Vec<(Option<hir::CallableId>, usize, &'a ast::Attribute)>,

    /// Whether the default of `rc.toml` was found wrong and said so.
    pub default_reported: bool,
    /// Bare variants of declared errors, by name: for `fail` where no `fails` clause narrows it. Package only.
    pub error_variants: HashMap<Arc<str>, Vec<(hir::ErrorId, u32)>>,
    /// Named indexes of each table.
    pub index_names: Vec<HashMap<Arc<str>, u32>>,
    /// Field numbers by name.
    pub table_fields: Vec<HashMap<Arc<str>, u32>>,
    /// Tables from which each callable deletes, itself or through calls; filled with the effects.
    pub deletes: Vec<BTreeSet<hir::TableId>>,
    /// Keys of sorted collections that were met before it was known which enums have payloads; nothing once that is known.
    pub keys_waiting: Option<Vec<crate::sorted::Key>>,
}

impl<'a> World<'a> {
    /// How many bytes a piece of a text or blob has: with its key it is well within the quarter of a page that a row may
    /// have, and several stand in a page.
    pub fn piece_shift(&self) -> u8 {
        let page_shift = self.options.page_shift;
        page_shift.unwrap_or(rc_bytecode::limits::PAGE_SHIFT_DEFAULT) - 4
    }

    pub fn new(sources: &'a Sources, units: &[Unit<'a>], options: &'a Options) -> World<'a> {
        let mut world = World {
            sources,
            options,
            program: Program {
                package: options.package.clone(),
                ..Program::default()
            },
            diagnostics: Diagnostics::new(),
            modules: Vec::new(),
            roles: HashMap::new(),
            aliases: Vec::new(),
            alias_states: Vec::new(),
            structs: Vec::new(),
            enums: Vec::new(),
            layouts: Vec::new(),
            errors: Vec::new(),
            events: Vec::new(),
            tables: Vec::new(),
            states: Vec::new(),
            state_names: Vec::new(),
            aggregates: Vec::new(),
            invariants: Vec::new(),
            callables: Vec::new(),
            consts: Vec::new(),
            const_states: Vec::new(),
            trials: Vec::new(),
            attributes: Vec::new(),
            default_reported: false,
            error_variants: HashMap::new(),
            index_names: Vec::new(),
            table_fields: Vec::new(),
            deletes: Vec::new(),
            keys_waiting: Some(Vec::new()),
        };
        for unit in units {
            let known = world
                .modules
                .iter()
                .any(|module| module.name == unit.module && module.origin == unit.origin);
            if !known {
                world.modules.push(Module {
                    name: unit.module.clone(),
                    origin: unit.origin,
                    ..Module::default()
                });
            }
        }
        world
    }

    pub fn error(&mut self, code: Code, span: Span, message: impl Into<String>) -> Note<'_> {
        Note {
            into: &mut self.diagnostics,
            diagnostic: Some(Diagnostic::error(code, span, message)),
        }
    }

    pub fn warning(&mut self, code: Code, span: Span, message: impl Into<String>) -> Note<'_> {
        Note {
            into: &mut self.diagnostics,
            diagnostic: Some(Diagnostic::warning(code, span, message)),
        }
    }

    /// One clear refusal of what parses but is not there yet.
    pub fn not_in_this_edition(&mut self, span: Span, what: &str) {
        self.error(
            codes::NOT_IN_THIS_EDITION,
            span,
            format!("{what} not in this edition of the language"),
        )
        .hint("`rcc explain E0701` tells what to write instead");
    }

    /// For the low-level words in files of a package.
    pub fn low_level_outside(&mut self, span: Span, what: &str) {
        self.error(
            codes::LOW_LEVEL_OUTSIDE_STD,
            span,
            format!("{what} only in the standard library"),
        )
        .hint("tables, states and lists do this for you");
    }

    pub fn is_std(&self, module: usize) -> bool {
        self.modules[module].origin == Origin::Std
    }

    pub fn text_of(&self, span: Span) -> String {
        let text = self.sources.text_of(span);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// A diagnostic that is handed in when this is dropped, so that labels and hints can be chained on.
pub(crate) struct Note<'d> {
    into: &'d mut Diagnostics,
    diagnostic: Option<Diagnostic>,
}

impl Note<'_> {
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.diagnostic = self
            .diagnostic
            .take()
            .map(|diagnostic| diagnostic.with_label(text));
        self
    }

    pub fn secondary(mut self, span: Span, text: impl Into<String>) -> Self {
        self.diagnostic = self
            .diagnostic
            .take()
            .map(|diagnostic| diagnostic.with_secondary(span, text));
        self
    }

    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.diagnostic = self
            .diagnostic
            .take()
            .map(|diagnostic| diagnostic.with_hint(text));
        self
    }

    /// One more edit of the fix.
    pub fn edit(mut self, span: Span, text: impl Into<String>) -> Self {
        self.diagnostic = self
            .diagnostic
            .take()
            .map(|diagnostic| diagnostic.with_edit(span, text));
        self
    }

    /// The name that was probably meant by what stands at `span`.
    pub fn meant(self, span: Span, near: Option<String>) -> Self {
        match near {
            Some(near) => self
                .hint(format!("did you mean `{near}`?"))
                .edit(span, near),
            None => self,
        }
    }

    /// The near name, or another way out.
    pub fn meant_or(self, span: Span, near: Option<String>, otherwise: impl Into<String>) -> Self {
        match near {
            Some(_) => self.meant(span, near),
            None => self.hint(otherwise),
        }
    }

    /// What is written instead of a name of another language.
    pub fn instead(self, span: Span, (hint, text): crate::foreign::Instead) -> Self {
        match text {
            Some(text) => self.hint(hint).edit(span, text),
            None => self.hint(hint),
        }
    }

    pub fn hint_if(self, text: Option<String>) -> Self {
        match text {
            Some(text) => self.hint(text),
            None => self,
        }
    }
}

impl Drop for Note<'_> {
    fn drop(&mut self) {
        if let Some(diagnostic) = self.diagnostic.take() {
            self.into.push(diagnostic);
        }
    }
}
