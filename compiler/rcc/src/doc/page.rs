//! The page itself: declarations in the order in which a caller asks for them.
//!
//! Always true: what a reader is shown of a declaration is its text in the source, so that the page never says it in other
//! words than the package does.

use crate::package::Built;
use rc_hir::{
    Allow, Callable, CallableKind, Field, Origin, Program, StateId, Storage, Table, TableId, Type,
    Variant,
};
use rc_lower::Proven;
use std::fmt::Write;

/// A whole HTML document.
pub fn page(built: &Built) -> String {
    let program = &built.program;
    let mut page = Page {
        built,
        body: String::new(),
        contents: String::new(),
    };
    for kind in [
        CallableKind::Command,
        CallableKind::Query,
        CallableKind::Report,
    ] {
        let shown: Vec<&Proven> = built
            .lowered
            .proven
            .iter()
            .filter(|proven| {
                let callable = page.callable(proven);
                callable.kind == kind && !callable.is_job_step() && !callable.is_job_walk()
            })
            .collect();
        page.section(heading(kind), &shown, |page, proven| page.call(proven));
    }
    let steps = built.lowered.proven.iter();
    let steps: Vec<&Proven> = steps
        .filter(|proven| page.callable(proven).is_job_step())
        .collect();
    page.section("Jobs", &steps, |page, proven| page.job(proven));
    // What a job is made of is no part of what a package offers.
    let tables: Vec<_> = (0..)
        .zip(&program.tables)
        .filter(|(number, table)| {
            !program.is_hidden_table(TableId(*number))
                && !table.name.ends_with(".waiting")
                && table.newer.is_none()
        })
        .map(|(_, table)| table)
        .collect();
    page.section("Tables", &tables, |page, table| page.table(table));
    let states: Vec<_> = (0..)
        .zip(&program.states)
        .filter(|(number, state)| {
            !program.is_hidden_state(StateId(*number)) && !state.name.contains('.')
        })
        .map(|(_, state)| state)
        .collect();
    page.section("States", &states, |page, state| {
        page.entry(
            "state",
            &state.name,
            &format!("{}: {}", state.name, page.ty(&state.ty)),
            "",
        );
    });
    page.section("Aggregates", &program.aggregates, |page, aggregate| {
        page.entry(
            "aggregate",
            &aggregate.name,
            page.source_line(aggregate.span),
            "",
        );
    });
    page.section("Invariants", &program.invariants, |page, invariant| {
        write!(
            page.body,
            "<pre>invariant {}</pre>",
            escaped(&invariant.text)
        )
        .expect("a string takes all");
    });
    let own_structs: Vec<_> = program
        .structs
        .iter()
        .filter(|item| item.origin != Origin::Std && item.row_of.is_none())
        .collect();
    page.section("Structs", &own_structs, |page, item| {
        let fields = page.fields(&item.fields);
        page.entry(
            "struct",
            &item.name,
            &format!("struct {} {{ … }}", item.name),
            "",
        );
        page.body.push_str(&fields);
    });
    let own_enums: Vec<_> = program
        .enums
        .iter()
        .filter(|item| item.origin != Origin::Std)
        .collect();
    page.section("Enums", &own_enums, |page, item| {
        page.entry("enum", &item.name, &format!("enum {}", item.name), "");
        page.variants(&item.variants);
    });
    page.section("Errors", &program.errors, |page, error| {
        page.entry("error", &error.name, &format!("error {}", error.name), "");
        page.variants(&error.variants);
    });
    page.section("Events", &program.events, |page, event| {
        let fields = page.fields(&event.fields);
        page.entry(
            "event",
            &event.name,
            &format!("event {}", event.name),
            &event.docs,
        );
        page.body.push_str(&fields);
    });
    let name = escaped(&program.package);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{name}</title>\n<style>{STYLE}</style>\n<nav><b>{name}</b>{}</nav>\n<main>\n<h1>{name}</h1>\n{}{}\n</main>\n</html>\n",
        page.contents,
        paragraphs(&program.docs),
        page.body
    )
}

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --soft: #8882 }
body { margin: 0; display: flex; font: 16px/1.5 system-ui, sans-serif }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; box-sizing: border-box; min-width: 13rem; padding: 1.5rem; border-right: 1px solid var(--line) }
nav a { display: block; color: inherit; text-decoration: none; padding-left: .8rem; overflow-wrap: anywhere }
nav a:hover { text-decoration: underline }
nav b { display: block; margin-top: .8rem }
main { padding: 1.5rem 2.5rem; max-width: 60rem; min-width: 0 }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line) }
h3 { margin: 1.8rem 0 .4rem; font-family: ui-monospace, monospace; font-size: 1.05rem }
pre, code { font-family: ui-monospace, monospace; font-size: .9rem }
pre { background: var(--soft); padding: .6rem .9rem; border-radius: .4rem; overflow-x: auto }
table { border-collapse: collapse; margin: .6rem 0; font-size: .92rem }
td, th { text-align: left; padding: .2rem .9rem .2rem 0; vertical-align: top; border-bottom: 1px solid var(--soft) }
th { white-space: nowrap }
@media (max-width: 50rem) { body { display: block } nav { position: static; height: auto; border: 0 } }
";

struct Page<'b> {
    built: &'b Built,
    body: String,
    contents: String,
}

/// The dimensions that are not zero.
fn at_most(proven: &Proven) -> String {
    let dimensions = proven.cost.dimensions();
    let shown = dimensions.iter().filter(|(_, value)| *value > 0);
    let costs: Vec<String> = shown
        .map(|(dimension, value)| match *value {
            u64::MAX => format!("{}: unbounded", dimension.replace('_', " ")),
            value => format!("{}: {value}", dimension.replace('_', " ")),
        })
        .collect();
    costs.join(", ")
}

fn heading(kind: CallableKind) -> &'static str {
    match kind {
        CallableKind::Command => "Commands",
        CallableKind::Query => "Queries",
        CallableKind::Report => "Reports",
        CallableKind::Function => "Functions",
    }
}

impl<'b> Page<'b> {
    fn program(&self) -> &'b Program {
        &self.built.program
    }

    fn callable(&self, proven: &Proven) -> &'b Callable {
        &self.program().callables[proven.callable.0 as usize]
    }

    fn ty(&self, ty: &Type) -> String {
        rc_driver::show_type(self.program(), ty)
    }

    /// A heading with its entries; nothing where there are none.
    fn section<T>(&mut self, title: &str, items: &[T], mut show: impl FnMut(&mut Self, &T)) {
        if items.is_empty() {
            return;
        }
        writeln!(self.body, "<h2>{title}</h2>").expect("a string takes all");
        write!(self.contents, "<b>{title}</b>").expect("a string takes all");
        for item in items {
            show(self, item);
        }
    }

    fn entry(&mut self, word: &str, name: &str, code: &str, docs: &str) {
        let (name, code) = (escaped(name), escaped(code));
        write!(self.contents, "<a href=\"#{word}.{name}\">{name}</a>").expect("a string takes all");
        write!(
            self.body,
            "<h3 id=\"{word}.{name}\">{code}</h3>\n{}",
            paragraphs(docs)
        )
        .expect("a string takes all");
    }

    /// The source line on which something is declared, without what follows it.
    fn source_line(&self, span: rc_source::Span) -> &'b str {
        let file = self.built.sources.file(span.file);
        let line = file.line_text(file.position(span.start).line);
        line.split("//").next().unwrap_or_default().trim()
    }

    fn call(&mut self, proven: &Proven) {
        let callable = self.callable(proven);
        let name = match callable.version {
            0 | 1 => callable.name.clone(),
            version => format!("{}@{version}", callable.name),
        };
        let parameters: Vec<String> = callable
            .parameters
            .iter()
            .map(|id| &callable.locals[id.0 as usize])
            .map(|local| format!("{}: {}", local.name, self.ty(&local.ty)))
            .collect();
        let result = match &callable.result {
            Type::Unit => String::new(),
            ty => format!(" -> {}", self.ty(ty)),
        };
        let code = format!("{name}({}){result}", parameters.join(", "));
        self.entry(heading(callable.kind), &name, &code, &callable.docs);
        let mut rows = vec![("route", format!("POST /{}/{name}", self.program().package))];
        let routes = &self.program().routes;
        if let Some((_, method, path)) = routes.iter().find(|(of, ..)| *of == proven.callable) {
            rows.push(("also", format!("{} {path}", method.name())));
        }
        if !callable.fails.is_empty() {
            let errors = callable
                .fails
                .iter()
                .map(|id| self.program().errors[id.0 as usize].name.as_str());
            rows.push(("fails", errors.collect::<Vec<_>>().join(", ")));
        }
        rows.push(("allow", self.allowed(&callable.allow)));
        rows.push(("at most", at_most(proven)));
        self.facts(rows);
    }

    /// A job, by one step of it.
    fn job(&mut self, proven: &Proven) {
        let callable = self.callable(proven);
        let name = callable.name.trim_end_matches(".step");
        let code = self.source_line(callable.span).trim_end_matches('{');
        self.entry("Jobs", name, code.trim_end(), &callable.docs);
        self.facts(vec![("a step, at most", at_most(proven))]);
    }

    fn facts(&mut self, rows: Vec<(&str, String)>) {
        self.body.push_str("<table>\n");
        for (word, text) in rows {
            writeln!(
                self.body,
                "<tr><th>{word}<td><code>{}</code>",
                escaped(&text)
            )
            .expect("a string takes all");
        }
        self.body.push_str("</table>\n");
    }

    fn allowed(&self, allow: &Allow) -> String {
        match allow {
            Allow::Anyone => "anyone".to_owned(),
            Allow::Roles(bits) => {
                let roles = self.program().roles.iter().enumerate();
                let named = roles
                    .filter(|(number, _)| bits >> number & 1 == 1)
                    .map(|(_, role)| role.as_str());
                named.collect::<Vec<_>>().join(", ")
            }
        }
    }

    fn table(&mut self, table: &Table) {
        let kept = match table.storage {
            Storage::Hashed => "hashed",
            Storage::Ordered => "ordered",
            Storage::Dense => "dense",
        };
        self.entry(
            "table",
            &table.name,
            &format!("table {}{}", table.versioned_name(), self.came_from(table)),
            &table.docs,
        );
        let (key, rest) = table
            .fields
            .split_at((table.key_len as usize).min(table.fields.len()));
        let (key, rest) = (self.rows(key, &format!("key, {kept}")), self.rows(rest, ""));
        write!(self.body, "<table>\n{key}{rest}</table>\n").expect("a string takes all");
        let mut more = String::new();
        for index in &table.indexes {
            let fields = index
                .fields
                .iter()
                .map(|field| table.fields[*field as usize].name.as_str());
            let word = if index.unique { "unique" } else { "index" };
            writeln!(
                more,
                "{word} {}({})",
                index.name,
                fields.collect::<Vec<_>>().join(", ")
            )
            .expect("a string takes all");
        }
        for invariant in &table.invariants {
            writeln!(more, "invariant {}", invariant.text).expect("a string takes all");
        }
        if let Some(migration) = table.migration {
            let span = self.program().callables[migration.0 as usize].span;
            let text = self.built.sources.text_of(span);
            let lines = text.lines().map(str::trim).collect::<Vec<_>>();
            writeln!(more, "{}", lines.join(" ")).expect("a string takes all");
        }
        if !more.is_empty() {
            writeln!(self.body, "<pre>{}</pre>", escaped(more.trim_end()))
                .expect("a string takes all");
        }
    }

    /// The version that a table's rows come from.
    fn came_from(&self, table: &Table) -> String {
        table.origin.map_or(String::new(), |origin| {
            let origin = &self.program().tables[origin.0 as usize];
            format!(" from {}@{}", origin.name, origin.version)
        })
    }

    fn fields(&self, fields: &[Field]) -> String {
        match fields {
            [] => String::new(),
            fields => format!("<table>\n{}</table>\n", self.rows(fields, "")),
        }
    }

    fn rows(&self, fields: &[Field], note: &str) -> String {
        let row = |field: &Field| {
            format!(
                "<tr><td><code>{}</code><td><code>{}</code><td>{}<td>{}\n",
                escaped(&field.name),
                escaped(&self.ty(&field.ty)),
                note,
                escaped(&field.docs)
            )
        };
        fields.iter().map(row).collect()
    }

    fn variants(&mut self, variants: &[Variant]) {
        self.body.push_str("<table>\n");
        for variant in variants {
            let parts = variant
                .fields
                .iter()
                .map(|field| match field.name.parse::<u32>() {
                    Ok(_) => self.ty(&field.ty),
                    Err(_) => format!("{}: {}", field.name, self.ty(&field.ty)),
                });
            let parts = parts.collect::<Vec<_>>().join(", ");
            let code = match parts.is_empty() {
                true => variant.name.clone(),
                false => format!("{}({parts})", variant.name),
            };
            let (code, docs) = (escaped(&code), escaped(&variant.docs));
            writeln!(self.body, "<tr><td><code>{code}</code><td>{docs}")
                .expect("a string takes all");
        }
        self.body.push_str("</table>\n");
    }
}

/// Text as paragraphs, one for each blank line between; what stands in back ticks is code.
fn paragraphs(text: &str) -> String {
    let mut out = String::new();
    for paragraph in text
        .split("\n\n")
        .map(str::trim)
        .filter(|paragraph| !paragraph.is_empty())
    {
        let spans: Vec<String> = escaped(paragraph)
            .split('`')
            .enumerate()
            .map(|(number, part)| match number % 2 {
                0 => part.to_owned(),
                _ => format!("<code>{part}</code>"),
            })
            .collect();
        writeln!(out, "<p>{}</p>", spans.concat()).expect("a string takes all");
    }
    out
}

fn escaped(text: &str) -> String {
    let text = rc_diagnostics::clean(text.trim());
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}
