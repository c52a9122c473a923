//! Failures: `fail`, `attempt`, `expect`, and finding which failure a name means.

use crate::body::{Body, Place, error, make};
use crate::built::Fields;
use crate::names::nearest;
use crate::world::Symbol;
use rc_bytecode::instr::Builtin;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{CallableKind, ErrorId, ExprKind, FailureValue, StatementKind, Type};
use rc_source::Span;
use rc_syntax::ast;
use std::sync::Arc;

/// A failure as written.
struct Written<'e> {
    qualifier: Option<&'e ast::Name>,
    name: &'e ast::Name,
    fields: Fields<'e>,
}

/// The command or query that is expected to fail.
#[derive(Clone, Copy)]
struct Callee<'e> {
    name: &'e str,
    errors: &'e [ErrorId],
    /// Whether all that its header says after `fails` is known.
    known: bool,
}

fn written(expr: &ast::Expr) -> Option<Written<'_>> {
    match &expr.kind {
        ast::ExprKind::Fail(inner) => written(inner),
        ast::ExprKind::Call { callee, arguments } => {
            let Written {
                qualifier, name, ..
            } = path(callee)?;
            Some(Written {
                qualifier,
                name,
                fields: Fields::Tuple(arguments),
            })
        }
        ast::ExprKind::Record {
            qualifier,
            name: Some(name),
            fields,
            arguments,
        } if arguments.is_empty() => Some(Written {
            qualifier: qualifier.as_ref(),
            name,
            fields: Fields::Record(fields),
        }),
        _ => path(expr),
    }
}

fn path(expr: &ast::Expr) -> Option<Written<'_>> {
    match &expr.kind {
        ast::ExprKind::Name { name, .. } => Some(Written {
            qualifier: None,
            name,
            fields: Fields::None,
        }),
        ast::ExprKind::Member { base, name } => match &base.kind {
            ast::ExprKind::Name {
                name: qualifier, ..
            } => Some(Written {
                qualifier: Some(qualifier),
                name,
                fields: Fields::None,
            }),
            _ => None,
        },
        _ => None,
    }
}

impl Body<'_, '_> {
    /// `fail E`: never goes on.
    pub fn fail(&mut self, failure: &ast::Expr, span: Span) -> hir::Expr {
        let never = |kind| make(kind, Type::Never, span);
        if !matches!(self.place, Place::Command | Place::Query | Place::Function) {
            let (message, hint) = match self.place {
                Place::Test => ("a test fails by an `assert` that does not hold", "assert …"),
                _ => ("nothing can fail here", "conditions give `true` or `false`"),
            };
            self.world
                .error(codes::MISPLACED_CLAUSE, span, message)
                .hint(hint);
            return never(ExprKind::Error);
        }
        match self.failure(failure, None) {
            Some((failure, _)) => never(ExprKind::Fail(failure)),
            None => never(ExprKind::Error),
        }
    }

    /// The failure that an expression names, and the numbers of the fields that are given. `of` narrows it to those
    /// that a call can have, and allows to leave fields out.
    fn failure(
        &mut self,
        expr: &ast::Expr,
        of: Option<Callee<'_>>,
    ) -> Option<(FailureValue, Vec<u32>)> {
        if matches!(expr.kind, ast::ExprKind::Broken) {
            return None;
        }
        let Some(Written {
            qualifier,
            name,
            fields,
        }) = written(expr)
        else {
            self.world
                .error(codes::UNKNOWN_FAILURE, expr.span, "a failure is named here")
                .hint("fail NoAccount(id)");
            return None;
        };
        let (own, whole) = match of {
            Some(Callee { errors, known, .. }) => (errors.to_vec(), known),
            None => (self.fails.clone(), self.fails_declared),
        };
        let found = match qualifier {
            Some(qualifier) => Some(self.qualified_failure(qualifier, name)?),
            None => {
                self.one_owner(&own, name)?;
                self.find_variant(&own, &name.text)
            }
        };
        if let Some((error, variant)) = found {
            if !own.contains(&error) && whole {
                self.undeclared(error, of, expr.span);
            }
            return self.declared(error, variant, fields, expr.span, of.is_some());
        }
        if let Some(builtin) = Builtin::from_name(&name.text) {
            if !matches!(fields, Fields::None) {
                self.world.error(
                    codes::WRONG_ARGUMENT_COUNT,
                    expr.span,
                    format!("the built-in failure `{}` carries no fields", name.text),
                );
            }
            return Some((FailureValue::Builtin(builtin), Vec::new()));
        }
        let elsewhere = self
            .world
            .error_variants
            .get(&name.text)
            .cloned()
            .unwrap_or_default();
        match elsewhere.as_slice() {
            [] => {
                self.no_such_failure(&own, name);
                if let Fields::Tuple(arguments) = fields {
                    self.skip(arguments, expr.span);
                }
                None
            }
            [(error, variant)] => {
                if whole {
                    self.undeclared(*error, of, expr.span);
                }
                self.declared(*error, *variant, fields, expr.span, of.is_some())
            }
            several => {
                let owners: Vec<String> = several
                    .iter()
                    .map(|(error, _)| {
                        format!(
                            "{}.{}",
                            self.world.program.errors[error.0 as usize].name, name.text
                        )
                    })
                    .collect();
                self.world
                    .error(
                        codes::AMBIGUOUS_VARIANT,
                        name.span,
                        format!("several errors have a variant `{}`", name.text),
                    )
                    .hint(owners.join(" or "));
                None
            }
        }
    }

    fn declared(
        &mut self,
        error: ErrorId,
        variant: u32,
        fields: Fields<'_>,
        span: Span,
        in_part: bool,
    ) -> Option<(FailureValue, Vec<u32>)> {
        let wanted = self.world.program.errors[error.0 as usize].variants[variant as usize].clone();
        let what = format!("the failure `{}`", wanted.name);
        let (fields, given) = match in_part {
            true => self.some_fields(fields, &wanted.fields, span, &what)?,
            false => {
                let all = (0..wanted.fields.len() as u32).collect();
                (self.payload(fields, &wanted.fields, &[], span, &what)?, all)
            }
        };
        let sound = fields.iter().all(|field| field.ty != Type::Error);
        let failure = FailureValue::Declared {
            error,
            variant,
            fields,
        };
        sound.then_some((failure, given))
    }

    /// Fields that an expectation names: those that it does not name may be anything.
    fn some_fields(
        &mut self,
        given: Fields<'_>,
        wanted: &[hir::Field],
        span: Span,
        what: &str,
    ) -> Option<(Vec<hir::Expr>, Vec<u32>)> {
        let all = (0..wanted.len() as u32).collect();
        let inits = match given {
            Fields::None => return Some((Vec::new(), Vec::new())),
            Fields::Record(inits) => inits,
            Fields::Tuple(_) => return Some((self.payload(given, wanted, &[], span, what)?, all)),
        };
        // `..` says what is so without it.
        let is_rest = |init: &ast::FieldInit| {
            matches!(
                init.value.as_ref().map(|value| &value.kind),
                Some(ast::ExprKind::Range {
                    start: None,
                    end: None,
                    ..
                })
            )
        };
        let inits: Vec<ast::FieldInit> = inits
            .iter()
            .filter(|init| !is_rest(init))
            .cloned()
            .collect();
        let number = |init: &ast::FieldInit| {
            wanted
                .iter()
                .position(|field| *field.name == *init.name.text)
        };
        let by_name: Option<Vec<usize>> = inits.iter().map(number).collect();
        let Some(mut numbers) = by_name else {
            return Some((self.fields(&inits, wanted, &[], span, what)?, all));
        };
        numbers.sort_unstable();
        numbers.dedup();
        let named: Vec<hir::Field> = numbers.iter().map(|at| wanted[*at].clone()).collect();
        let fields = self.fields(&inits, &named, &[], span, what)?;
        Some((fields, numbers.into_iter().map(|at| at as u32).collect()))
    }

    /// A bare failure is one of a single type: says so where several of `errors` have it.
    pub fn one_owner(&mut self, errors: &[ErrorId], name: &ast::Name) -> Option<()> {
        let owners: Vec<String> = errors
            .iter()
            .map(|error| &self.world.program.errors[error.0 as usize])
            .filter(|error| {
                error
                    .variants
                    .iter()
                    .any(|variant| variant.name == *name.text)
            })
            .map(|error| format!("{}.{}", error.name, name.text))
            .collect();
        // A built-in's name was refused where it was declared.
        if owners.len() < 2 || Builtin::from_name(&name.text).is_some() {
            return Some(());
        }
        self.world
            .error(
                codes::AMBIGUOUS_VARIANT,
                name.span,
                format!("`{}` is {}", name.text, owners.join(" or ")),
            )
            .label("which of them?")
            .hint(format!("write `{}`", owners.join("` or `")));
        None
    }

    fn find_variant(&self, errors: &[ErrorId], name: &str) -> Option<(ErrorId, u32)> {
        errors.iter().find_map(|error| {
            let variants = &self.world.program.errors[error.0 as usize].variants;
            variants
                .iter()
                .position(|variant| variant.name == name)
                .map(|number| (*error, number as u32))
        })
    }

    fn qualified_failure(
        &mut self,
        qualifier: &ast::Name,
        name: &ast::Name,
    ) -> Option<(ErrorId, u32)> {
        let id = match self.world.find(self.module, &qualifier.text) {
            Some(Symbol::Error(id)) => id,
            Some(other) => {
                let kind = other.kind(&self.world.program);
                self.world.error(
                    codes::WRONG_KIND_OF_NAME,
                    qualifier.span,
                    format!("`{}` is {kind}, not an error type", qualifier.text),
                );
                return None;
            }
            None => {
                let near = self.world.near(self.module, &qualifier.text, |symbol| {
                    matches!(symbol, Symbol::Error(_))
                });
                self.world
                    .error(
                        codes::UNKNOWN_NAME,
                        qualifier.span,
                        format!("there is no error type `{}`", qualifier.text),
                    )
                    .meant(qualifier.span, near);
                return None;
            }
        };
        let declared = &self.world.program.errors[id.0 as usize];
        match declared
            .variants
            .iter()
            .position(|variant| *variant.name == *name.text)
        {
            Some(number) => Some((id, number as u32)),
            None => {
                self.no_such_failure(&[id], name);
                None
            }
        }
    }

    fn undeclared(&mut self, error: ErrorId, of: Option<Callee<'_>>, span: Span) {
        let name = self.world.program.errors[error.0 as usize].name.clone();
        match of {
            Some(Callee { name: callee, .. }) => drop(self.world.error(
                codes::CANNOT_FAIL_SO,
                span,
                format!("`{callee}` does not declare `{name}`, so it cannot fail so"),
            )),
            None => drop(
                self.world
                    .error(
                        codes::UNDECLARED_FAILURE,
                        span,
                        format!("this fails with `{name}`, and the header does not say so"),
                    )
                    .label("not declared")
                    .hint(format!("fails {name}")),
            ),
        }
    }

    pub fn no_such_failure(&mut self, errors: &[ErrorId], name: &ast::Name) {
        let known = errors
            .iter()
            .flat_map(|error| self.world.program.errors[error.0 as usize].variants.iter())
            .map(|variant| variant.name.as_str());
        let near = nearest(
            &name.text,
            known.chain(Builtin::all().map(|builtin| builtin.name())),
        );
        let everywhere = || {
            let all = self
                .world
                .program
                .errors
                .iter()
                .flat_map(|error| error.variants.iter())
                .map(|variant| variant.name.as_str());
            nearest(&name.text, all)
        };
        let near = near.or_else(everywhere);
        self.world
            .error(
                codes::UNKNOWN_FAILURE,
                name.span,
                format!("there is no failure `{}`", name.text),
            )
            .label("not known here")
            .meant_or(
                name.span,
                near,
                format!("error SomeName {{ {} }}", name.text),
            );
    }

    /// `attempt f(…)`: its failure is a value.
    pub fn attempt(&mut self, call: &ast::Expr, span: Span) -> hir::Expr {
        self.attempted = Some(call.span);
        let call = self.expr(call, None);
        self.attempted = None;
        let ExprKind::Call { callable, .. } = &call.kind else {
            if call.ty != Type::Error {
                self.world
                    .error(
                        codes::NOT_CALLABLE,
                        call.span,
                        "`attempt` takes a call of a command or query",
                    )
                    .hint("attempt pay(1, 2, 30)");
            }
            return error(span);
        };
        let callee = &self.world.program.callables[callable.0 as usize];
        if callee.kind == CallableKind::Function {
            let name = callee.name.clone();
            self.world
                .error(
                    codes::NOT_CALLABLE,
                    call.span,
                    format!("`{name}` is a `fn`; `attempt` takes a command or query"),
                )
                .hint(format!("command {name}(…)"));
            return error(span);
        }
        let fails = callee.fails.clone();
        let ty = Type::Attempted(Arc::new(call.ty.clone()), fails);
        make(ExprKind::Attempt(Box::new(call)), ty, span)
    }

    /// `expect Insufficient { … } from pay(…)`
    pub fn expect(&mut self, failure: &ast::Expr, call: &ast::Expr) -> Option<StatementKind> {
        let call = match &call.kind {
            ast::ExprKind::Attempt(inner) => self.expr(inner, None),
            _ => self.expr(call, None),
        };
        let ExprKind::Call { callable, .. } = &call.kind else {
            if call.ty != Type::Error {
                self.world.error(
                    codes::NOT_CALLABLE,
                    call.span,
                    "`expect … from` takes a call of a command or query",
                );
            }
            return None;
        };
        let callee = &self.world.program.callables[callable.0 as usize];
        if callee.kind == CallableKind::Function {
            let name = callee.name.clone();
            self.world.error(
                codes::NOT_CALLABLE,
                call.span,
                format!("`{name}` is a `fn`; `expect` watches commands and queries"),
            );
            return None;
        }
        let (name, fails) = (callee.name.clone(), callee.fails.clone());
        let declared = &self.world.callables[callable.0 as usize];
        let known = self.world.fails_known(declared.module, declared.tree);
        let callee = Callee {
            name: &name,
            errors: &fails,
            known,
        };
        let (failure, given) = self.failure(failure, Some(callee))?;
        Some(StatementKind::Expect {
            failure,
            given,
            call,
        })
    }
}
