//! Rows whose bytes are no values: what a hostile module may have left in a region that the next one reads. Always true:
//! a command that reads them ends in both engines alike, within its proven cost, and stops no node.

use differential::chance::Chance;
use differential::engines::{Engines, Sabotage, build};
use rc_vm::Outcome;

const PACKAGE: &str = "package generated

enum Kind { Nothing, Open(u64), Named(string<6>), Pair { left: f64, right: bool } }

table Item {
    key id: u64
    kind: Kind = Kind.Nothing
    weight: f64 = 0.0
    on: bool = false
    name: string<8> = \"\"
    marks: list<bool, 3> = []
    spare: Kind? = none
}

table Sorted {
    key id: u64 ordered
    kind: Kind = Kind.Nothing
}

event Seen { kind: Kind, name: string<8> }

error Wrong { Is(kind: Kind) }

command put(id: u64, kind: Kind, name: string<8>) allow anyone {
    Item.put({ id, kind, name, marks: [true], spare: kind })
    Sorted.put({ id, kind })
}

command number(id: u64) -> u64 allow anyone {
    let item = Item.get(id) else return 0
    item.weight += 1.0
    match item.kind {
        Nothing => 1
        Open(n) => n
        Named(name) => name.len() as u64
        Pair { left, right } => if right && left > 0.0 { 2 } else { 3 }
    }
}

command give(id: u64) -> (Kind, bool, string<8>, list<bool, 3>, Kind?) allow anyone {
    let item = Item.get(id) else return (Kind.Nothing, false, \"\", [], none)
    item.on = !item.on
    (item.kind, item.on, item.name, item.marks, item.spare)
}

command tell(id: u64) fails Wrong allow anyone {
    let item = Item.get(id) else return
    emit Seen { kind: item.kind, name: item.name }
    item.weight += 0.5
    ensure !item.on else Is(item.kind)
}

query walk() -> list<Kind, 10> allow anyone { [s.kind for s in Sorted take 10] }
";

#[test]
fn bytes_of_rows_that_are_no_values_end_alike_and_stop_nothing() {
    let built = build(PACKAGE, None, Sabotage::None).unwrap_or_else(|error| panic!("{error}"));
    let module = built.module.module();
    let command = |name: &str| {
        let place = module
            .interface
            .commands
            .iter()
            .position(|c| c.name == name);
        place.expect("a command of the package") as u32
    };
    let readers = ["number", "give", "tell", "walk"].map(command);
    let page_bytes = 1u64 << built.page_shift;
    let (mut done, mut failed) = (0, 0);
    for seed in 0..400 {
        let mut random = Chance(seed);
        let mut engines = Engines::new(&built);
        for id in 0..4u64 {
            let mut arguments = id.to_le_bytes().to_vec();
            match id {
                0 => arguments.push(0),
                1 => arguments.extend([1, 9, 0, 0, 0, 0, 0, 0, 0]),
                2 => arguments.extend([2, 2, 0, b'h', b'i']),
                _ => arguments.extend([3, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 1]),
            }
            arguments.extend([1, 0, b'x']);
            let put = engines.call(command("put"), &arguments, 1).expect("a row");
            assert!(matches!(put.outcome, Outcome::Done(_)), "{:?}", put.outcome);
        }
        for _ in 0..12 {
            let region = random.below(module.regions.len()) as u16;
            let (page, offset) = (random.below(3) as u64, random.below(page_bytes as usize));
            engines.corrupt(region, page, offset, random.number() as u8);
            for reader in readers {
                let arguments = match reader == command("walk") {
                    true => Vec::new(),
                    false => (random.below(4) as u64).to_le_bytes().to_vec(),
                };
                let answer = engines.call(reader, &arguments, 2);
                match answer
                    .unwrap_or_else(|error| panic!("seed {seed}: {error}"))
                    .outcome
                {
                    Outcome::Done(_) => done += 1,
                    Outcome::Failed(..) => failed += 1,
                }
            }
            engines
                .compare_pages()
                .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
    }
    assert!(done > 1_000 && failed > 200, "{done} done, {failed} failed");
}
