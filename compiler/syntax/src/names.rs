//! Names tell kinds apart by their case: types, tables, variants, errors, events and layouts begin upper
//! case; values, fields and functions lower case; constants are all capitals. Declared names are looked at here, once, after parsing;
//! inside bodies the grammar itself tells them apart.

use crate::ast::{Field, File, Generic, ItemKind, Name, Param, Payload, TableMember, Variant};
use rc_diagnostics::{Diagnostic, Diagnostics, codes};

/// Reports each declared name in the wrong case.
pub(crate) fn check(file: &File, diagnostics: &mut Diagnostics) {
    let mut names = Names { diagnostics };
    for item in &file.items {
        match &item.kind {
            ItemKind::Use { .. } | ItemKind::Broken | ItemKind::Retire { .. } => {}
            ItemKind::Invariant { .. } | ItemKind::Test { .. } => {}
            ItemKind::Const { name, .. } => names.capitals(name),
            ItemKind::TypeAlias { name, generics, .. } => {
                names.upper(name, "a type").generics(generics)
            }
            ItemKind::Struct {
                name,
                generics,
                fields,
            }
            | ItemKind::Layout {
                name,
                generics,
                fields,
            } => {
                names.upper(name, "a type").generics(generics);
                names.fields(fields);
            }
            ItemKind::Enum {
                name,
                generics,
                variants,
            } => {
                names.upper(name, "a type").generics(generics);
                names.variants(variants);
            }
            ItemKind::Table(table) => {
                names.upper(&table.name, "a table");
                for member in &table.members {
                    match member {
                        TableMember::Key { name, .. } => names.lower(name, "a key"),
                        TableMember::Field(field) => names.fields(std::slice::from_ref(field)),
                        TableMember::Index { name, .. } => names.lower(name, "an index"),
                        _ => {}
                    }
                }
            }
            ItemKind::Job(job) => {
                names.lower(&job.name, "a job");
                job.params
                    .iter()
                    .for_each(|param| names.lower(&param.name, "a parameter"));
            }
            ItemKind::State { name, .. } => names.lower(name, "a state"),
            ItemKind::Aggregate { name, .. } => names.lower(name, "an aggregate"),
            ItemKind::Role { name } => names.lower(name, "a role"),
            ItemKind::Error { name, variants } => {
                names.upper(name, "an error");
                names.variants(variants);
            }
            ItemKind::Event { name, fields } => {
                names.upper(name, "an event");
                names.fields(fields);
            }
            ItemKind::Callable(callable) => {
                names.lower(&callable.name, "a function");
                names.generics(&callable.generics);
                names.params(&callable.params);
            }
            ItemKind::Property { params, .. } => names.params(params),
        }
    }
}

struct Names<'a> {
    diagnostics: &'a mut Diagnostics,
}

impl Names<'_> {
    fn upper(&mut self, name: &Name, what: &str) -> &mut Self {
        if name
            .text
            .starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        {
            let mut words = name.text.split('_').filter(|word| !word.is_empty());
            let better: String = words.by_ref().map(capitalised).collect();
            self.wrong(
                name,
                format!("the name of {what} begins with an upper-case letter"),
                better,
            );
        }
        self
    }

    fn lower(&mut self, name: &Name, what: &str) {
        if name.text.starts_with(|c: char| c.is_ascii_uppercase()) {
            let mut better = String::new();
            for (at, c) in name.text.char_indices() {
                if c.is_ascii_uppercase() && at > 0 && !better.ends_with('_') {
                    better.push('_');
                }
                better.push(c.to_ascii_lowercase());
            }
            self.wrong(
                name,
                format!("the name of {what} begins with a lower-case letter"),
                better,
            );
        }
    }

    /// A constant with lower-case letters would read as a type, or bind in a pattern where it was meant to compare.
    fn capitals(&mut self, name: &Name) {
        if !name.text.contains(|c: char| c.is_ascii_lowercase()) {
            return;
        }
        let mut better = String::new();
        let mut was_lower = false;
        for c in name.text.chars() {
            if c.is_ascii_uppercase() && was_lower {
                better.push('_');
            }
            was_lower = c.is_ascii_lowercase();
            better.push(c.to_ascii_uppercase());
        }
        let message = "the name of a constant is all capitals";
        self.wrong(name, message.to_string(), better);
    }

    fn wrong(&mut self, name: &Name, message: String, better: String) {
        let diagnostic = Diagnostic::error(codes::BAD_NAME_CASE, name.span, message);
        let is_useful = better.starts_with(|c: char| c.is_ascii_alphabetic());
        self.diagnostics.push(if is_useful {
            diagnostic.with_hint(format!("write `{better}`"))
        } else {
            diagnostic
        });
    }

    fn generics(&mut self, generics: &[Generic]) {
        for generic in generics {
            self.upper(&generic.name, "a type parameter");
        }
    }

    fn fields(&mut self, fields: &[Field]) {
        fields
            .iter()
            .for_each(|field| self.lower(&field.name, "a field"));
    }

    fn params(&mut self, params: &[Param]) {
        params
            .iter()
            .for_each(|param| self.lower(&param.name, "a parameter"));
    }

    fn variants(&mut self, variants: &[Variant]) {
        for variant in variants {
            self.upper(&variant.name, "a variant");
            match &variant.payload {
                Payload::None => {}
                Payload::Tuple(parts) => parts
                    .iter()
                    .filter_map(|(name, _)| name.as_ref())
                    .for_each(|name| self.lower(name, "a field")),
                Payload::Record(fields) => self.fields(fields),
            }
        }
    }
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_ascii_uppercase() + rest
}
