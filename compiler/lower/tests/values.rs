//! `stdlib/list.rc`, `stdlib/text.rc` and `stdlib/sorted.rc` against naive models, and the mistakes that the models find.

#[path = "support/canvas.rs"]
mod canvas;
#[path = "support/pieces.rs"]
mod pieces;
#[path = "support/sorted.rs"]
mod sorted;
mod support;
#[path = "support/values.rs"]
mod values;

use rc_bytecode::value::Value;
use sorted::{maps, queues, sets};
use support::*;
use values::{Ending, Host, digits, lists, texts};

impl Host for World {
    fn run(&mut self, name: &str, arguments: &[Value]) -> Ending {
        match self.call(name, arguments) {
            Ended::Done(value) => Ending::Done(value),
            Ended::Failed(builtin) => Ending::Failed(builtin),
            Ended::Declared(name, _) => panic!("{name} is declared nowhere"),
        }
    }
}

fn world() -> World {
    World::new(&values::package("test"), 12)
}

#[test]
fn a_list_is_a_vector() {
    lists(&mut world(), 1, 6_000);
}

#[test]
fn a_text_is_a_string() {
    texts(&mut world(), 2, 3_000);
}

#[test]
fn containers_that_are_states_keep_to_their_models() {
    for page_shift in [10, 12, 14] {
        let mut world = World::new(&canvas::package("test", false), page_shift);
        canvas::states(&mut world, page_shift.into(), 4_000);
    }
}

#[test]
fn containers_of_rows_keep_to_their_models() {
    for page_shift in [11, 12, 14] {
        let mut world = World::new(&canvas::package("test", true), page_shift);
        canvas::fields(&mut world, page_shift.into(), 6_000);
    }
}

#[test]
fn texts_and_blobs_that_are_states_keep_to_their_models() {
    for page_shift in [8, 9, 10, 14] {
        let mut world = World::new(&pieces::package("test", false), page_shift);
        pieces::states(&mut world, page_shift.into(), 3_000);
    }
}

#[test]
fn texts_and_blobs_of_rows_keep_to_their_models() {
    for page_shift in [8, 10, 14] {
        let mut world = World::new(&pieces::package("test", true), page_shift);
        pieces::fields(&mut world, page_shift.into(), 4_000);
    }
}

/// What deleted rows and cleared texts leave behind does not grow, however long each of them was.
#[test]
fn pieces_that_are_left_behind_are_freed() {
    let mut world = World::new(&pieces::package("test", true), 8);
    let regions = &world.lowered.module.regions;
    let rows = regions
        .iter()
        .position(|region| region.name == "Owner.t/rows@1");
    let region = rows.expect("the pieces' region") as u16 + 1;
    let count = |world: &World| {
        let mut pages = world.canvas.pages();
        let head = pages.find(|(of, page, _)| *of == region && *page == 0);
        let head = head.expect("the table's first page").2;
        u64::from_le_bytes(*head.first_chunk().expect("its count"))
    };
    let part = Value::String("x".repeat(150));
    for cycle in 0..60 {
        for _ in 0..4 {
            world.done("t_append_150", &[u(1), part.clone()]);
        }
        // 600 bytes in pieces of 16, and at most as much of the cycle before.
        let kept = count(&world);
        assert!((38..=80).contains(&kept), "{kept} pieces in cycle {cycle}");
        match cycle % 2 {
            0 => assert_eq!(world.number("forget", &[u(1)]), 1),
            _ => assert_eq!(world.done("t_clear", &[u(1)]), None),
        }
    }
}

#[test]
fn integers_are_written_in_decimal() {
    digits(&mut world());
}

/// A length of four bytes stands before long texts, and of two before short ones.
#[test]
fn texts_of_two_kinds_of_length_meet() {
    World::new(
        r#"package test
query same(a: string<70_000>, b: string<4>) -> bool { a == b }
query below(a: string<70_000>, b: string<4>) -> bool { a < b }
query starts(a: string<70_000>, b: string<4>) -> bool { a.starts_with(b) }
query ends(a: string<4>, b: string<70_000>) -> bool { a.ends_with(b) }
query joined(a: string<70_000>, b: string<4>) -> string<4> { a.concat(b) }
query shorter(a: string<70_000>) -> string<4> { a.try_into() }
query longer(a: string<4>) -> string<70_000> { a }
test "of two kinds" {
    assert same("ab", "ab") && !same("ab", "abc") && !same("b", "a")
    assert below("ab", "abc") && below("ab", "b") && !below("ab", "ab")
    assert starts("abcdef", "abc") && !starts("ab", "abc")
    assert ends("abc", "bc") && !ends("bc", "abc")
    assert joined("ab", "cd") == "abcd"
    expect TooLong from joined("abc", "de")
    assert shorter("abcd") == "abcd"
    expect TooLong from shorter("abcde")
    assert longer("abcd") == "abcd"
}
"#,
        14,
    )
    .run_tests();
}

/// The harness sees what it is for: each of these mistakes is found.
#[test]
fn planted_bugs_are_found() {
    type Search = fn(&mut World);
    let list: Search = |world| lists(world, 1, 6_000);
    let text: Search = |world| texts(world, 2, 3_000);
    let number: Search = |world| digits(world);
    let piece: Search = |_| {
        let mut world = World::new(&pieces::package("test", false), 8);
        pieces::states(&mut world, 8, 3_000);
    };
    let planted: [(Planted, Search); 18] = [
        (("text", "at.min(A - C)", "at.min(A - C + 1)"), piece),
        (("text", "start.min(B - C)", "start.min(A)"), piece),
        (
            (
                "text",
                "    copy(window(spare, 0, C), window(to, edge, C))\n",
                "",
            ),
            piece,
        ),
        (
            (
                "text",
                "    for at in last..length max 3 { bytes[at] = 0 }\n",
                "",
            ),
            piece,
        ),
        (("text", "    if lead >= 0xF0 { size = 4 }\n", ""), piece),
        (
            (
                "text",
                "    ensure bytes[0] & 0xC0 != 0x80 else BoundExceeded\n",
                "",
            ),
            piece,
        ),
        (("list", "        zero(item)\n", ""), list),
        (("list", "at < N else", "at <= N - 2 else"), list),
        (
            ("list", "    zero(list.items.place(length - 1))\n", ""),
            list,
        ),
        (("list", "at <= length else", "at < length else"), list),
        (
            (
                "list",
                "at + 1, at, length - at - 1",
                "at + 1, at, length - at - 1 - at / 7",
            ),
            list,
        ),
        (
            (
                "list",
                "        to.tag = 1\n        zero(item)",
                "        zero(item)",
            ),
            list,
        ),
        (("list", "        if found { break }\n", ""), list),
        (("text", "    zero(window(spare, to, A))\n", ""), text),
        (
            ("text", "        zero(window(piece, part_length, B))\n", ""),
            text,
        ),
        (
            (
                "text",
                // Without it a cut inside a character would fail all the same, when the result is packed.
                "if to < length { ensure whole[to] & 0xC0 != 0x80 else BoundExceeded }",
                "if to < length { ensure whole[to] & 0xC0 != 0xC0 else BoundExceeded }",
            ),
            text,
        ),
        (("text", " + (left_length - right_length)", ""), text),
        (
            (
                "text",
                "    if negative {\n        at = at - 1\n",
                "    if negative {\n",
            ),
            number,
        ),
    ];
    for (bug, test) in planted {
        let run = std::thread::spawn(move || {
            PLANTED.set(Some(bug));
            // What does not compile is not found by running it.
            let mut world = world();
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&mut world))).is_err()
        });
        assert!(run.join().expect("it compiles"), "nobody noticed: {bug:?}");
    }
}

fn sorted_world() -> World {
    World::new(&sorted::package("test"), 12)
}

#[test]
fn a_set_is_a_sorted_set() {
    sets(&mut sorted_world(), 1, 4_000);
}

#[test]
fn a_map_is_a_sorted_map() {
    maps(&mut sorted_world(), 2, 4_000);
}

#[test]
fn a_priority_queue_gives_the_greatest_first() {
    queues(&mut sorted_world(), 3, 2_000);
}

/// The harness sees what it is for: each of these mistakes is found.
#[test]
fn planted_bugs_of_sorted_collections_are_found() {
    type Search = fn(&mut World);
    let set: Search = |world| sets(world, 1, 4_000);
    let map: Search = |world| maps(world, 2, 4_000);
    let queue: Search = |world| queues(world, 3, 2_000);
    let planted: [(Planted, Search); 13] = [
        (("sorted", "low = low + half + 1", "low = low + half"), set),
        (("sorted", ": u64 = 21 -", ": u64 = 20 -"), set),
        (
            (
                "sorted",
                "if at < map.length as u64",
                "if at <= map.length as u64",
            ),
            set,
        ),
        (("sorted", "    zero(map.entries.place(last))\n", ""), set),
        (
            (
                "sorted",
                "at + 1, at, last - at)",
                "at + 1, at, last - at - at / 5)",
            ),
            set,
        ),
        (
            (
                "sorted",
                "at, at + 1, length - at)",
                "at, at + 1, (length - at) >> 1)",
            ),
            set,
        ),
        (("sorted", "    if there { close(set, at) }\n", ""), set),
        (
            (
                "sorted",
                "    ensure !is_at(map, at, key) else AlreadyExists\n",
                "",
            ),
            map,
        ),
        (
            (
                "sorted",
                "    if !is_at(map, at, key) { open(map, at, key) }\n",
                "    open(map, at, key)\n",
            ),
            map,
        ),
        (
            (
                "sorted",
                "        to.tag = 1\n        close(map, at)\n",
                "        to.tag = 1\n",
            ),
            map,
        ),
        (("sorted", "if at > 0 {", "if at > 1 {"), queue),
        (
            (
                "sorted",
                "shift(queue.entries, 1, 0, at - 1)",
                "shift(queue.entries, 1, 0, (at - 1) >> 1)",
            ),
            queue,
        ),
        (
            ("sorted", "place(length - 1 - at).value", "place(at).value"),
            queue,
        ),
    ];
    for (bug, test) in planted {
        let run = std::thread::spawn(move || {
            PLANTED.set(Some(bug));
            // What does not compile is not found by running it.
            let mut world = sorted_world();
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&mut world))).is_err()
        });
        assert!(run.join().expect("it compiles"), "nobody noticed: {bug:?}");
    }
}
