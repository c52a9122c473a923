//! The row `check-edit`: a package of 200 files in a session, one line of one file changed, everything rebuilt.
//!
//! Always true: each edit changes what a function computes, another value each time; the package stays free of mistakes.

use crate::{TEMPLATES, median};
use rc_driver::{Options, Package, Session};
use std::error::Error;
use std::time::Instant;

/// Files of the package, a part of about 110 lines each.
pub const FILES: usize = 200;
/// What is edited: a constant of the first template.
const CONSTANT: &str = ": u64 = 250\n";

/// Times rebuilds; gives the rows to print.
pub fn rows(runs: usize) -> Result<Vec<String>, Box<dyn Error>> {
    let mut texts: Vec<(String, String)> = (0..FILES).map(file).collect();
    let lines: usize = texts.iter().map(|(_, text)| text.lines().count()).sum();
    let session = Session::new();
    let options = Options {
        with_tests: true,
        ..Options::default()
    };
    let (mut first, mut messages, mut module) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..=runs.max(1) {
        for whole in [false, true] {
            // Files of the first template come every third time.
            let at = (run * 2 + usize::from(whole)) * TEMPLATES.len() * 7 % FILES;
            let at = at - at % TEMPLATES.len();
            let step = 1_000 + run * 2 + usize::from(whole);
            let text = file(at).1;
            texts[at].1 = text.replace(CONSTANT, &format!(": u64 = {step}\n"));
            assert_ne!(text, texts[at].1, "the edit changes nothing");
            let package = Package::from_texts("generated", texts.clone());
            let start = Instant::now();
            let (errors, times) = match whole {
                false => {
                    let checked = session.check(&package);
                    let took = start.elapsed();
                    (checked.diagnostics, (took, &mut messages))
                }
                true => {
                    let compiled = session.compile(&package, options);
                    let took = start.elapsed();
                    (compiled.diagnostics, (took, &mut module))
                }
            };
            if let Some(one) = errors.iter().next() {
                return Err(format!("the generated package does not pass: {}", one.message).into());
            }
            let (took, times) = times;
            let times = if run == 0 { &mut first } else { times };
            times.push(took.as_secs_f64() * 1_000.0);
        }
    }
    Ok(vec![
        format!("check-edit, {FILES} files of {lines} lines, one line edited: to reach 100 ms"),
        format!("  names, types, bounds, access: {}", shown(&mut messages)),
        format!(
            "  all that and the module with its costs: {}",
            shown(&mut module)
        ),
        format!("  before the first edit: {:.0} ms", first[0]),
    ])
}

fn file(number: usize) -> (String, String) {
    let mut text = format!("//! Part {number} of a generated package.\npackage generated\n\n");
    if number == 0 {
        text.push_str("role teller\n\n");
    }
    text.push_str(&TEMPLATES[number % TEMPLATES.len()].replace('@', &number.to_string()));
    (format!("part_{number:03}.rc"), text)
}

fn shown(times: &mut [f64]) -> String {
    let middle = median(times);
    let (least, most) = (times[0], times[times.len() - 1]);
    format!("{middle:.0} ms ({least:.0} to {most:.0})")
}
