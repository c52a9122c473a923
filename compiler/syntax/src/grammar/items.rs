//! A file and its declarations. Always true: a declaration that cannot be read is skipped to the next line
//! outside brackets that begins one, and becomes `Broken`; so does what is no declaration at all.

use super::*;
use crate::ast::{
    Allow, Attribute, Callable, CallableKind, CostLimit, ExprKind, Item, ItemKind, Param,
};

pub(super) fn file(rules: &Rules) -> Rule<File> {
    use TokenKind::*;
    let head_docs = just(InnerDoc)
        .map_with(|_, here| doc_text(text_here(here)))
        .repeated()
        .collect::<Vec<_>>();
    let package = just(Package).ignore_then(
        name()
            .separated_by(just(Dot))
            .at_least(1)
            .map_with(|_, here| name_here(here))
            .then_ignore(line_end()),
    );
    let items = item(rules)
        .then_ignore(just(Newline).repeated())
        .repeated()
        .collect::<Vec<_>>();
    head_docs
        .then_ignore(newlines())
        .then(package.or_not())
        .then_ignore(just(Newline).repeated())
        .then(items)
        .then_ignore(end())
        .map(|((docs, package), items)| File {
            docs,
            package,
            items,
        })
        .boxed()
}

/// The end of a line or of the file, not taken.
fn line_end() -> impl Parser<'static, Tokens, (), Extra> + Clone {
    choice((ahead([TokenKind::Newline]), end().rewind()))
}

fn item(rules: &Rules) -> Rule<Item> {
    let ordinary = docs()
        .then(
            attribute()
                .then_ignore(newlines())
                .repeated()
                .collect::<Vec<_>>(),
        )
        .then(kind(rules).map_with(|kind, here| (kind, span_here(here))))
        .then_ignore(line_end())
        .map(|((docs, attributes), (kind, span))| Item {
            docs,
            attributes,
            kind,
            span,
        });
    let broken = skip_item().map_with(|_, here| Item {
        docs: Vec::new(),
        attributes: Vec::new(),
        kind: ItemKind::Broken,
        span: span_here(here),
    });
    ordinary.recover_with(via_parser(broken)).boxed()
}

/// Everything up to the next line, outside brackets, that begins a declaration.
fn skip_item() -> impl Parser<'static, Tokens, (), Extra> + Clone {
    use TokenKind::*;
    custom(
        |input: &mut chumsky::input::InputRef<'static, '_, Tokens, Extra>| {
            let start = input.cursor();
            let mut depth = 0usize;
            let mut previous = Option::None;
            while let Some(kind) = input.peek() {
                let begins = kind.starts_declaration() || matches!(kind, At | OuterDoc);
                if depth == 0 && begins && previous == Some(Newline) {
                    break;
                }
                match kind {
                    OpenParen | OpenBracket | OpenBrace => depth += 1,
                    CloseParen | CloseBracket | CloseBrace => depth = depth.saturating_sub(1),
                    _ => {}
                }
                input.skip();
                previous = Some(kind);
            }
            if previous.is_some() {
                Ok(())
            } else {
                Err(SyntaxError::at(*start.inner()))
            }
        },
    )
}

/// `@http(GET "/accounts/{id}")`
fn attribute() -> Rule<Attribute> {
    use TokenKind::*;
    let word = name().map_with(|name, here| Expr {
        kind: ExprKind::Name {
            name,
            arguments: Vec::new(),
        },
        span: span_here(here),
    });
    let argument = choice((expressions::literal(), word));
    let arguments = argument
        .separated_by(just(Comma).or_not())
        .allow_trailing()
        .collect()
        .delimited_by(just(OpenParen), just(CloseParen));
    just(At)
        .ignore_then(name())
        .then(arguments.or_not())
        .map_with(|(name, arguments), here| Attribute {
            name,
            arguments: arguments.unwrap_or_default(),
            span: span_here(here),
        })
        .boxed()
}

fn kind(rules: &Rules) -> Rule<ItemKind> {
    use TokenKind::*;
    let expression = || rules.expression.clone();
    let ty = || rules.ty.clone();
    let default = || just(Equal).ignore_then(expression()).or_not();
    let named_with_generics = |word: TokenKind| {
        just(word)
            .ignore_then(name())
            .then(types::generics())
            .then_ignore(newlines())
    };

    let import = just(Use)
        .ignore_then(name().separated_by(just(Dot)).at_least(1).collect())
        .map(|path| ItemKind::Use { path });
    let alias = just(Type)
        .ignore_then(name())
        .then(types::generics())
        .then_ignore(just(Equal))
        .then(ty())
        .map(|((name, generics), ty)| ItemKind::TypeAlias { name, generics, ty });
    let structure = named_with_generics(Struct).then(tables::fields(rules)).map(
        |((name, generics), fields)| ItemKind::Struct {
            name,
            generics,
            fields,
        },
    );
    let enumeration = named_with_generics(Enum).then(tables::variants(rules)).map(
        |((name, generics), variants)| ItemKind::Enum {
            name,
            generics,
            variants,
        },
    );
    let layout = named_with_generics(Layout).then(tables::fields(rules)).map(
        |((name, generics), fields)| ItemKind::Layout {
            name,
            generics,
            fields,
        },
    );
    let error = just(Error)
        .ignore_then(name())
        .then_ignore(newlines())
        .then(tables::variants(rules))
        .map(|(name, variants)| ItemKind::Error { name, variants });
    let event = just(Event)
        .ignore_then(name())
        .then(newlines().ignore_then(tables::fields(rules)).or_not())
        .map(|(name, fields)| ItemKind::Event {
            name,
            fields: fields.unwrap_or_default(),
        });
    let state = just(State)
        .ignore_then(name())
        .then_ignore(just(Colon))
        .then(ty())
        .then(default())
        .map(|((name, ty), default)| ItemKind::State { name, ty, default });
    let measured = name()
        .then(just(Dot).ignore_then(name()).or_not())
        .delimited_by(just(OpenParen), just(CloseParen));
    let aggregate = just(Aggregate)
        .ignore_then(name())
        .then_ignore(just(Equal))
        .then(name())
        .then(measured)
        .then(just(By).ignore_then(name()).or_not())
        .map(
            |(((name, function), (table, field)), by)| ItemKind::Aggregate {
                name,
                function,
                table,
                field,
                by,
            },
        );
    let invariant = just(Invariant)
        .ignore_then(
            just(For)
                .ignore_then(name())
                .then_ignore(just(Colon))
                .or_not(),
        )
        .then(expression())
        .map(|(for_each, condition)| ItemKind::Invariant {
            for_each,
            condition,
        });
    let role = just(Role)
        .ignore_then(name())
        .map(|name| ItemKind::Role { name });
    let retire = just(Retire)
        .ignore_then(name())
        .then(version().or_not())
        .map(|(name, version)| ItemKind::Retire { name, version });
    let test = just(Test)
        .ignore_then(string())
        .then_ignore(newlines())
        .then(rules.block.clone())
        .map(|(name, body)| ItemKind::Test { name, body });
    let property = just(Property)
        .ignore_then(string())
        .then(params(rules))
        .then_ignore(newlines())
        .then(rules.block.clone())
        .map(|((name, params), body)| ItemKind::Property { name, params, body });
    let constant = just(Const)
        .ignore_then(name())
        .then(types::generics())
        .then(just(Colon).ignore_then(ty()).or_not())
        .then_ignore(just(Equal))
        .then(expression())
        .map(|(((name, generics), ty), value)| ItemKind::Const {
            name,
            generics,
            ty,
            value,
        });

    choice((
        callable(rules),
        job(rules),
        tables::table(rules),
        import,
        alias,
        structure,
        enumeration,
        layout,
        error,
        event,
        state,
        aggregate,
        invariant,
        role,
        retire,
        test,
        property,
        constant,
    ))
    .labelled(Expected::Declaration)
    .boxed()
}

/// `(from: u64, to: u64)`; a parameter that cannot be read keeps its place without a name.
fn params(rules: &Rules) -> Rule<Vec<Param>> {
    use TokenKind::*;
    let param = name()
        .then_ignore(just(Colon))
        .then(rules.ty.clone())
        .then_ignore(ahead([Comma, CloseParen]))
        .map_with(|(name, ty), here| Param {
            name,
            ty,
            span: span_here(here),
        });
    let broken = skip_until([Comma]).map_with(|_, here| {
        let span = span_here(here);
        Param {
            name: unnamed(span),
            ty: broken_type(span),
            span,
        }
    });
    param
        .recover_with(via_parser(broken))
        .separated_by(just(Comma))
        .allow_trailing()
        .collect()
        .delimited_by(just(OpenParen), just(CloseParen))
        .boxed()
}

enum Clause {
    Fails(Vec<Name>),
    Allow(Allow),
    Cost(Vec<CostLimit>),
}

#[derive(Default)]
struct Clauses {
    fails: Option<Vec<Name>>,
    allow: Option<Allow>,
    cost: Option<Vec<CostLimit>>,
}

/// `fails …`, `allow …`, `cost …` in any order, each once.
fn clauses(rules: &Rules) -> Rule<Clauses> {
    use TokenKind::*;
    let names = || {
        name()
            .separated_by(just(Comma))
            .at_least(1)
            .collect::<Vec<_>>()
    };
    let fails = just(Fails).ignore_then(names()).map(Clause::Fails);
    let allow = just(Allow).ignore_then(names()).map_with(|roles, here| {
        Clause::Allow(crate::ast::Allow {
            roles,
            span: span_here(here),
        })
    });
    let limit = name()
        .then_ignore(just(LessEqual))
        .then(rules.head.clone())
        .map_with(|(dimension, limit), here| CostLimit {
            dimension,
            limit,
            span: span_here(here),
        });
    let cost = just(Cost)
        .ignore_then(limit.separated_by(just(Comma)).at_least(1).collect())
        .map(Clause::Cost);
    let clause = choice((fails, allow, cost)).map_with(|clause, here| (clause, here.span()));
    newlines()
        .ignore_then(clause)
        .repeated()
        .collect::<Vec<_>>()
        .validate(|written, _, emitter| {
            let mut clauses = Clauses::default();
            for (clause, span) in written {
                let is_first = match clause {
                    Clause::Fails(names) => clauses.fails.replace(names).is_none(),
                    Clause::Allow(allow) => clauses.allow.replace(allow).is_none(),
                    Clause::Cost(limits) => clauses.cost.replace(limits).is_none(),
                };
                if !is_first {
                    emitter.emit(SyntaxError {
                        sort: Sort::Twice,
                        ..SyntaxError::at(span.start)
                    });
                }
            }
            clauses
        })
        .boxed()
}

/// `job fan_out(post: u64) step 500 { … }`
fn job(rules: &Rules) -> Rule<ItemKind> {
    use TokenKind::*;
    just(Job)
        .ignore_then(name())
        .then(params(rules))
        .then_ignore(just(Step))
        .then(rules.head.clone())
        .then(clauses(rules))
        .then_ignore(newlines())
        .then(rules.block.clone())
        .map(|((((name, params), step), clauses), body)| {
            ItemKind::Job(crate::ast::Job {
                name,
                params,
                step,
                fails: clauses.fails.unwrap_or_default(),
                allow: clauses.allow,
                cost: clauses.cost.unwrap_or_default(),
                body,
            })
        })
        .boxed()
}

fn callable(rules: &Rules) -> Rule<ItemKind> {
    use TokenKind::*;
    let kind = select! {
        Command => CallableKind::Command,
        Query => CallableKind::Query,
        Report => CallableKind::Report,
        Fn => CallableKind::Function,
    };
    let result = just(Arrow).ignore_then(rules.ty.clone()).or_not();
    kind.then(name())
        .then(version().or_not())
        .then(types::generics())
        .then(params(rules))
        .then(result)
        .then(clauses(rules))
        .map_with(|header, here| (header, span_here(here)))
        .then_ignore(newlines())
        .then(rules.block.clone())
        .map(
            |(
                (((((((kind, name), version), generics), params), result), clauses), header),
                body,
            )| {
                ItemKind::Callable(Callable {
                    kind,
                    name,
                    version,
                    generics,
                    params,
                    result,
                    fails: clauses.fails.unwrap_or_default(),
                    allow: clauses.allow,
                    cost: clauses.cost.unwrap_or_default(),
                    body,
                    header,
                })
            },
        )
        .boxed()
}
