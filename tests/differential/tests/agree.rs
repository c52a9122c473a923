//! Generated packages on three oracles. `DIFFERENTIAL_SEEDS` packages, from `DIFFERENTIAL_FIRST` on, each with
//! `DIFFERENTIAL_OPS` ops, on small pages and on those of the product; with `DIFFERENTIAL_PAIRS` as many packages as it takes.
//!
//! A *pair* is a generated package and one call of a command, a query, a report or a step of a job with its arguments, run on both engines
//! and the model: outcome, events, digest agree, and what was measured is within what was proven.

use differential::coverage::Coverage;
use differential::engines::Sabotage;
use differential::harness::{Plan, run};
use differential::model::Mistake;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn agree(page_shift: Option<u8>, share: u64) {
    let (first, seeds, ops) = (
        number("DIFFERENTIAL_FIRST", 0),
        number("DIFFERENTIAL_SEEDS", 45),
        number("DIFFERENTIAL_OPS", 250),
    );
    let pairs = number("DIFFERENTIAL_PAIRS", 0) / share;
    let mut coverage = Coverage::default();
    let mut wrong = Vec::new();
    for seed in first.. {
        let enough = match pairs {
            0 => seed >= first + (seeds / share).max(1),
            pairs => coverage.ops >= pairs,
        };
        if enough {
            break;
        }
        if pairs > 0 && seed % 100 == 99 {
            eprintln!("seed {seed}: {} pairs so far", coverage.ops);
        }
        let plan = Plan {
            seed,
            ops: ops as usize,
            page_shift,
            mistake: Mistake::None,
            sabotage: Sabotage::None,
        };
        if let Err(report) = run(plan, &mut coverage) {
            eprintln!("{report}");
            wrong.push(seed);
        }
        if wrong.len() >= 5 {
            break;
        }
    }
    println!("{}", coverage.show());
    assert!(wrong.is_empty(), "seeds that go wrong: {wrong:?}");
    // A run of some length meets everything that can be met.
    if coverage.packages >= 45 {
        assert_eq!(coverage.forms.missing(), Vec::<String>::new());
        assert_eq!(coverage.missing_instructions(), Vec::<&str>::new());
    }
}

#[test]
fn all_three_agree_on_small_pages() {
    agree(None, 1);
}

#[test]
fn all_three_agree_on_the_pages_of_the_product() {
    agree(Some(rc_bytecode::limits::PAGE_SHIFT_DEFAULT), 3);
}
