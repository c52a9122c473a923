//! Each rendering once, in full or by its fields; hostile text never comes out raw.

use rc_diagnostics::{Diagnostic, Diagnostics, codes, render};
use rc_source::{Sources, Span};
use serde_json::Value;

fn example() -> (Sources, Diagnostics) {
    let mut sources = Sources::new();
    let file = sources.add("pay ments.rc", "let é = 1\nlet x = \u{1b}[2J é + 1\n");
    let mut all = Diagnostics::new();
    all.push(
        Diagnostic::error(
            codes::UNEXPECTED_TOKEN,
            Span::new(file, 19, 23),
            "found `\u{1b}[2J`",
        )
        .with_label("here\u{7}")
        .with_secondary(Span::new(file, 4, 6), "first")
        .with_hint("remove it\u{202e}")
        .with_edit(Span::new(file, 19, 23), "y"),
    );
    (sources, all)
}

#[test]
fn short_is_one_line() {
    let (sources, all) = example();
    assert_eq!(
        render::short(&sources, &all),
        "pay ments.rc:2:9: error[E0110]: found `\\u{1b}[2J`\n"
    );
}

#[test]
fn human_draws_bytes_and_escapes() {
    let (sources, all) = example();
    let text = render::human(&sources, &all, false);
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text}");
    for part in [
        "[E0110] Error: found `\\u{1b}[2J`",
        "pay ments.rc:2:9",
        "here\\u{7}",
        "let x = ?[2J é + 1",
        "remove it",
    ] {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
    assert!(
        render::human(&sources, &all, true).contains("\u{1b}["),
        "colours are on when asked for"
    );
}

#[test]
fn human_does_not_draw_a_line_of_megabytes() {
    let mut sources = Sources::new();
    let file = sources.add("long.rc", "x".repeat(3_000_000));
    let mut all = Diagnostics::new();
    all.push(Diagnostic::error(
        codes::UNEXPECTED_TOKEN,
        Span::new(file, 5, 6),
        "no",
    ));
    assert_eq!(
        render::human(&sources, &all, false),
        "long.rc:1:6: error[E0110]: no\n"
    );
}

#[test]
fn json_and_sarif_hold_the_same_facts() {
    let (sources, all) = example();
    let json: Value = serde_json::from_str(&render::json(&sources, &all)).unwrap();
    assert_eq!(json[0]["code"], "E0110");
    assert_eq!(json[0]["primary"]["start"]["line"], 2);
    assert_eq!(json[0]["primary"]["start"]["column"], 9);
    assert_eq!(json[0]["primary"]["start"]["offset"], 19);
    assert_eq!(json[0]["hint"], "remove it\\u{202e}");
    assert_eq!(json[0]["fix"][0]["text"], "y");
    assert_eq!(json[0]["fix"][0]["start"]["offset"], 19);
    let sarif: Value = serde_json::from_str(&render::sarif(&sources, &all)).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "E0110");
    let change = &result["fixes"][0]["artifactChanges"][0];
    assert_eq!(change["artifactLocation"]["uri"], "pay%20ments.rc");
    assert_eq!(change["replacements"][0]["deletedRegion"]["byteLength"], 4);
    assert_eq!(change["replacements"][0]["insertedContent"]["text"], "y");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "pay%20ments.rc");
    assert_eq!(place["region"]["startColumn"], 9);
    assert_eq!(
        sarif["runs"][0]["tool"]["driver"]["rules"][0]["id"],
        "E0110"
    );
}

#[test]
fn every_label_is_underlined_and_two_places_of_a_file_are_one_drawing() {
    let mut sources = Sources::new();
    let file = sources.add("two.rc", "let y = 1\ny = 3\n");
    let mut all = Diagnostics::new();
    all.push(
        Diagnostic::error(codes::NOT_ASSIGNABLE, Span::new(file, 10, 11), "no")
            .with_secondary(Span::new(file, 4, 5), "bound here"),
    );
    let text = render::human(&sources, &all, false);
    assert_eq!(text.matches("two.rc:2:1").count(), 1, "{text}");
    assert!(
        text.contains("╰── here") && text.contains("╰── bound here"),
        "{text}"
    );
}

#[test]
fn a_fix_is_applied_to_its_file_only() {
    let mut sources = Sources::new();
    let (file, other) = (sources.add("a.rc", "a b c"), sources.add("b.rc", ""));
    let fix = [
        rc_diagnostics::Edit {
            span: Span::new(file, 4, 5),
            text: "z".into(),
        },
        rc_diagnostics::Edit {
            span: Span::new(other, 0, 1),
            text: "!".into(),
        },
        rc_diagnostics::Edit {
            span: Span::new(file, 1, 1),
            text: ",".into(),
        },
    ];
    assert_eq!(rc_diagnostics::apply(file, "a b c", &fix), "a, b z");
}
