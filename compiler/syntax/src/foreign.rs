//! Words of other languages, and what is written here instead. Always true: none of them is a word of this language's
//! in the place in which it is looked up.

use crate::words::WORDS;
use rc_diagnostics::nearest;

/// What to write in place of a word: the hint, and the text that may be pasted over the word.
pub(crate) type Instead = (&'static str, Option<&'static str>);

/// Where a declaration should begin.
pub(crate) fn declaration(word: &str) -> Option<Instead> {
    Some(match word.to_ascii_lowercase().as_str() {
        "function" | "func" | "def" | "fun" | "proc" | "procedure" | "sub" | "fnc" => (
            "write `fn`, or `command` or `query` for what is called from outside",
            Some("fn"),
        ),
        "method" | "mutation" | "endpoint" | "route" | "handler" | "action" | "transaction"
        | "rpc" | "update" | "post" | "instruction" | "entry" => (
            "what is called from outside and changes data is a `command`",
            Some("command"),
        ),
        "view" | "get" | "select" | "read" => (
            "what is called from outside and only reads is a `query`",
            Some("query"),
        ),
        "class" | "interface" | "record" | "object" | "message" | "dataclass" | "model" => (
            "a plain value is a `struct`, and rows that are kept are a `table`",
            Some("struct"),
        ),
        "typedef" | "typealias" | "newtype" => ("write `type Name = T`", Some("type")),
        "union" | "variant" | "sealed" | "oneof" => {
            ("one of several forms is an `enum`", Some("enum"))
        }
        "exception" | "errors" => ("write `error`", Some("error")),
        "import" | "include" | "require" | "using" | "extern" | "load" => (
            "a module of the standard library is asked for by `use std.name`",
            None,
        ),
        "contract" | "module" | "namespace" | "service" | "mod" | "library" | "actor"
        | "program" => (
            "a package has no outer block: `package name` stands at the top of each file",
            None,
        ),
        "pub" | "public" | "export" | "private" | "async" | "static" | "external" | "internal"
        | "default" | "abstract" | "final" | "open" | "override" | "inline" => (
            "leave the word out: `allow` says who may call a command, and a `fn` is seen by its package alone",
            Some(""),
        ),
        "trait" | "impl" | "protocol" | "extension" | "extend" | "implements" | "extends" => (
            "there are no methods to declare: write a `fn` that takes the value",
            None,
        ),
        "let" | "var" | "val" | "auto" | "global" | "mut" | "storage" => {
            ("a value at top level is a `state` or a `const`", None)
        }
        "mapping" | "map" | "dict" | "hashmap" | "collection" | "store" | "entity" | "relation" => {
            ("rows by key are a `table`", Some("table"))
        }
        "create" | "alter" | "drop" => ("write `table Name { key id: u64 }`", None),
        "describe" | "it" | "spec" => ("write `test \"what it shows\" { … }`", Some("test")),
        "insert" | "delete" | "upsert" => ("rows are written inside a `command`", None),
        "modifier" | "permission" | "policy" | "group" => (
            "write `role name`, and `allow name` in a header",
            Some("role"),
        ),
        "while" | "loop" | "for" | "if" | "match" | "return" | "print" | "assert" | "ensure"
        | "emit" | "fail" => (
            "statements stand in the body of a `command`, `query`, `fn` or `test`",
            None,
        ),
        _ => return None,
    })
}

/// The declaring word that was probably meant.
pub(crate) fn near_declaration(word: &str) -> Option<String> {
    let declaring = WORDS
        .iter()
        .map(|(word, _)| *word)
        .filter(|word| crate::words::classify(word).starts_declaration());
    nearest(word, declaring)
}

/// At the beginning of a statement, when the line cannot be read.
pub(crate) fn statement(word: &str) -> Option<Instead> {
    Some(match word {
        "while" | "loop" | "do" | "until" | "repeat" => {
            ("every loop is bounded: `for i in 0..n max 64 { … }`", None)
        }
        "foreach" => ("write `for x in xs { … }`", Some("for")),
        "switch" | "when" | "select" => (
            "write `match value { pattern => …, _ => … }`",
            Some("match"),
        ),
        "case" => ("an arm is written `pattern => value`", Some("")),
        "throw" | "raise" | "revert" | "panic" | "abort" | "throws" => {
            ("write `fail`", Some("fail"))
        }
        "try" => (
            "a failure ends the command and undoes it: leave `try` and `catch` out",
            None,
        ),
        "catch" | "except" | "finally" | "rescue" => (
            "a failure ends the command and undoes it: there is nothing to catch",
            None,
        ),
        "unless" => ("write `if !c { … }`, or `ensure c else Failure`", None),
        "elif" | "elsif" | "elseif" => ("write `else if`", Some("else if")),
        "print" | "echo" | "println" | "log" => (
            "nothing is printed: `emit` an event, or return the value",
            None,
        ),
        "def" | "func" | "function" | "class" | "fn" => {
            ("declarations stand at top level, not in a body", None)
        }
        "const" | "val" | "auto" | "final" => ("write `let`", Some("let")),
        "await" | "yield" | "async" | "go" | "defer" | "new" | "unsafe" => {
            ("leave the word out", Some(""))
        }
        "del" | "delete" | "remove" => ("write `Table.delete(key)`", None),
        "insert" => ("write `Table.insert({ … })`", None),
        "update" => (
            "write `let row = Table.get(key) else …`, then `row.field = value`",
            None,
        ),
        "pass" => ("an empty block is `{}`", None),
        "require" | "assume" | "guard" | "check" => ("write `ensure condition else Failure`", None),
        "not" => ("write `!`", None),
        "goto" => (
            "there are no jumps but `break`, `continue` and `return`",
            None,
        ),
        _ => return None,
    })
}

/// In the middle of an expression or header.
pub(crate) fn inside(word: &str) -> Option<Instead> {
    Some(match word {
        "and" | "AND" => ("write `&&`", Some("&&")),
        "or" | "OR" => ("write `||`", Some("||")),
        "NOT" => ("write `!`", Some("!")),
        "is" => ("compare with `==`", Some("==")),
        "isnt" => ("compare with `!=`", Some("!=")),
        "mod" => ("write `%`", Some("%")),
        "div" => ("write `/`", Some("/")),
        "elif" | "elsif" | "elseif" => ("write `else if`", Some("else if")),
        "of" => ("write `in`", Some("in")),
        "limit" | "LIMIT" | "first" | "top" => ("write `take 10`", Some("take")),
        "order" | "ORDER" | "sort" | "sorted" | "orderby" => {
            ("rows come in the order of the `index` that is walked", None)
        }
        "returns" | "RETURNS" => ("write `->`", Some("->")),
        "throws" | "raises" => ("write `fails`", Some("fails")),
        "seconds" | "second" | "secs" => ("a duration is a number with its unit: `5s`", None),
        "minutes" | "minute" | "mins" => ("a duration is a number with its unit: `5m`", None),
        "hours" | "hour" => ("a duration is a number with its unit: `5h`", None),
        "days" | "day" => ("a duration is a number with its unit: `5d`", None),
        "instanceof" | "typeof" | "isinstance" => ("an `enum` is taken apart by `match`", None),
        "public" | "external" | "view" | "pure" | "payable" | "private" | "internal"
        | "nonpayable" => ("leave the word out: `allow` says who may call", Some("")),
        _ => return None,
    })
}

/// In a table's body.
pub(crate) fn member(word: &str) -> Option<Instead> {
    Some(match word.to_ascii_lowercase().as_str() {
        "primary" | "pk" | "id" => ("write `key id: u64` as the first line of the table", None),
        "foreign" | "references" => (
            "keep the other row's key as a field, with an `index` on it",
            None,
        ),
        "constraint" | "check" => ("write `invariant balance >= 0`", None),
        "not" | "null" | "nullable" | "optional" => (
            "a field is never absent unless its type says so: `name: u64?`",
            None,
        ),
        "default" => ("write `name: u64 = 0`", None),
        "public" | "private" | "pub" | "let" | "var" | "const" | "readonly" | "mut" | "field"
        | "column" => ("a field is written `name: type`", Some("")),
        _ => return None,
    })
}
