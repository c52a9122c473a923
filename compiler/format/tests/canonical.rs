//! What canonical text looks like, and that it means what the text meant.

use rc_format::{LINE_COLUMNS_MAX, format, fuzz_one};

fn check(text: &str, expected: &str) {
    fuzz_one(text.as_bytes());
    assert_eq!(format(text).expect("it parses"), expected, "from:\n{text}");
}

/// `text` is canonical already.
fn keeps(text: &str) {
    check(text, text);
}

#[test]
fn indentation_blanks_and_empty_lines() {
    check(
        "\n\npackage   p\n\n\n\nfn f( a:u64,b : u64 )->u64{\n\n  let x=a+b*-c  \n if x>3{x}else{ -x }\n\n\n\n  f( x,[ 1,2 ] )\n\n}",
        "package p\n\nfn f(a: u64, b: u64) -> u64 {\n    let x = a + b * -c\n    if x > 3 { x } else { -x }\n\n    f(x, [1, 2])\n}\n",
    );
    check(
        "type T=list<( u64 ,u8 ) ,3>?\nrole r",
        "type T = list<(u64, u8), 3>?\nrole r\n",
    );
    check(
        "fn f()\n{\nif a {\n 1 }\n}",
        "fn f() {\n    if a {\n        1\n    }\n}\n",
    );
    check(
        "fn f() { let x = 1\n g({ a: 1,\n b: 2 }) }",
        "fn f() {\n    let x = 1\n    g({\n        a: 1,\n        b: 2\n    })\n}\n",
    );
    check(
        "fn f() { g(\n1) }",
        "fn f() {\n    g(\n        1\n    )\n}\n",
    );
    keeps("");
}

#[test]
fn brackets_indent_once_for_each_line() {
    keeps(
        "fn f() {\n    Account.insert({\n        id,\n        owner: x,\n    })\n    g(\n        1,\n        h(2)\n            .i(),\n    )\n    \
         let y = a +\n        b\n    ensure c\n        else E { needed: 1 }\n    x\n        .map()\n        .end()\n}\n",
    );
    check(
        "fn f() {\nmatch s {\nOpen(u) if u > 1 => {\nx\n}\nClosed => 2,\n_ => fail E\n}\nif a {\n1\n}\nelse if b {\n2\n} else {\n3\n}\n}\n",
        "fn f() {\n    match s {\n        Open(u) if u > 1 => {\n            x\n        }\n        Closed => 2,\n        _ => fail E\n    }\n    \
         if a {\n        1\n    } else if b {\n        2\n    } else {\n        3\n    }\n}\n",
    );
}

#[test]
fn jobs() {
    check(
        "job  fan_out( post:u64 ) step 5\ncost steps<=9\nfails Odd {\nfor f in T.by_key( post ){ g( f ) }\n}",
        "job fan_out(post: u64) step 5\n    fails Odd\n    cost steps <= 9\n{\n    for f in T.by_key(post) { g(f) }\n}\n",
    );
    keeps(
        "command post() allow anyone {\n    start fan_out(1, 2)\n    step fan_out\n    let start = 5\n    start - 1\n}\n",
    );
}

#[test]
fn clauses_in_order() {
    check(
        "command f(a: u64) cost steps <= 5,pages<=2 allow a, b fails E { }",
        "command f(a: u64) fails E allow a, b cost steps <= 5, pages <= 2 {}\n",
    );
    check(
        "command f(a: u64) -> u64\n  cost steps <= 5 // proven\n  // who\n  allow a, b fails E { x }",
        "command f(a: u64) -> u64\n    fails E\n    // who\n    allow a, b\n    cost steps <= 5 // proven\n{ x }\n",
    );
    check(
        "query f() allow anyone\n{\n    1\n}\n",
        "query f()\n    allow anyone\n{\n    1\n}\n",
    );
    let long = "command a_rather_long_name(first: u64, second: u64) -> list<u64, 100> allow treasurer fails SomethingHappened {\n}\n";
    check(
        long,
        "command a_rather_long_name(first: u64, second: u64) -> list<u64, 100>\n    fails SomethingHappened\n    allow treasurer\n{}\n",
    );
    keeps("event Ping\ncommand f(cost: u64, allow: u64) allow cost, fails {}\n");
    check(
        "event Ping\ncommand f() allow a fails B {}\n",
        "event Ping\ncommand f() fails B allow a {}\n",
    );
}

#[test]
fn comments_stay() {
    keeps(
        "//! A file.\n\n// first\npackage p // the name\n\n/// A table.\ntable T {\n    // above\n    key id: u64     // one\n    \
         name: string<9> // two\n\n    x: u64 // alone\n    // last\n}\n// end\n",
    );
    check(
        "fn f() {\ng(a, // one\nb // two\n)\n// three\n}",
        "fn f() {\n    g(a,  // one\n        b // two\n    )\n    // three\n}\n",
    );
}

#[test]
fn operators_that_look_alike() {
    keeps(
        "fn f<K: Ordered, R>(a: map<u64, list<K, 3>>) -> place<R>? {\n    let a = x >> 2 > y\n    let b = LIMIT < n && m > k\n    \
         let c = queue<u64, 3>()\n    let d = a..b\n    let e = (-1, !x, not y, a - -b)\n    let g = LEAF<K, R>\n    let h = t.0.1\n    \
         let i = f(..b, a..=b)\n    for j in 0..n max 64 { touch mut(r, p) as Leaf<K, R> }\n    let l = a.list < b\n    return -1\n}\n",
    );
    keeps(
        "@http(GET \"/a/{id}\")\ncommand pay@2() allow anyone {}\nlayout L { keys: [K; N + 1] }\nretire pay@1\n",
    );
}

#[test]
fn long_lines_are_broken() {
    check(
        "fn f() {\n    let result = some_function(first_argument, second_argument, third_argument, fourth_argument, fifth)\n}\n",
        "fn f() {\n    let result = some_function(\n        first_argument,\n        second_argument,\n        third_argument,\n        \
         fourth_argument,\n        fifth\n    )\n}\n",
    );
    check(
        "fn f() {\n    let result = first_thing_to_add_here + second_thing_to_add_here + third_thing_to_add_here + fourth_thing\n}\n",
        "fn f() {\n    let result =\n        first_thing_to_add_here + second_thing_to_add_here + third_thing_to_add_here + fourth_thing\n}\n",
    );
    check(
        "fn f() {\n    result = first_thing_to_add_here * 3 + second_thing_to_add_here * 4 + third_thing_to_add_here * 5 + fourth_thing_to_add\n}\n",
        "fn f() {\n    result = first_thing_to_add_here * 3 + second_thing_to_add_here * 4 +\n        third_thing_to_add_here * 5 + fourth_thing_to_add\n}\n",
    );
    let params = (0..12)
        .map(|at| format!("parameter_{at}: u64"))
        .collect::<Vec<_>>();
    let text = format!(
        "fn f({}) -> u64 {{ {} }}\n",
        params.join(", "),
        (0..40)
            .map(|at| format!("g({at})"))
            .collect::<Vec<_>>()
            .join(" + ")
    );
    fuzz_one(text.as_bytes());
    let formatted = format(&text).expect("it parses");
    assert!(
        formatted
            .lines()
            .all(|line| line.chars().count() <= LINE_COLUMNS_MAX),
        "{formatted}"
    );
}

#[test]
fn what_does_not_parse_is_left_alone() {
    let mistakes = format("fn f( {").expect_err("it does not parse");
    assert!(mistakes.has_errors());
}
