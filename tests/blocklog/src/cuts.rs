//! Which power cuts are tried: spread over what the server was doing and over what was written last, so that rare
//! moments get as many as common ones.

use crate::block_log::{Kind, Loss};
use crate::recording::Recording;
use crash_test::random::Random;
use std::collections::BTreeMap;

/// Power is cut after this many records, and this happens to what was not flushed.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub prefix: usize,
    pub loss: Loss,
    pub phase: usize,
    pub kind: Kind,
}

/// Torn and partly lost most often: that is what a program gets wrong.
const LOSSES: [Loss; 6] = [
    Loss::Sectors,
    Loss::Writes,
    Loss::Sectors,
    Loss::Nothing,
    Loss::Sectors,
    Loss::Everything,
];

/// `count` cuts (more only where fewer would leave a kind or a phase out) and one at the end, in the order of their prefixes; about a third at flushes, the others between.
pub fn choose(recording: &Recording, count: usize, random: &mut Random) -> Vec<Cut> {
    let log = &recording.log;
    let mut classes: BTreeMap<(usize, Kind, bool), Vec<usize>> = BTreeMap::new();
    let mut kind = Kind::Other;
    for prefix in recording.first_cut..=log.len() {
        let is_border = log.is_border(prefix);
        if !is_border {
            kind = log.last_kind(prefix);
        }
        let class = (recording.phase_of(prefix), kind, is_border);
        classes.entry(class).or_default().push(prefix);
    }
    let mut cuts = Vec::new();
    let mut turn = 0;
    while cuts.len() < count && !classes.is_empty() {
        for ((phase, kind, is_border), prefixes) in &mut classes {
            // Borders, where nothing can be lost, every second turn only.
            if *is_border && turn % 2 == 1 {
                continue;
            }
            let chosen = random.below(prefixes.len() as u64) as usize;
            let prefix = prefixes.swap_remove(chosen);
            let loss = if *is_border {
                Loss::Nothing
            } else {
                LOSSES[turn % LOSSES.len()]
            };
            cuts.push(Cut {
                prefix,
                loss,
                phase: *phase,
                kind: *kind,
            });
        }
        classes.retain(|_, prefixes| !prefixes.is_empty());
        turn += 1;
    }
    // What is too much goes evenly, but never the last cut of a kind or of a phase.
    let is_spare = |cuts: &[Cut], chosen: usize| {
        let others = || (0..cuts.len()).filter(move |other| *other != chosen);
        others().any(|other| cuts[other].kind == cuts[chosen].kind)
            && others().any(|other| cuts[other].phase == cuts[chosen].phase)
    };
    while cuts.len() > count && (0..cuts.len()).any(|chosen| is_spare(&cuts, chosen)) {
        let chosen = random.below(cuts.len() as u64) as usize;
        if is_spare(&cuts, chosen) {
            cuts.swap_remove(chosen);
        }
    }
    // The last moment of all, when everything that was acknowledged has to be there.
    cuts.push(Cut {
        prefix: log.len(),
        loss: Loss::Everything,
        phase: recording.phase_of(log.len()),
        kind: log.last_kind(log.len()),
    });
    cuts.sort_by_key(|cut| cut.prefix);
    cuts
}

/// The table of cuts by what was written last and what the server was doing; the kinds and phases that none landed in.
pub fn table(recording: &Recording, cuts: &[Cut]) -> Vec<String> {
    let mut missed = Vec::new();
    print!("\n  {:40}", "last written before the cut");
    // Phases of one name are one column.
    let mut names: Vec<&'static str> = Vec::new();
    for phase in &recording.phases {
        if !names.contains(&phase.name) {
            names.push(phase.name);
        }
    }
    names.iter().for_each(|name| print!(" {name:>18}"));
    println!();
    let name_of = |cut: &Cut| recording.phases[cut.phase].name;
    for kind in Kind::ALL {
        print!("  {:40}", kind.to_string());
        for name in &names {
            let count = cuts
                .iter()
                .filter(|cut| cut.kind == kind && name_of(cut) == *name)
                .count();
            print!(" {count:>18}");
        }
        println!();
        if !cuts.iter().any(|cut| cut.kind == kind) {
            missed.push(kind.to_string());
        }
    }
    for name in names {
        if !cuts.iter().any(|cut| name_of(cut) == name) {
            missed.push(name.to_string());
        }
    }
    missed
}
