//! One body being checked: its locals, scopes and surroundings.
//!
//! Always true: every local that a scope names is in `locals`; scopes are pushed and popped in pairs; the
//! expressions made here have types, `Error` where a message was given.

use crate::world::World;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{ExprKind, Local, LocalId, TableId, Type};
use rc_source::Span;
use rc_syntax::ast;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What kind of body it is: what may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Command,
    Query,
    Function,
    Test,
    Invariant,
    /// The fields of the row in local 0 are names.
    RowInvariant(TableId),
    Constant,
}

/// How deep expressions may nest: far above what people write, far below what the stack holds.
const NESTING_MAX: u32 = 200;

/// Variants and their parts, by name and by number.
pub(crate) type Nones = BTreeSet<(Arc<str>, String)>;

pub(crate) struct Body<'w, 'a> {
    pub world: &'w mut World<'a>,
    pub module: usize,
    pub generics: &'a [ast::Generic],
    pub place: Place,
    pub result: Type,
    /// Declared by `fails`.
    pub fails: Vec<hir::ErrorId>,
    /// Whether `fails` is the whole truth; a function without the clause may fail with anything.
    pub fails_declared: bool,
    /// Loops around the current place.
    pub loops: u32,
    /// Whether whole tables may be walked: a report's body.
    pub scans: bool,
    /// Whether it is a job's.
    pub in_job: bool,
    /// The call that an `attempt` stands before, while it is looked at.
    pub attempted: Option<Span>,
    /// The receiver of a method, while it is looked at: there a container may stand.
    pub receiver_at: Option<Span>,
    /// Parts of variants that an arm of the match being looked at says `none` of: there a name stands for what is there.
    pub nones: Nones,
    /// Whether a name against an optional stands for the whole.
    pub whole: bool,
    locals: Vec<Local>,
    scopes: Vec<HashMap<Arc<str>, LocalId>>,
    depth: u32,
}

impl<'w, 'a> Body<'w, 'a> {
    pub fn new(
        world: &'w mut World<'a>,
        module: usize,
        generics: &'a [ast::Generic],
        place: Place,
    ) -> Body<'w, 'a> {
        Body {
            world,
            module,
            generics,
            place,
            result: Type::Unit,
            fails: Vec::new(),
            fails_declared: false,
            loops: 0,
            scans: false,
            in_job: false,
            attempted: None,
            receiver_at: None,
            nones: Nones::new(),
            whole: false,
            locals: Vec::new(),
            scopes: vec![HashMap::new()],
            depth: 0,
        }
    }

    pub fn finish(self) -> Vec<Local> {
        self.locals
    }

    pub fn is_std(&self) -> bool {
        self.world.is_std(self.module)
    }

    /// The first locals, with the names that they carry.
    pub fn parameters(&mut self, parameters: Vec<Local>) {
        for local in parameters {
            let name: Arc<str> = local.name.as_str().into();
            let id = self.anonymous(local);
            self.scopes
                .last_mut()
                .expect("a body has a scope")
                .insert(name, id);
        }
    }

    /// A new local that the current scope names.
    pub fn bind(&mut self, name: &ast::Name, ty: Type, mutable: bool) -> LocalId {
        self.world.local_name(self.module, name);
        let id = self.anonymous(Local {
            name: name.text.to_string(),
            ty,
            mutable,
            span: name.span,
        });
        self.scopes
            .last_mut()
            .expect("a body has a scope")
            .insert(name.text.clone(), id);
        id
    }

    /// A name that a mistake kept from being bound: about its uses nothing is said.
    pub fn bind_unknown(&mut self, name: &str, span: Span) {
        if self.find_local(name).is_some() {
            return;
        }
        let id = self.anonymous(Local {
            name: name.to_string(),
            ty: Type::Error,
            mutable: true,
            span,
        });
        let scope = self.scopes.last_mut().expect("a body has a scope");
        scope.insert(name.into(), id);
    }

    /// What the innermost scope names, in the order of the source.
    pub fn named_here(&self) -> Vec<LocalId> {
        let scope = self.scopes.last().expect("a body has a scope");
        let mut ids: Vec<LocalId> = scope.values().copied().collect();
        ids.sort();
        ids
    }

    /// Names a local that stands for one of a scope that has ended; its name was looked at there.
    pub fn bind_again(&mut self, local: Local) -> LocalId {
        let name: Arc<str> = local.name.as_str().into();
        let id = self.anonymous(local);
        let scope = self.scopes.last_mut().expect("a body has a scope");
        scope.insert(name, id);
        id
    }

    pub fn anonymous(&mut self, local: Local) -> LocalId {
        let id = LocalId(self.locals.len() as u32);
        self.locals.push(local);
        id
    }

    pub fn local(&self, id: LocalId) -> &Local {
        &self.locals[id.0 as usize]
    }

    pub fn find_local(&self, name: &str) -> Option<LocalId> {
        self.scopes
            .iter()
            .rev()
            .find_map(|scope| scope.get(name))
            .copied()
    }

    pub fn local_names(&self) -> impl Iterator<Item = &str> {
        self.scopes
            .iter()
            .flat_map(|scope| scope.keys())
            .map(|name| &**name)
    }

    pub fn in_scope<T>(&mut self, inside: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.push(HashMap::new());
        let result = inside(self);
        self.scopes.pop();
        result
    }

    /// Runs `inside` unless expressions nest too deeply here.
    pub fn deeper(&mut self, span: Span, inside: impl FnOnce(&mut Self) -> hir::Expr) -> hir::Expr {
        if self.depth >= NESTING_MAX {
            self.world
                .error(
                    codes::TOO_COMPLEX,
                    span,
                    format!("expressions nest more than {NESTING_MAX} deep here"),
                )
                .hint("name the parts with `let`");
            return error(span);
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    pub fn show(&self, ty: &Type) -> String {
        match ty {
            Type::Parameter(number) => self.generics.get(*number as usize).map_or_else(
                || self.world.show(ty),
                |generic| generic.name.text.to_string(),
            ),
            _ => self.world.show(ty),
        }
    }

    pub fn ty(&mut self, ty: &ast::Type) -> Type {
        self.world.ty(ty, self.module, self.generics)
    }
}

pub(crate) fn make(kind: ExprKind, ty: Type, span: Span) -> hir::Expr {
    hir::Expr { kind, ty, span }
}

/// What stands for an expression that has been reported.
pub(crate) fn error(span: Span) -> hir::Expr {
    make(ExprKind::Error, Type::Error, span)
}

pub(crate) fn unit(span: Span) -> hir::Expr {
    make(ExprKind::Unit, Type::Unit, span)
}

/// The content's type of an optional, the type itself otherwise: what a literal should become.
pub(crate) fn peeled(ty: &Type) -> &Type {
    match ty {
        Type::Optional(inner) => peeled(inner),
        other => other,
    }
}
