//! Which forms of the grammar the generated packages show: the forms are those of `lang-spec/INDEX.md`, found in the tree of a text.
//!
//! Always true: a form is either looked for or left out with a reason; none is silently absent.

use rc_source::Sources;
use std::collections::BTreeMap;

/// Parts that a line of the printed tree has, in any order; one with `^` in front begins it.
type Sign = &'static [&'static str];

/// Rule of the grammar's chapter, form, and what shows it in a generated package.
pub const FORMS: &[(&str, &str, Sign)] = &[
    ("file", "package", &["^file generated"]),
    ("item", "documented", &[" [\""]),
    ("alias", "type", &["^type "]),
    ("struct", "struct", &["^struct Struct"]),
    ("enum", "enum", &["^enum "]),
    ("error", "error", &["^error "]),
    ("event", "event", &["^event "]),
    ("state", "state", &["^state "]),
    ("state", "state with a default", &["^state ", " = "]),
    ("const", "const", &["^const "]),
    ("role", "role", &["^role "]),
    ("retire", "retire", &["^retire "]),
    ("version", "version of a command", &["^command ", "@2("]),
    ("generics", "generics", &["<T"]),
    ("field", "field with a default", &["^f", ": ", " = "]),
    ("variant", "variant with parts", &["^Variant", "("]),
    ("variant", "variant with fields", &["^Variant", " {"]),
    ("part", "named part", &["^Failure", "(f", ": "]),
    ("table", "table", &["^table "]),
    ("table", "capacity", &["^table ", " capacity "]),
    ("member", "key", &["^key "]),
    ("member", "ordered key", &["^key ", " ordered"]),
    ("member", "dense key", &["^key ", " dense"]),
    ("member", "index", &["^index "]),
    ("member", "unique", &["^unique "]),
    ("member", "invariant of a table", &["^invariant (", " f"]),
    ("member", "on delete", &["^on delete "]),
    ("aggregate", "sum", &["^aggregate ", " = sum("]),
    ("aggregate", "count", &["^aggregate ", " = count("]),
    ("aggregate", "by a field", &["^aggregate ", " by "]),
    ("invariant", "invariant", &["^invariant ", "total"]),
    ("invariant", "for each group", &["^invariant for "]),
    ("callable", "command", &["^command "]),
    ("callable", "query", &["^query "]),
    ("callable", "report", &["^report "]),
    ("callable", "fn", &["^fn function"]),
    ("callable", "result", &["^query ", " -> "]),
    ("job", "job", &["^job "]),
    ("param", "parameter", &["^command ", ": "]),
    ("clause", "fails", &["^fails "]),
    ("clause", "allow", &["^allow "]),
    ("clause", "cost", &["^cost "]),
    ("type", "optional", &["^f", "?"]),
    ("basic", "named", &[": u64"]),
    ("basic", "tuple", &[": ("]),
    ("arguments", "arguments", &["list<"]),
    ("block", "block", &["{"]),
    ("statement", "let", &["let v"]),
    ("statement", "let with a type", &["let v", ": "]),
    ("statement", "let else", &["let row", " else "]),
    ("statement", "var", &["var v"]),
    ("statement", "ensure", &["ensure "]),
    ("statement", "fail", &["fail "]),
    ("statement", "emit", &["emit "]),
    ("statement", "for", &["for "]),
    ("statement", "take", &[" take "]),
    ("statement", "max", &[" max "]),
    ("statement", "return", &["return"]),
    ("statement", "break", &["break"]),
    ("statement", "continue", &["continue"]),
    ("statement", "start", &["start job"]),
    ("statement", "assignment", &[" = "]),
    ("statement", "operator and assignment", &[" += "]),
    ("statement", "assignment with else", &[" otherwise "]),
    ("expr", "range", &["(range "]),
    ("expr", "inclusive range", &["(range= "]),
    ("operand", "or", &["(|| "]),
    ("operand", "and", &["(&& "]),
    ("operand", "comparison", &["(== "]),
    ("operand", "otherwise", &["(?? "]),
    ("operand", "sum", &["(+ "]),
    ("operand", "product", &["(* "]),
    ("unary", "negation", &["(neg "]),
    ("unary", "not", &["(not "]),
    ("unary", "attempt", &["(attempt "]),
    ("unary", "as type", &["(as "]),
    ("postfix", "member", &["(. "]),
    ("postfix", "call", &["(call "]),
    ("postfix", "index", &["(index "]),
    ("argument", "bare record", &["({"]),
    ("atom", "tuple", &["(tuple "]),
    ("record", "named record", &["Struct", "{f"]),
    ("record", "with type arguments", &["Pair<B, A>{"]),
    ("list", "list", &["["]),
    ("list", "comprehension", &["[", " for each"]),
    ("if", "if", &["(if "]),
    ("if", "if let", &["(if let "]),
    ("if", "else", &["(if ", " else "]),
    ("match", "match", &["(match "]),
    ("match", "guard", &["(match ", " if (", ") => "]),
    ("literal", "integer", &["1"]),
    ("literal", "float", &[".25"]),
    ("literal", "duration", &["ms"]),
    ("literal", "string", &["\""]),
    ("literal", "bytes", &["bytes["]),
    ("literal", "bool", &["true"]),
    ("pattern", "several forms", &["(or "]),
    ("form", "wildcard", &["_ => "]),
    ("form", "literal range", &["(range= ", ") => "]),
    ("form", "variant", &["(match ", "{Variant"]),
    ("form", "variant with parts", &["Variant", "(v"]),
    ("form", "variant with fields", &["Variant", "{f"]),
    ("form", "rest", &["..}"]),
    ("form", "tuple", &["for (each"]),
];

/// Forms that no generated package has, and why.
pub const LEFT_OUT: &[(&str, &str, &str)] = &[
    ("attribute", "attribute", "refused in this edition"),
    (
        "table",
        "from an older version",
        "a package is generated in one version; `evolution.rs` migrates",
    ),
    (
        "member",
        "migrate",
        "a package is generated in one version; `evolution.rs` migrates",
    ),
    (
        "use",
        "use",
        "a package is generated alone; `rcc test stdlib/packages` runs others",
    ),
    (
        "layout",
        "layout",
        "the low-level part; every table runs the library's own",
    ),
    (
        "atom",
        "touch",
        "the low-level part; every table runs the library's own",
    ),
    ("test", "test", "tests call, and are not called"),
    ("property", "property", "tests call, and are not called"),
    ("statement", "as role", "tests only"),
    ("actor", "role", "tests only"),
    ("actor", "caller", "tests only"),
    ("statement", "assert", "tests only"),
    ("statement", "advance", "tests only"),
    ("statement", "expect", "tests only"),
    (
        "statement",
        "step",
        "tests only; here the harness calls the steps",
    ),
];

/// How many packages show each form of [`FORMS`].
#[derive(Clone, Debug, Default)]
pub struct Shown(BTreeMap<usize, u64>);

impl Shown {
    /// Looks through a package's text.
    pub fn add(&mut self, text: &str) {
        let file = Sources::new().add("generated.rc", text);
        let tree = rc_syntax::dump::dump(&rc_syntax::parse(file, text).file);
        let lines: Vec<&str> = tree.lines().map(str::trim_start).collect();
        for (number, (_, _, sign)) in FORMS.iter().enumerate() {
            if lines.iter().any(|line| shows(sign, line)) {
                *self.0.entry(number).or_default() += 1;
            }
        }
    }

    /// Forms that no package has shown.
    pub fn missing(&self) -> Vec<String> {
        let unseen = |number: &usize| !self.0.contains_key(number);
        (0..FORMS.len())
            .filter(unseen)
            .map(|number| format!("{}: {}", FORMS[number].0, FORMS[number].1))
            .collect()
    }

    /// For people: each form with the number of packages that show it.
    pub fn list(&self) -> Vec<String> {
        let count = |number: usize| self.0.get(&number).copied().unwrap_or(0);
        let forms = FORMS.iter().enumerate();
        forms
            .map(|(number, (rule, form, _))| format!("{rule}/{form} {}", count(number)))
            .collect()
    }
}

fn shows(sign: Sign, line: &str) -> bool {
    sign.iter().all(|part| match part.strip_prefix('^') {
        Some(start) => line.starts_with(start),
        None => line.contains(part),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_forms_are_those_of_the_index() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../lang-spec/INDEX.md");
        let index = std::fs::read_to_string(path).expect("the index");
        let rows = index.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            let rule = cells.next()?.trim_end_matches('`').to_string();
            Some((rule, cells.next()?.to_string()))
        });
        let wanted: BTreeSet<(String, String)> = rows.collect();
        let own = FORMS.iter().map(|(rule, form, _)| (*rule, *form));
        let left_out = LEFT_OUT.iter().map(|(rule, form, _)| (*rule, *form));
        let known: BTreeSet<(String, String)> = own
            .chain(left_out)
            .map(|(rule, form)| (rule.to_string(), form.to_string()))
            .collect();
        assert_eq!(known, wanted, "forms here, forms of the index");
    }

    #[test]
    fn an_empty_package_shows_next_to_nothing() {
        let mut shown = Shown::default();
        shown.add("package generated\n");
        assert_eq!(shown.0.len(), 1, "{:?}", shown.list());
    }
}
