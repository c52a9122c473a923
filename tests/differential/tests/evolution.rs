//! What a deploy may change: each line of the table in lang-spec chapter 14, deployed to an engine with the data that the
//! line speaks of. Always true: what is refused leaves the pages and the catalog as they were, and a second node that
//! replays the log answers the same.

use rc_canvas::{Canvas, CanvasOptions, PageShift};
use rc_driver::{Options, Package};
use rc_engine::{
    Applied, Batch, Call, Deploy, Engine, EngineOptions, Mode, Op, Principal, Refusal, Reply,
    SessionKey,
};

const CHAPTER: &str = include_str!("../../../lang-spec/14-interfaces.md");
const PAGE_SHIFT: u8 = 12;

fn canvas() -> Canvas {
    let shift = PageShift::new(PAGE_SHIFT).expect("a page size");
    Canvas::new(CanvasOptions {
        memory_bytes_max: 1 << 28,
        ..CanvasOptions::new(shift)
    })
    .expect("address space")
}

fn engine() -> Engine {
    let options = EngineOptions {
        cluster_id: 1,
        mode: Mode::Interpreter,
    };
    Engine::new(canvas(), options).expect("system regions")
}

/// A node and its log.
struct Node {
    engine: Engine,
    log: Vec<Vec<u8>>,
    replies: Vec<Reply>,
}

impl Node {
    fn new() -> Node {
        Node {
            engine: engine(),
            log: Vec::new(),
            replies: Vec::new(),
        }
    }

    fn apply(&mut self, op: Op) -> Reply {
        let batch = Batch {
            cluster_id: 1,
            base_op: self.engine.next_op(),
            now: 1_700_000_000_000_000_000,
            seed: 9,
            chain: self.engine.chain(),
            key_id: 0,
            ops: vec![op],
        };
        let mut encoded = Vec::new();
        batch.encode(&mut encoded);
        let mut applied = Applied::default();
        let done = self.engine.apply(&batch, &encoded, &mut applied);
        done.unwrap_or_else(|error| panic!("{error}"));
        self.log.push(encoded);
        self.replies.push(applied.replies[0].clone());
        applied.replies.remove(0)
    }

    fn deploy(&mut self, source: &str) -> Reply {
        let deploy = Deploy {
            expected_epoch: self.engine.epoch(),
            deployer: 0,
            module: module(source),
            source: Vec::new(),
        };
        self.apply(Op::Deploy(Box::new(deploy)))
    }

    /// By name, in the live module.
    fn call(&mut self, name: &str, arguments: Vec<u8>) -> Reply {
        let epoch = self.engine.epoch();
        let live = self.engine.deployment(epoch).expect("a live module");
        let commands = &live.module.module().interface.commands;
        let command = commands.iter().position(|command| command.name == name);
        let call = Call {
            epoch,
            command: command.unwrap_or_else(|| panic!("no {name}")) as u32,
            principal: Principal { id: 1, roles: 0 },
            session: SessionKey::None,
            arguments,
        };
        self.apply(Op::Call(call))
    }

    /// Another node over the same log.
    fn replayed(&self) -> Node {
        let mut other = Node::new();
        for encoded in &self.log {
            let batch = Batch::decode(encoded).expect("a batch");
            let mut applied = Applied::default();
            let done = other.engine.apply(&batch, encoded, &mut applied);
            done.unwrap_or_else(|error| panic!("{error}"));
            other.replies.extend(applied.replies);
        }
        other
    }
}

fn module(source: &str) -> Vec<u8> {
    let name = source
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("package "));
    let name = name.expect("a package's name");
    let package = Package::from_texts(name, [("life.rc".to_string(), source.to_string())]);
    let options = Options {
        page_shift: PAGE_SHIFT,
        with_tests: false,
    };
    let compiled = rc_driver::compile_with(&package, options);
    let Some(lowered) = compiled.lowered else {
        let text = rc_diagnostics::render::human(&compiled.sources, &compiled.diagnostics, false);
        panic!("{source}\n{text}");
    };
    rc_bytecode::encode(&lowered.module)
}

/// A line's declarations as a package, with a command that makes a row of `T`.
fn package(declarations: &str) -> String {
    let mut text = format!("package life\n\n{}\n", declarations.replace("; ", "\n"));
    if declarations.contains("table T ") {
        text += "command fill() allow anyone { T.put({ id: 1 }) }\n";
    } else {
        text += "command fill() allow anyone {}\n";
    }
    text
}

/// What a refused deploy said, with everything as it was.
fn refusal(node: &mut Node, source: &str) -> Option<String> {
    let before = (node.engine.epoch(), node.engine.canvas().digest_pages());
    match node.deploy(source) {
        Reply::Deployed { .. } => None,
        Reply::Refused(Refusal::Deploy(text)) => {
            let after = (node.engine.epoch(), node.engine.canvas().digest_pages());
            assert_eq!(before, after, "{text}");
            assert!(matches!(node.call("fill", Vec::new()), Reply::Done(_)));
            Some(text)
        }
        other => panic!("{other:?}"),
    }
}

fn check(line: &str, from: &str, to: &str, verdict: &str) {
    let (from, to) = (package(from), package(to));
    let mut empty = Node::new();
    assert!(
        matches!(empty.deploy(&from), Reply::Deployed { .. }),
        "{line}"
    );
    let mut filled = Node::new();
    filled.deploy(&from);
    let done = filled.call("fill", Vec::new());
    assert!(matches!(done, Reply::Done(_)), "{line}: {done:?}");
    let (without, with) = (refusal(&mut empty, &to), refusal(&mut filled, &to));
    match verdict {
        "yes" => assert_eq!((without, with), (None, None), "{line}"),
        "no" => assert!(
            without.is_some() && with.is_some(),
            "{line}: {without:?} {with:?}"
        ),
        "while empty" => {
            assert!(
                without.is_none() && with.is_some(),
                "{line}: {without:?} {with:?}"
            )
        }
        other => panic!("{line}: {other}?"),
    }
    for node in [empty, filled] {
        let other = node.replayed();
        assert_eq!(node.replies, other.replies, "{line}");
        assert_eq!(node.engine.digest(), other.engine.digest(), "{line}");
        let pages = |node: &Node| node.engine.canvas().digest_pages();
        assert_eq!(pages(&node), pages(&other), "{line}");
    }
}

#[test]
fn every_line_of_the_table_of_changes_is_as_it_says() {
    let start = CHAPTER
        .find("## What a deploy may change")
        .expect("the section");
    let mut lines = 0;
    for line in CHAPTER[start..]
        .lines()
        .filter(|line| line.starts_with("| "))
    {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let code = |cell: &str| cell.trim_matches('`').to_string();
        let [_, from, to, verdict] = cells[..] else {
            panic!("{line}");
        };
        if !from.starts_with('`') {
            continue;
        }
        check(line, &code(from), &code(to), verdict);
        lines += 1;
    }
    assert!(lines >= 40, "{lines} lines");
}

/// What one package's paths could take from another's is refused, whichever comes second.
#[test]
fn a_path_belongs_to_one_package() {
    let fill = "command fill() allow anyone {}\n";
    let query = "query f(id: u64) -> u64 allow anyone { id }\n";
    let life = format!("package life\n{fill}@http(GET \"/lives/{{id}}\")\n{query}");
    let mut node = Node::new();
    assert!(matches!(node.deploy(&life), Reply::Deployed { .. }));
    for (path, met) in [
        ("GET \"/lives/{id}\"", Some("GET /lives/{id}")),
        ("GET \"/{id}/5\"", Some("GET /lives/{id}")),
        ("POST \"/life/fill\"", Some("POST /life/fill")),
        ("POST \"/{id}/f\"", Some("POST /life/f")),
        ("GET \"/life/f\"", None),
    ] {
        let parameter = if path.contains("{id}") { "id: u64" } else { "" };
        let other = format!(
            "package other\n{fill}@http({path})\nquery g({parameter}) -> u64 allow anyone {{ 1 }}\n"
        );
        let mut second = node.replayed();
        let told = match second.deploy(&other) {
            Reply::Refused(Refusal::Deploy(text)) => Some(text.to_string()),
            Reply::Deployed { .. } => None,
            reply => panic!("{reply:?}"),
        };
        match met {
            Some(met) => assert!(
                told.as_ref()
                    .is_some_and(|told| told.contains(met) && told.contains("package life")),
                "{path}: {told:?}"
            ),
            None => assert_eq!(told, None, "{path}"),
        }
    }
    // The package that was there first is refused where it would take a path of the other's.
    let other = "package other\ncommand fill() allow anyone {}\n";
    assert!(matches!(node.deploy(other), Reply::Deployed { .. }));
    let taking = format!("{life}@http(POST \"/other/fill\")\ncommand h() allow anyone {{}}\n");
    let Reply::Refused(Refusal::Deploy(told)) = node.deploy(&taking) else {
        panic!("a path of another package was taken");
    };
    let told = told.to_string();
    assert!(
        told.contains("POST /other/fill") && told.contains("package other"),
        "{told}"
    );
}

#[test]
fn what_was_there_once_is_remembered() {
    let mut node = Node::new();
    let first = "package life\nevent E { a: u64 }\ncommand fill() allow anyone {}\n\
        command f(a: u64) allow anyone { emit E { a } }\n";
    let retired = "package life\nretire f@1\ncommand fill() allow anyone {}\n";
    let other_types =
        "package life\ncommand fill() allow anyone {}\ncommand f(a: bool) allow anyone {}\n";
    let other_event =
        "package life\nevent E { b: u64 }\ncommand fill() allow anyone { emit E { b: 1 } }\n";
    assert!(refusal(&mut node, first).is_none());
    assert!(refusal(&mut node, retired).is_none());
    // Also when a deploy without either lies between.
    assert!(refusal(&mut node, "package life\ncommand fill() allow anyone {}\n").is_none());
    let text = refusal(&mut node, other_types).expect("another signature");
    assert!(
        text.contains("command f@1 was there before, and takes other arguments"),
        "{text}"
    );
    let text = refusal(&mut node, other_event).expect("other fields");
    assert!(
        text.contains("event E was there before with other fields"),
        "{text}"
    );
    assert!(
        refusal(&mut node, first).is_none(),
        "as it was, it may return"
    );
}

#[test]
fn an_invariant_is_asked_again_of_what_was_written_without_it() {
    let with = "package life\nstate s: u64\ninvariant s < 5\n\
        command set(v: u64) allow anyone { s = v }\ncommand fill() allow anyone {}\n";
    let without = with.replace("invariant s < 5\n", "");
    let mut node = Node::new();
    assert!(refusal(&mut node, with).is_none());
    assert!(refusal(&mut node, &without).is_none());
    node.call("set", 9u64.to_le_bytes().to_vec());
    let text = refusal(&mut node, with).expect("9 is not below 5");
    assert!(text.contains("invariant s < 5 does not hold"), "{text}");
    node.call("set", 4u64.to_le_bytes().to_vec());
    assert!(refusal(&mut node, with).is_none(), "corrected by a command");

    let table = "package life\ntable T {\n    key id: u64\n    v: u64\n    invariant v < 5\n}\n\
        command set(v: u64) allow anyone { T.put({ id: 1, v }) }\n\
        command clear() allow anyone { T.delete(1) }\ncommand fill() allow anyone {}\n";
    let loose = table.replace("    invariant v < 5\n", "");
    let mut node = Node::new();
    assert!(refusal(&mut node, table).is_none());
    assert!(refusal(&mut node, &loose).is_none());
    node.call("set", 9u64.to_le_bytes().to_vec());
    // The first deployment kept it, the last one that wrote did not.
    let text = refusal(&mut node, table).expect("a row of 9");
    assert!(
        text.contains("invariant v < 5 is new of table T, which has rows"),
        "{text}"
    );
    let away = "package life\nretire set@1\nretire clear@1\ncommand fill() allow anyone {}\n";
    assert!(refusal(&mut node, away).is_none());
    assert!(
        refusal(&mut node, table).is_some(),
        "the rows are still there"
    );
    assert!(refusal(&mut node, &loose).is_none());
    node.call("clear", Vec::new());
    assert!(
        refusal(&mut node, table).is_none(),
        "no rows, nothing to ask"
    );
    let broken = node.call("set", 9u64.to_le_bytes().to_vec());
    assert!(matches!(broken, Reply::Failed(..)), "{broken:?}");
}

#[test]
fn the_first_deployment_is_asked_too() {
    let mut node = Node::new();
    let never =
        "package life\nstate s: u64 = 77\ninvariant s < 5\ncommand fill() allow anyone {}\n";
    let reply = node.deploy(never);
    let Reply::Refused(Refusal::Deploy(text)) = reply else {
        panic!("{reply:?}");
    };
    assert!(text.contains("invariant s < 5 does not hold"), "{text}");
    assert_eq!(node.engine.epoch(), 0);
}

#[test]
fn a_version_of_a_table_goes_live_where_the_older_one_has_no_rows() {
    let first = "package life\ntable T {\n    key id: u64\n    v: u64\n    index by_v(v)\n}\n\
        command set(v: u64) allow anyone { T.put({ id: 1, v }) }\n\
        command clear() allow anyone { T.delete(1) }\ncommand fill() allow anyone {}\n";
    let version = "table T@2 from T@1 {\n    key id: u64\n    v: u64\n    w: bool = true\n    index by_v(v)\n    \
        migrate old => { id: old.id, v: old.v }\n}\ncommand set";
    let second = first.replace("command set", version);
    let away = "package life\nretire set@1\nretire clear@1\ncommand fill() allow anyone {}\n";
    let value = |v: u64| v.to_le_bytes().to_vec();
    let mut node = Node::new();
    assert!(refusal(&mut node, first).is_none());
    node.call("set", value(9));
    let text = refusal(&mut node, &second).expect("a row of version 1");
    let wanted = "a newer version takes the place of table T, which has rows";
    assert!(text.contains(wanted), "{text}");
    // Also where no live code knows the rows.
    assert!(refusal(&mut node, away).is_none());
    assert!(refusal(&mut node, &second).is_some());
    assert!(refusal(&mut node, first).is_none());
    node.call("clear", Vec::new());
    assert!(
        refusal(&mut node, &second).is_none(),
        "no rows, nothing to migrate"
    );
    let done = node.call("set", value(3));
    assert!(matches!(done, Reply::Done(_)), "{done:?}");
    assert!(refusal(&mut node, &second).is_none(), "the same again");
    let text = refusal(&mut node, first).expect("version 1 again");
    assert!(
        text.contains("table T goes back from version 2 to 1"),
        "{text}"
    );
    assert!(refusal(&mut node, away).is_none());
    let text = refusal(&mut node, first).expect("version 1 after a while");
    assert!(
        text.contains("table T goes back from version 2 to 1"),
        "{text}"
    );
    let other = node.replayed();
    assert_eq!(node.replies, other.replies);
    assert_eq!(node.engine.digest(), other.engine.digest());
}

#[test]
fn a_node_that_never_had_the_older_version_asks_nothing_of_it() {
    let both = "package life\ntable T capacity 10 {\n    key id: u64 dense\n}\n\
        table T@2 from T@1 capacity 10 {\n    key id: u64 dense\n    v: u64 = 1\n    migrate old => { id: old.id }\n}\n\
        command fill() allow anyone { T.put({ id: 1 }) }\n";
    let mut node = Node::new();
    for _ in 0..2 {
        assert!(refusal(&mut node, both).is_none());
        let done = node.call("fill", Vec::new());
        assert!(matches!(done, Reply::Done(_)), "{done:?}");
    }
}
