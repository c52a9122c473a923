//! Generated packages on three oracles. `DIFFERENTIAL_SEEDS` packages, from `DIFFERENTIAL_FIRST` on, each with
//! `DIFFERENTIAL_OPS` ops, on small pages and on those of the product.

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
        number("DIFFERENTIAL_SEEDS", 90),
        number("DIFFERENTIAL_OPS", 60),
    );
    let mut coverage = Coverage::default();
    let mut wrong = Vec::new();
    for seed in first..first + (seeds / share).max(1) {
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
}

#[test]
fn all_three_agree_on_small_pages() {
    agree(None, 1);
}

#[test]
fn all_three_agree_on_the_pages_of_the_product() {
    agree(Some(rc_bytecode::limits::PAGE_SHIFT_DEFAULT), 3);
}
