//! Finding what a name means, and the name that was probably meant.

use crate::world::{Symbol, World};
use rc_diagnostics::codes;
use rc_syntax::ast::Name;

impl World<'_> {
    /// Looks in the module itself, then in what it uses.
    pub fn find(&self, module: usize, name: &str) -> Option<Symbol> {
        let module = &self.modules[module];
        let found = module.names.get(name).map(|(symbol, _)| *symbol);
        found.or_else(|| {
            module
                .imports
                .iter()
                .filter(|import| import.has(name))
                .find_map(|import| self.modules[import.module].names.get(name))
                .map(|(symbol, _)| *symbol)
        })
    }

    /// A name inside a used (or, in the standard library, any) module: `tree.find`.
    pub fn find_in_module(&self, from: usize, module: &str, name: &str) -> Option<Symbol> {
        let named = |index: &usize| {
            let known = self.modules[*index].name.as_str();
            *index != from && known.strip_prefix("std.").unwrap_or(known) == module
        };
        let imports = self.modules[from].imports.iter();
        let mut used = imports
            .filter(|import| import.has(name))
            .map(|import| import.module);
        let index = match self.is_std(from) {
            true => (0..self.modules.len())
                .filter(|index| self.is_std(*index))
                .find(named)?,
            false => used.find(named)?,
        };
        self.modules[index]
            .names
            .get(name)
            .map(|(symbol, _)| *symbol)
    }

    /// The visible name nearest to `name` among those that `wanted` accepts.
    pub fn near(
        &self,
        module: usize,
        name: &str,
        wanted: impl Fn(Symbol) -> bool,
    ) -> Option<String> {
        let own = &self.modules[module];
        let used = own.imports.iter().flat_map(|import| {
            let names = self.modules[import.module].names.iter();
            names.filter(|(text, _)| import.has(text))
        });
        let names = own
            .names
            .iter()
            .chain(used)
            .filter(|(_, (symbol, _))| wanted(*symbol))
            .map(|(text, _)| &**text);
        nearest(name, names)
    }

    pub fn unknown_type(&mut self, module: usize, name: &Name) {
        let types = |symbol| {
            matches!(
                symbol,
                Symbol::Alias(_)
                    | Symbol::Struct(_)
                    | Symbol::Enum(_)
                    | Symbol::Layout(_)
                    | Symbol::Table(_)
            )
        };
        let builtin = BUILTIN_TYPES.iter().copied();
        let near = nearest(&name.text, builtin).or_else(|| self.near(module, &name.text, types));
        let near = near.or_else(|| familiar_type(&name.text).map(str::to_string));
        self.error(
            codes::UNKNOWN_TYPE,
            name.span,
            format!("there is no type `{}`", name.text),
        )
        .label("not known here")
        .hint_if(near.map(|near| format!("did you mean `{near}`?")));
    }
}

const BUILTIN_TYPES: &[&str] = &[
    "bool", "u8", "u16", "u32", "u64", "u128", "i8", "i16", "i32", "i64", "i128", "f64", "time",
    "duration", "string", "bytes", "list",
];

/// What other languages call a type of ours.
fn familiar_type(name: &str) -> Option<&'static str> {
    Some(match name {
        "int" | "Int" | "integer" | "long" | "number" | "usize" => "u64",
        "String" | "str" | "Str" | "text" => "string<64>",
        "Bool" | "boolean" | "Boolean" => "bool",
        "float" | "double" | "Float" => "f64",
        "Vec" | "List" | "array" | "Array" => "list<T, 100>",
        "Option" | "Optional" => "T?",
        "DateTime" | "Timestamp" | "timestamp" | "Date" | "Time" => "time",
        "Duration" | "Interval" => "duration",
        _ => return None,
    })
}

/// The candidate with the smallest edit distance, within a third of the name's length; ties go by alphabet.
pub(crate) fn nearest<'n>(name: &str, candidates: impl Iterator<Item = &'n str>) -> Option<String> {
    let limit = (name.chars().count() / 3).max(1);
    let close = candidates.filter(|candidate| candidate.len().abs_diff(name.len()) <= limit * 4);
    let scored = close.map(|candidate| (distance(name, candidate, limit), candidate));
    let best = scored.filter(|(far, _)| *far <= limit).min()?;
    Some(best.1.to_string())
}

/// Edits (insert, delete, replace, swap of neighbours) from one to the other, ignoring case; gives up above `limit`.
fn distance(left: &str, right: &str, limit: usize) -> usize {
    let left: Vec<char> = left.chars().flat_map(char::to_lowercase).collect();
    let right: Vec<char> = right.chars().flat_map(char::to_lowercase).collect();
    if left.len().abs_diff(right.len()) > limit {
        return limit + 1;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let mut cost = (last[j] + usize::from(a != b))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_near_name_is_proposed_and_a_far_one_is_not() {
        let names = ["balance", "owner", "opened_at"];
        assert_eq!(
            nearest("balence", names.into_iter()),
            Some("balance".into())
        );
        assert_eq!(nearest("onwer", names.into_iter()), Some("owner".into()));
        assert_eq!(nearest("colour", names.into_iter()), None);
    }
}
