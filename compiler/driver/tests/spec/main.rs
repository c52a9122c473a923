//! The specification is a test: every `rc` block of `lang-spec/*.md` and `lang-spec/errors/*.md` is compiled.
//!
//! A block marked `rc` is a whole package: its diagnostics are exactly those that its comments announce, by code and
//! line (`// error: E0312`; `// error-above: E0102` where the line itself cannot hold a comment), and none where
//! nothing is announced (`// error: E0312 at "a"` says what the message points at). `// type: u8` is the type of the name that is
//! bound on its line. `// cost: steps <= 40` on a header line bounds what is proven. `rc,fragment` parses, as
//! statements or as declarations. `rc,std=ordered` is text of that module of the standard library, to the letter.
//! Always true: a block with another mark fails, so none is left out by a slip.

mod blocks;
mod grammar;

use blocks::{Block, blocks, folder, pages_in};
use rc_diagnostics::codes;
use rc_driver::{Compiled, Options, Package, STDLIB, compile_with};
use rc_source::Sources;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Codes that no block can show: they are about files, manifests, sizes, or the standard library's own code.
const NOT_SHOWN_BY_A_BLOCK: &[&str] = &[
    "E0107", "E0115", "E0210", "E0221", "E0602", "E0702", "E0703", "E0704", "E0901", "E0902",
    "E0904",
];

/// Codes without a page. It only gets shorter.
const WITHOUT_A_PAGE: &[&str] = &[];

/// What the prices of the edition are.
const PRICES: &str = include_str!("../../../../runtime/bytecode/tests/price.txt");

/// What is wrong with a block; nothing where it holds.
fn problems(block: &Block) -> Vec<String> {
    match block.mark.as_str() {
        "rc" => whole_package(&block.text),
        "rc,fragment" => fragment(&block.text),
        "text,price" if block.text != PRICES => {
            vec!["this is not the snapshot of prices, runtime/bytecode/tests/price.txt".into()]
        }
        "text" | "text,price" | "json" | "sh" | "ebnf" | "toml" | "http" => Vec::new(),
        mark => match mark.strip_prefix("rc,std=") {
            Some(module) => from_the_standard_library(module, &block.text),
            None => vec![format!("a block marked `{mark}`: nothing would check it")],
        },
    }
}

fn compiled(text: &str) -> Compiled {
    let package = Package::from_texts("", [("block.rc".to_string(), text.to_string())]);
    compile_with(
        &package,
        Options {
            with_tests: true,
            ..Options::default()
        },
    )
}

fn whole_package(text: &str) -> Vec<String> {
    let compiled = compiled(text);
    let mut problems = Vec::new();
    let mut left: Vec<Announced> = announced(text);
    for diagnostic in compiled.diagnostics.iter() {
        let span = diagnostic.primary.span;
        let file = compiled.sources.file(span.file);
        let line = file.position(span.start).line;
        let code = diagnostic.code.to_string();
        let marked = compiled.sources.text_of(span);
        let is_it = |wanted: &Announced| {
            let place = wanted.marked.as_ref().is_none_or(|text| text == marked);
            wanted.line == line && wanted.code == code && place
        };
        match left.iter().position(is_it) {
            Some(at) if file.name == "block.rc" => drop(left.remove(at)),
            _ => problems.push(format!(
                "{}:{line} says {} {}",
                file.name, diagnostic.code, diagnostic.message
            )),
        }
    }
    problems.extend(left.iter().map(|wanted| {
        let Announced { line, code, marked } = wanted;
        let place = marked
            .as_ref()
            .map_or(String::new(), |text| format!(" at `{text}`"));
        format!("line {line} announces {code}{place}, and nothing says it")
    }));
    problems.extend(costs(text, &compiled));
    problems.extend(types(text, &compiled));
    problems
}

/// A diagnostic that a comment announces.
struct Announced {
    /// From 1.
    line: u32,
    code: String,
    /// The text that the message must point at, where the comment says so.
    marked: Option<String>,
}

/// `// error: E0301, E0302` or, with what the message points at, `// error: E0301 at "amount"`.
fn announced(text: &str) -> Vec<Announced> {
    let mut found = Vec::new();
    for (at, line) in (1u32..).zip(text.lines()) {
        for (mark, above) in [("// error: ", 0), ("// error-above: ", 1)] {
            let Some((_, said)) = line.split_once(mark) else {
                continue;
            };
            let (codes, marked) = match said.split_once(" at \"") {
                Some((codes, rest)) => (
                    codes,
                    rest.rsplit_once('"').map(|(text, _)| text.to_string()),
                ),
                None => (said, None),
            };
            found.extend(codes.split(',').map(|code| Announced {
                line: at - above,
                code: code.trim().to_string(),
                marked: marked.clone(),
            }));
        }
    }
    found
}

/// Checks `// type: list<u64, 4>` against the type of the one name that is bound on that line.
fn types(text: &str, compiled: &Compiled) -> Vec<String> {
    let mut problems = Vec::new();
    for (at, line) in (1u32..).zip(text.lines()) {
        let Some((_, wanted)) = line.split_once("// type: ") else {
            continue;
        };
        let program = &compiled.program;
        let bodies = program.callables.iter().map(|callable| &callable.locals);
        let bound: Vec<String> = bodies
            .chain(program.tests.iter().map(|test| &test.locals))
            .flatten()
            .filter(|local| {
                let file = compiled.sources.file(local.span.file);
                file.name == "block.rc" && file.position(local.span.start).line == at
            })
            .map(|local| rc_check::show_type(program, &local.ty))
            .collect();
        if bound != [wanted.trim()] {
            problems.push(format!(
                "line {at} announces the type {}, and has {bound:?}",
                wanted.trim()
            ));
        }
    }
    problems
}

/// Checks `// cost: steps <= 40, pages_read <= 3` against what is proven of the callable whose header stands there.
fn costs(text: &str, compiled: &Compiled) -> Vec<String> {
    let mut problems = Vec::new();
    for (at, line) in (1u32..).zip(text.lines()) {
        let Some((_, limits)) = line.split_once("// cost: ") else {
            continue;
        };
        let Some(lowered) = &compiled.lowered else {
            problems.push(format!("line {at} announces a cost of what does not build"));
            continue;
        };
        let proven = lowered.proven.iter().find(|proven| {
            let span = compiled.program.callables[proven.callable.0 as usize].span;
            let file = compiled.sources.file(span.file);
            file.name == "block.rc" && file.position(span.start).line == at
        });
        let Some(proven) = proven else {
            problems.push(format!(
                "line {at} announces a cost, and no header stands there"
            ));
            continue;
        };
        for limit in limits.split(',') {
            let (name, most) = limit.split_once("<=").expect("`dimension <= number`");
            let most: u64 = most.trim().replace('_', "").parse().expect("a number");
            let cost = dimension(&proven.cost, name.trim());
            match cost {
                Some(cost) if cost <= most => {}
                Some(cost) => problems.push(format!("line {at}: {} is {cost}", name.trim())),
                None => problems.push(format!(
                    "line {at}: there is no dimension `{}`",
                    name.trim()
                )),
            }
        }
    }
    problems
}

fn dimension(cost: &rc_bytecode::Cost, name: &str) -> Option<u64> {
    if name == "pages" {
        return Some(cost.pages_read + cost.pages_written);
    }
    let dimensions = cost.dimensions();
    dimensions
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| *value)
}

fn fragment(text: &str) -> Vec<String> {
    let readings = [
        format!("package p\n\nfn f() {{\n{text}\n}}\n"),
        format!("package p\n\n{text}\n"),
    ];
    let mut messages = Vec::new();
    for reading in readings {
        let file = Sources::new().add("fragment.rc", reading.as_str());
        let parsed = rc_syntax::parse(file, &reading);
        if parsed.diagnostics.is_empty() {
            return Vec::new();
        }
        messages.extend(
            parsed
                .diagnostics
                .iter()
                .map(|found| format!("does not parse: {} {}", found.code, found.message)),
        );
    }
    messages
}

fn from_the_standard_library(module: &str, text: &str) -> Vec<String> {
    match STDLIB.iter().find(|(name, _)| *name == module) {
        Some((_, source)) if source.contains(text) => Vec::new(),
        Some(_) => vec![format!("this is not text of stdlib/{module}.rc")],
        None => vec![format!("there is no stdlib/{module}.rc")],
    }
}

fn check_all(folder: &Path) -> usize {
    let mut failures = String::new();
    let mut seen = 0;
    for path in pages_in(folder) {
        for block in blocks(&path) {
            seen += usize::from(block.mark.starts_with("rc"));
            for problem in problems(&block) {
                failures.push_str(&format!("{}:{}: {problem}\n", block.file, block.line));
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
    seen
}

#[test]
fn the_chapters_hold() {
    assert!(check_all(&folder()) >= 20, "the chapters have examples");
}

#[test]
fn the_pages_of_the_codes_hold() {
    assert!(
        check_all(&folder().join("errors")) >= 100,
        "each page shows a mistake and its repair"
    );
}

#[test]
fn each_page_shows_its_own_code_and_a_repair() {
    for path in pages_in(&folder().join("errors")) {
        let code = path
            .file_stem()
            .expect("a file")
            .to_string_lossy()
            .into_owned();
        let title = codes::all()
            .find(|(known, _)| known.to_string() == code)
            .map(|(_, title)| title);
        let title = title.unwrap_or_else(|| panic!("{code} is not registered"));
        let text = fs::read_to_string(&path).expect("a readable page");
        assert_eq!(text.lines().next(), Some(&*format!("# {code}: {title}")));
        if NOT_SHOWN_BY_A_BLOCK.contains(&&*code) {
            continue;
        }
        let blocks: Vec<Block> = blocks(&path)
            .into_iter()
            .filter(|block| block.mark == "rc")
            .collect();
        let shows = blocks.iter().any(|block| {
            announced(&block.text)
                .iter()
                .any(|shown| shown.code == code)
        });
        let repairs = blocks.iter().any(|block| announced(&block.text).is_empty());
        assert!(shows, "{code} has no block that announces it");
        assert!(repairs, "{code} has no repaired block");
    }
}

#[test]
fn every_code_has_a_page() {
    let there: BTreeSet<String> = pages_in(&folder().join("errors"))
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    let missing: Vec<String> = codes::all()
        .map(|(code, _)| code.to_string())
        .filter(|code| !there.contains(code))
        .collect();
    assert_eq!(missing, WITHOUT_A_PAGE);
}

/// What would let a wrong page pass: each of these planted assertions must be caught.
#[test]
fn a_planted_wrong_assertion_fails() {
    let block = |mark: &str, text: &str| Block {
        file: "planted.md".into(),
        line: 1,
        mark: mark.into(),
        text: text.into(),
    };
    let sound = "package p\n\nquery one() -> u64 allow anyone { 1 } // cost: steps <= 1_000\n";
    assert_eq!(problems(&block("rc", sound)), Vec::<String>::new());
    let wrong = [
        (
            "rc",
            sound.replace("// cost: steps <= 1_000", "// error: E0301"),
        ),
        ("rc", sound.replace("1_000", "1")),
        ("rc", sound.replace("steps", "stepz")),
        ("rc", sound.replace("{ 1 }", "{ true }")),
        (
            "rc",
            "package p\n\nstate a: u8 = 256 // error: E0301\n".to_string(),
        ),
        (
            "rc",
            "package p\n\nstate a: u8 = 256\n// error: E0303\n".to_string(),
        ),
        (
            "rc",
            "package p\n\nstate a: u8 = 256 // error: E0303 at \"a\"\n".to_string(),
        ),
        (
            "rc",
            "package p\n\nfn f() -> u64 {\n    let x: u8 = 1 // type: u64\n    x as u64\n}\n"
                .to_string(),
        ),
        ("rc,fragment", "let = 5".to_string()),
        ("rc,std=ordered", "fn insert() { }".to_string()),
        ("text,price", "const u64 steps=2".to_string()),
        ("rust", String::new()),
    ];
    for (mark, text) in wrong {
        assert!(
            !problems(&block(mark, &text)).is_empty(),
            "passes, and should not: {mark} {text}"
        );
    }
}

#[test]
fn the_chapters_leave_no_word_and_no_rule_out() {
    let chapter = |name: &str| fs::read_to_string(folder().join(name)).expect("the chapter");
    let lexical = chapter("01-lexical.md");
    let listed: BTreeSet<&str> = lexical
        .split(|c: char| !c.is_ascii_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    let missing: Vec<&str> = rc_syntax::WORDS
        .iter()
        .filter(|(word, kind)| *kind != rc_syntax::Word::Generic && !listed.contains(word))
        .map(|(word, _)| *word)
        .collect();
    assert!(
        missing.is_empty(),
        "words that chapter 1 does not list: {missing:?}"
    );

    let grammar = blocks(&folder().join("13-grammar.md"))
        .into_iter()
        .find(|block| block.mark == "ebnf")
        .expect("the grammar");
    let rules: BTreeSet<&str> = grammar
        .text
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter_map(|line| {
            Some(
                line.split_once(" = ")
                    .or_else(|| line.split_once('='))?
                    .0
                    .trim(),
            )
        })
        .collect();
    let terminals = [
        "name", "sep", "nl", "string", "integer", "float", "duration", "bytes", "constant",
    ];
    // In prose: `unary operations by the table of chapter 5`, `an expr without …`.
    let prose = |line: &str| line.starts_with("operand") || line.starts_with("head");
    for line in grammar.text.lines().filter(|line| !prose(line)) {
        let unquoted: String = line.split('"').step_by(2).collect::<Vec<_>>().join(" ");
        for word in unquoted.split(|c: char| !c.is_ascii_alphabetic()) {
            let is_rule = word.starts_with(|c: char| c.is_ascii_lowercase());
            assert!(
                !is_rule || rules.contains(word) || terminals.contains(&word),
                "the grammar uses `{word}` and does not define it: {line}"
            );
        }
    }
}

/// A block of the standard library may be a part; the worked example is the whole function.
#[test]
fn the_worked_example_is_the_whole_insert() {
    let (_, source) = STDLIB
        .iter()
        .find(|(name, _)| *name == "ordered")
        .expect("the module");
    let begin = source.find("fn insert<").expect("the insert");
    let end = begin + source[begin..].find("\n}\n").expect("its end") + 3;
    let chapter = fs::read_to_string(folder().join("10-low-level.md")).expect("the chapter");
    assert!(chapter.contains(&source[begin..end]));
}
