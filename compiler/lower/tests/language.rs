//! The language, piece by piece, as packages that test themselves on the interpreter.

mod support;

use support::*;

fn passes(text: &str) {
    for page_shift in [10, 14] {
        World::new(&format!("package test\n{text}"), page_shift).run_tests();
    }
}

#[test]
fn two_names_for_one_row() {
    passes(
        r#"
table A { key id: u64
    balance: u64 = 0 }
aggregate total = sum(A.balance)
command make(id: u64, balance: u64) { A.insert({ id, balance }) }
command move_all(from: u64, to: u64, amount: u64) -> u64 {
    let a = A.get(from) else return 0
    let b = A.get(to) else return 0
    let before = b.balance
    a.balance -= amount
    b.balance += amount
    before + a.balance
}
query balance(id: u64) -> u64 {
    let a = A.get(id) else return 0
    a.balance
}
test "no money is minted" {
    make(1, 100)
    make(2, 10)
    assert move_all(1, 1, 40) == 200
    assert balance(1) == 100
    assert move_all(1, 2, 40) == 70
    assert balance(2) == 50
    assert total == 110
}
"#,
    );
}

#[test]
fn rows_are_found_again_after_they_moved() {
    passes(
        r#"
table A { key id: u64
    n: u64 = 0 }
table O { key id: u64 ordered
    n: u64 = 0 }
command fill(first: u64, count: u64) -> u64 {
    A.insert({ id: 1_000_000 + first })
    O.insert({ id: 1_000_000 + first })
    let a = A.get(1_000_000 + first) else return 0
    let o = O.get(1_000_000 + first) else return 0
    for i in 0..count max 200 {
        a.n += 1
        o.n += 2
        A.insert({ id: first + i })
        O.insert({ id: first + i })
        a.n += 1
    }
    a.n + o.n
}
query read(id: u64) -> u64 {
    let a = A.get(id) else return 0
    let o = O.get(id) else return 0
    a.n * 1000 + o.n
}
command gone(id: u64) -> bool {
    let other = A.get(id + 1) else return false
    other.n = 9
    A.delete(id)
}
test "moved" {
    assert fill(0, 200) == 800
    assert read(1_000_000) == 400_400
    assert fill(5000, 100) == 400
    assert gone(3)
    assert !gone(3)
    let four = read(4)
    assert four == 9_000
}
"#,
    );
}

#[test]
fn indexes_follow_their_rows() {
    passes(
        r#"
table P { key id: u64
    name: string<10>
    age: i32 = 0
    tag: u8
    index by_age(age)
    index by_name(name, age)
    unique by_tag(tag) }
command add(id: u64, name: string<10>, age: i32, tag: u8) { P.insert({ id, name, age, tag }) }
command grow(id: u64, by: i32) {
    let p = P.get(id) else return
    p.age += by
}
command rename(id: u64, name: string<10>) {
    let p = P.get(id) else return
    p.name = name
}
command remove(id: u64) -> bool { P.delete(id) }
query ages(from: i32, to: i32) -> list<u64, 20> { [p.id for p in P.by_age().from(from).to(to) take 20] }
query oldest(n: u32) -> list<u64, 20> { [p.id for p in P.by_age().descending() take n max 20] }
query named(name: string<10>) -> list<i32, 20> { [p.age for p in P.by_name(name) take 20] }
query named_down(name: string<10>, from: i32) -> list<i32, 20> { [p.age for p in P.by_name(name).from(from).descending() take 20] }
query tagged(tag: u8) -> u64 {
    let p = P.by_tag.get(tag) else return 0
    p.id
}
command birthdays() -> u64 {
    var n = 0
    for p in P.by_age().from(0) take 50 {
        p.age += 1
        n += 1
    }
    n
}
command cull(to: i32) -> u64 {
    var n = 0
    for p in P.by_age().to(to) take 50 {
        P.delete(p.id)
        n += 1
    }
    n
}
test "index" {
    add(1, "ann", 30, 1)
    add(2, "bob", -5, 2)
    add(3, "ann", 7, 3)
    add(4, "an", 100, 4)
    expect AlreadyExists from add(5, "x", 1, 4)
    assert ids(ages(-10, 31)) == 20301
    assert ids(ages(-5, 30)) == 203
    assert ids(oldest(2)) == 401
    assert years(named("ann")) == 730
    assert years(named_down("ann", 8)) == 30
    grow(3, 50)
    assert ids(ages(-10, 200)) == 2010304
    assert years(named("ann")) == 3057
    rename(1, "bob")
    assert years(named("ann")) == 57
    assert years(named("bob")) == -470
    assert tagged(3) == 3
    assert tagged(9) == 0
    assert birthdays() == 3
    assert ids(ages(-10, 200)) == 2010304
    assert years(named("bob")) == -469
    assert remove(2)
    assert tagged(2) == 0
    assert cull(60) == 2
    assert ids(oldest(20)) == 4
    assert years(named("ann")) == 0
}
fn ids(list: list<u64, 20>) -> i64 {
    var code: i64 = 0
    for n in list { code = code * 100 + n.try_into() }
    code
}
fn years(list: list<i32, 20>) -> i64 {
    var code: i64 = 0
    for n in list { code = code * 100 + n as i64 }
    code
}
"#,
    );
}

#[test]
fn aggregates_and_invariants() {
    passes(
        r#"
table T { key id: u64
    kind: u8
    n: i64 = 0
    index by_n(n)
    invariant n <= 100
    invariant id < 1000 }
aggregate total = sum(T.n)
aggregate rows = count(T)
state limit: i128 = 250
invariant total <= limit
command add(id: u64, kind: u8, n: i64) { T.insert({ id, kind, n }) }
command put(id: u64, kind: u8, n: i64) { T.put({ id, kind, n }) }
command set(id: u64, n: i64) {
    let t = T.get(id) else return
    t.n = n
}
command shift_kind(id: u64, kind: u8) {
    let t = T.get(id) else return
    t.kind = kind
}
command remove(id: u64) -> bool { T.delete(id) }
command through(id: u64, over: i64, at_last: i64) {
    let t = T.get(id) else return
    t.n = over
    t.n = at_last
}
command many(n: i64) {
    for t in T.by_n() take 10 {
        if t.id != 2 { t.n = n }
    }
}
fn raise(id: u64, n: i64) {
    let t = T.get(id) else return
    t.n += n
}
command raise_both(a: u64, b: u64, n: i64) {
    raise(a, n)
    raise(b, n)
}
command ensure_row(id: u64, n: i64) -> i64 {
    let t = T.get_or_insert(id, { kind: 9 })
    t.n += n
    t.n
}
command set_limit(n: i128) { limit = n }
test "aggregates" {
    add(1, 1, 10)
    add(2, 1, 20)
    add(3, 2, -30)
    assert total == 0
    assert rows == 3
    set(3, 5)
    shift_kind(2, 2)
    put(2, 1, 40)
    assert rows == 3
    assert total == 55
    assert remove(2)
    assert rows == 2
    put(2, 3, 1)
    assert rows == 3
    assert ensure_row(2, 4) == 5
    assert ensure_row(7, 4) == 4
    assert total == 24
}
test "invariants" {
    add(1, 1, 10)
    add(2, 1, 20)
    expect InvariantBroken from set(1, 101)
    expect InvariantBroken from add(1000, 1, 1)
    expect InvariantBroken from add(3, 1, 101)
    through(1, 200, 99)
    assert total == 119
    expect InvariantBroken from many(101)
    many(100)
    assert total == 120
    expect InvariantBroken from raise_both(2, 2, 50)
    raise_both(1, 2, -10)
    assert total == 100
    expect InvariantBroken from set_limit(99)
    set_limit(100)
    expect InvariantBroken from set(2, 11)
    expect InvariantBroken from ensure_row(5, 1)
    expect InvariantBroken from put(5, 1, 101)
    assert rows == 2
}
"#,
    );
}

#[test]
fn structs_enums_and_patterns() {
    passes(
        r#"
struct Point { x: i32, y: i32 }
enum Shape { Dot, Circle(i32), Box { from: Point, to: Point, name: string<6> } }
state last: Shape = Dot
state names: list<string<6>, 4> = []
state origin: Point = Point { x: 3, y: -4 }
command keep(s: Shape) { last = s }
command move_origin(by: i32) -> i32 {
    origin.x += by
    origin.x * 100 + origin.y
}
query area() -> i32 {
    match last {
        Dot => 0
        Circle(r) if r < 0 => -1
        Circle(r) => 3 * r * r
        Box { from, to, name } => (to.x - from.x) * (to.y - from.y)
    }
}
query name() -> string<6> {
    match last {
        Box { from, to, name } => name
        Circle(1) => "one"
        _ => "none"
    }
}
command say(name: string<6>) -> u64 {
    names.push(name)
    names.len()
}
command unsay() -> string<6>? { names.pop() }
query said(name: string<6>) -> bool { names.contains(name) }
query ends() -> (string<6>?, string<6>?) { (names.first(), names.last()) }
query classify(n: i64) -> u8 {
    match n {
        0 => 0
        1..=9 => 1
        -5 => 5
        _ => 2
    }
}
query word(text: string<8>) -> u8 {
    match text { "yes" => 1, "no" => 2, _ => 0 }
}
query pairs(a: (u8, bool), b: u8?) -> u8 {
    let (n, flag) = a
    let rest = if let x = b { x } else { 100 }
    if flag { n + rest } else { rest - n }
}
test "shapes" {
    assert area() == 0
    keep(Circle(-2))
    assert area() == -1
    keep(Circle(2))
    assert area() == 12
    assert name() == "none"
    keep(Circle(1))
    assert name() == "one"
    keep(Box { from: Point { x: 1, y: 2 }, to: Point { x: 4, y: 6 }, name: "box" })
    assert area() == 12
    assert name() == "box"
    keep(Dot)
    assert area() == 0
    assert move_origin(2) == 496
    assert move_origin(-5) == -4
}
test "lists" {
    assert say("a") == 1
    assert say("bb") == 2
    assert said("bb")
    assert !said("b")
    assert unsay() == "bb"
    assert say("cc") == 2
    assert say("dd") == 3
    assert say("ee") == 4
    expect TooLong from say("ff")
    let (one, other) = ends()
    assert one == "a"
    assert other == "ee"
}
test "values" {
    assert classify(0) == 0
    assert classify(9) == 1
    assert classify(-5) == 5
    assert classify(10) == 2
    assert word("yes") == 1
    assert word("no") == 2
    assert word("nope") == 0
    assert pairs((3, true), 4) == 7
    assert pairs((3, false), none) == 97
}
"#,
    );
}

#[test]
fn loops_and_lists() {
    passes(
        r#"
query sum_to(n: u32) -> u64 {
    var total: u64 = 0
    for i in 0..n max 100 { total += i as u64 }
    total
}
query inclusive(a: u8, b: u8) -> u64 {
    var total: u64 = 0
    for i in a..=b max 256 { total += i as u64 }
    total
}
query odd(numbers: list<u32, 10>) -> list<u32, 10> { [n * 10 for n in numbers if n % 2 == 1] }
query nested(n: u32) -> u64 {
    var count: u64 = 0
    for i in 0..n max 10 {
        for j in 0..i max 10 {
            if j == 3 { continue }
            if j == 5 { break }
            count += 1
        }
        if i == 8 { break }
    }
    count
}
query find(numbers: list<u32, 10>, wanted: u32) -> i32 {
    var at: i32 = 0
    for n in numbers {
        if n == wanted { return at }
        at += 1
    }
    -1
}
query first_two(numbers: list<u32, 10>) -> list<u32, 10> {
    var result: list<u32, 10> = []
    for n in numbers take 2 { result.push(n) }
    result
}
query join(a: string<5>, b: string<5>) -> string<10> { a.concat(b) }
query starts(a: string<5>, b: string<9>) -> bool { a.starts_with(b) }
query before(a: string<5>, b: string<5>) -> bool { a < b }
query tuples(moves: list<(u8, i16, string<3>), 4>) -> i64 {
    var total: i64 = 0
    for (n, m, s) in moves {
        total += n as i64 * m as i64
        if s == "no" { total = 0 }
    }
    total
}
query div(a: i32, b: i32) -> i32 { a / b }
query small(a: i64) -> i8 { a.try_into() }
fn code(list: list<u32, 10>) -> u64 {
    var code: u64 = 0
    for n in list { code = code * 100 + n as u64 }
    code
}
fn twice(n: u64) -> u64 { n * 2 }
fn point(x: u64) -> (u64, u64) { (x, twice(x)) }
fn maybe(n: u64) -> u64? { if n > 3 { return none }
    n + 1 }
query fns(n: u64) -> u64 {
    let (a, b) = point(n)
    let c = maybe(n) ?? 50
    let d = maybe(n) else return 1000
    a + b + c + d
}
test "loops" {
    assert sum_to(0) == 0
    assert sum_to(100) == 4950
    expect BoundExceeded from sum_to(101)
    assert inclusive(250, 255) == 1515
    assert inclusive(0, 255) == 32640
    assert inclusive(5, 4) == 0
    assert code(odd([1, 2, 3, 4, 5])) == 103050
    assert nested(10) == 25
    assert find([5, 6, 7], 7) == 2
    assert find([5, 6, 7], 8) == -1
    assert code(first_two([4, 5, 6])) == 405
    assert join("ab", "cde") == "abcde"
    assert join("", "") == ""
    assert starts("abc", "ab")
    assert !starts("abc", "abcd")
    assert !starts("abc", "b")
    assert before("abc", "abd")
    assert before("", "a")
    assert !before("b", "ab")
    assert tuples([(2, 3, "a"), (4, -5, "b")]) == -14
    assert tuples([(2, 3, "no"), (4, -5, "b")]) == -20
    expect DivideByZero from div(1, 0)
    expect Overflow from small(128)
    assert small(-128) == -128
    assert fns(2) == 12
    assert fns(5) == 1000
}
"#,
    );
}

#[test]
fn attempts_roles_and_time() {
    passes(
        r#"
role boss
error E { No(n: u64), Other { a: u8, text: string<5> } }
state n: u64 = 0
state when: time
command bump(by: u64) -> u64 fails E allow boss {
    ensure by != 3 else No(by)
    ensure by != 4 else Other { a: 4, text: "four" }
    n += by
    when = now
    n
}
query seen() -> time { when }
test "outcomes" {
    expect Denied from bump(1)
    as boss { assert bump(1) == 1 }
    expect Denied from bump(1)
    var result: u64 = 0
    as boss {
        expect No(3) from bump(3)
        expect Other { a: 4, text: "four" } from bump(4)
        match attempt bump(2) {
            Ok(x) => { result = x }
            Err(No(x)) => { result = 100 + x }
            Err(_) => { result = 7 }
        }
        assert result == 3
        match attempt bump(3) {
            Ok(x) => { result = x }
            Err(No(x)) => { result = 100 + x }
            Err(_) => { result = 7 }
        }
    }
    assert result == 103
    assert n == 3
    let first = seen()
    advance 5m
    as boss { bump(1) }
    assert seen() - first == 5m
}
"#,
    );
}

#[test]
fn rows_by_many_names() {
    passes(
        r#"
table A { key id: u64
    n: u64 = 0
    index by_n(n)
    invariant n < 1000 }
command make(id: u64, n: u64) { A.insert({ id, n }) }
query read(id: u64) -> u64 {
    let a = A.get(id) else return 0
    a.n
}
command best_of(wanted: u64) -> u64 {
    var best = A.get(1) else return 0
    for a in A.by_n() take 10 {
        if a.n > best.n { best = a }
        best.n += 0
    }
    best.n += wanted
    best.id
}
command either(id: u64, other: u64) -> u64 {
    let a = A.get(id)
    let b = A.get(other)
    A.insert({ id: id + 100, n: 5 })
    match a {
        none => 0
        row => {
            row.n += 1
            if let second = b { second.n += row.n }
            row.n
        }
    }
}
command with_if(id: u64) -> u64 {
    if let row = A.get(id) {
        row.n += 1
        for i in 0..20 { A.insert({ id: 1000 + id * 100 + i, n: 1 }) }
        row.n += 1
        row.n
    } else {
        0
    }
}
fn bump(row: A, by: u64) -> u64 {
    row.n += by
    row.n
}
fn add_rows(first: u64) {
    for i in 0..30 { A.insert({ id: first + i }) }
}
command by_function(id: u64, by: u64) -> u64 {
    let row = A.get(id) else return 0
    let other = A.get(id) else return 0
    add_rows(id * 1000)
    let now = bump(row, by)
    now * 1000 + other.n
}
command in_branch(id: u64, by: u64, twice: bool) {
    let row = A.get(id) else return
    if twice {
        let same = A.get(id) else return
        same.n += by
        if same.n > 500 { return }
    }
    row.n += by
}
test "names" {
    make(1, 10)
    make(2, 30)
    make(3, 20)
    assert best_of(3) == 2
    assert read(2) == 33
    assert either(1, 1) == 22
    assert read(1) == 22
    assert either(77, 1) == 0
    assert with_if(3) == 22
    assert read(3) == 22
    assert with_if(55) == 0
    assert by_function(2, 7) == 40040
    expect InvariantBroken from by_function(3, 990)
    assert read(3) == 22
    assert read(3000) == 0
    in_branch(1, 100, true)
    assert read(1) == 222
    expect InvariantBroken from in_branch(1, 900, false)
    expect InvariantBroken from in_branch(1, 900, true)
    in_branch(1, 300, true)
    assert read(1) == 522
}
"#,
    );
}

#[test]
fn what_a_cost_clause_promises_is_checked() {
    let text = |limit: u32| {
        format!(
            "package test\ntable A {{ key id: u64\n n: u64 = 0 }}\ncommand add(id: u64) -> u64 cost pages <= {limit} {{\n    var total: u64 = 0\n    for i in 0..10 {{\n        let a = A.get(id) else return 0\n        total += a.n\n    }}\n    total\n}}\n"
        )
    };
    let (_, lowered, diagnostics) = compile(&text(1_000), 14);
    assert!(diagnostics.is_empty());
    let proven = &lowered.proven[0];
    let pages = rc_lower::dimension(&proven.cost, "pages");
    assert_eq!(proven.parts[0].times, 10, "{:?}", proven.parts);
    assert_eq!(rc_lower::dimension(&proven.parts[0].cost, "pages"), pages);
    let (_, _, diagnostics) = compile(&text(20), 14);
    let messages: Vec<String> = diagnostics
        .iter()
        .map(|diagnostic| format!("{} {}", diagnostic.code, diagnostic.message))
        .collect();
    assert_eq!(
        messages,
        [format!(
            "E0405 `add` is proven to take {pages} pages, {} above the 20 declared",
            pages - 20
        )]
    );
}

#[test]
fn the_same_source_gives_the_same_bytes() {
    let text = "package test\ntable A { key id: u64\n n: u64 = 0\n index by_n(n) }\ncommand add(id: u64) { A.insert({ id }) }\n";
    let encode = || rc_bytecode::encode(&compile(text, 14).1.module);
    assert_eq!(encode(), encode());
}

#[test]
fn rows_and_keys_that_do_not_fit_are_refused() {
    let refused = |text: &str| {
        let (_, _, diagnostics) = compile(&format!("package test\n{text}"), 8);
        diagnostics
            .iter()
            .map(|diagnostic| diagnostic.code.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        refused("table A { key id: u64\n text: string<100> }\n"),
        ["E0903"]
    );
    assert_eq!(
        refused("table A { key id: string<60> ordered }\n"),
        ["E0903"]
    );
    assert_eq!(refused("state text: string<100> = \"\"\n"), ["E0903"]);
    assert!(refused("table A { key id: u64\n text: string<20> }\n").is_empty());
}
