//! What a failing test looks like: place, text, values, the case of a property.

use crate::running::{folder, rcc_in};

const SOURCE: &str = r#"package bad

role boss

table T {
    key id: u64
    n: i32 = 0
    at: time
}

error E {
    Gone(id: u64)
    Full { by: i32, of: u64 }
}

command add(id: u64) allow boss {
    T.insert({ id, at: now })
}

command bump(id: u64, by: i32) -> i32 fails E allow anyone {
    let t = T.get(id) else fail Gone(id)
    ensure by < 100 else Full { by, of: 7 }
    t.n += by
    t.n
}

query at(id: u64) -> time fails E allow anyone {
    let t = T.get(id) else fail Gone(id)
    t.at
}

test "denied" {
    add(1)
}

test "wrong number" {
    as boss { add(1) }
    assert bump(1, 2) == 3
}

test "wrong failure" {
    as boss { add(1) }
    expect Gone(1) from bump(1, 200)
}

test "roles and overflow" {
    expect Denied from add(1)
    as boss { add(1) }
    expect Denied from add(2)
    assert bump(1, -2147483648) < 0
    expect Overflow from bump(1, -1)
    assert bump(1, 1) == -2147483647
}

test "time moves" {
    as boss { add(1) }
    let first = at(1)
    advance 5m
    as boss { add(2) }
    assert at(2) == first + 5m
}

property "never above 50" (steps: list<i32, 10>) {
    as boss { add(1) }
    for step in steps {
        if step >= 0 && step < 100 { assert bump(1, step) <= 50 }
    }
}
"#;

#[test]
fn failures_show_place_text_and_values() {
    let package = folder(&[("bad.rc", SOURCE.as_bytes())]);
    let ran = rcc_in(package.path(), &["test"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let line_of = |text: &str| SOURCE.lines().position(|line| line.contains(text)).unwrap() + 1;
    let expected = [
        format!(
            "bad.rc:{}: add(…) succeeds\n        add failed with Denied\n",
            line_of("test \"denied\"") + 1
        ),
        format!(
            "bad.rc:{}: bump(1, 2) == 3\n        left:  2\n        right: 3\n",
            line_of("== 3")
        ),
        format!(
            "bad.rc:{}: expect Gone(1) from bump(1, 200)\n        bump failed with E.Full {{ by: 200, of: 7 }}\n",
            line_of("expect Gone")
        ),
        format!(
            "bad.rc:{}: bump(1, step) <= 50\n        left:  51\n        right: 50\n",
            line_of("<= 50")
        ),
        "            let steps = [51]\n".to_owned(),
        "ok      roles and overflow (".to_owned(),
        "ok      time moves (".to_owned(),
    ];
    for text in expected {
        assert!(ran.out.contains(&text), "{text}\nis not in\n{}", ran.out);
    }
    assert_eq!(ran.out.lines().last(), Some("2 passed, 4 failed"));
}

#[test]
fn the_same_seed_finds_the_same_case() {
    let package = folder(&[("bad.rc", SOURCE.as_bytes())]);
    let found = |seed: &str| {
        let out = rcc_in(
            package.path(),
            &["test", "--filter", "never", "--seed", seed],
        )
        .out;
        out.lines()
            .find(|line| line.contains("case "))
            .map(str::to_owned)
    };
    assert!(found("1").is_some());
    assert_eq!(found("1"), found("1"));
}

#[test]
fn a_package_that_does_not_compile_is_not_tested() {
    let package = folder(&[("bad.rc", b"package bad\n\ntest \"x\" { assert nothing }\n")]);
    let ran = rcc_in(package.path(), &["test"]);
    assert!(
        ran.code == Some(1) && ran.out.is_empty() && ran.err.contains("1 error"),
        "{ran:?}"
    );
}

#[test]
fn of_very_many_mistakes_the_first_are_drawn() {
    let mistakes: String = (0..200)
        .map(|n| format!("fn f{n}() -> u64 {{ nothing{n} }}\n\n"))
        .collect();
    let package = folder(&[("bad.rc", format!("package bad\n\n{mistakes}").as_bytes())]);
    let drawn = rcc_in(package.path(), &["check"]);
    assert_eq!(drawn.code, Some(1));
    assert!(
        drawn.err.contains("nothing49") && !drawn.err.contains("nothing50"),
        "{}",
        drawn.err
    );
    assert!(drawn.err.contains("… and 150 more") && drawn.err.ends_with("200 errors\n"));
    let all = rcc_in(package.path(), &["check", "--format", "short"]);
    assert_eq!(all.out.lines().count(), 200);
}
