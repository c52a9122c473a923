//! How near proven costs are to the worst that data can bring: tables filled with keys that collide, trees at full depth whose
//! nodes are full where an insert comes and lonely where a deletion comes. The medians have ceilings, and the table stands in
//! the specification's chapter on costs (`UPDATE_TIGHTNESS=1` writes it there).

mod package;
mod trees;

use differential::engines::{Built, Engines, Sabotage, build};
use package::TEXT;
use rc_bytecode::Cost;
use rc_bytecode::hash::hash_bytes;
use rc_vm::Outcome;
use std::fmt::Write;
use trees::{Entry, Sizes, Tree};

/// Above what fills leaves up.
const BASE: u64 = 1 << 60;
/// What eight rows have in the index.
const KIND: u64 = BASE + 1_000;
/// Rows that walks visit.
const WALKED: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    LookUp,
    Insert,
    Other,
}

struct Line {
    kind: Kind,
    what: &'static str,
    data: &'static str,
    proven: Cost,
    worst: Cost,
}

impl Line {
    fn steps(&self) -> f64 {
        self.proven.steps as f64 / self.worst.steps as f64
    }

    fn pages(&self) -> f64 {
        pages(&self.proven) as f64 / pages(&self.worst) as f64
    }
}

fn pages(cost: &Cost) -> u64 {
    cost.pages_read + cost.pages_written
}

/// A package on a canvas that is as bad as can be.
struct World<'b> {
    built: &'b Built,
    engines: Engines<'b>,
}

/// Keys of a hashed table that all fall into one group and have one tag, and stay together when the group is split; in the order of
/// their bytes.
struct Colliding {
    tagged: Vec<u64>,
}

impl<'b> World<'b> {
    fn new(built: &'b Built) -> World<'b> {
        World {
            built,
            engines: Engines::new(built),
        }
    }

    fn region(&self, name: &str) -> u16 {
        let regions = &self.built.module.module().regions;
        let found = regions.iter().position(|region| region.name == name);
        found.unwrap_or_else(|| panic!("no region {name}")) as u16
    }

    fn call(&mut self, name: &str, arguments: &[u64]) -> (Outcome, Cost, Cost) {
        let commands = &self.built.module.module().interface.commands;
        let number = commands
            .iter()
            .position(|command| command.name == name)
            .unwrap_or_else(|| panic!("no command {name}"));
        let packed: Vec<u8> = arguments
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        let answer = self
            .engines
            .call(number as u32, &packed, 1)
            .unwrap_or_else(|reason| panic!("{name}{arguments:?}: {reason}"));
        (answer.outcome, answer.measured, commands[number].cost)
    }

    fn done(&mut self, name: &str, arguments: &[u64]) -> (Vec<u8>, Cost, Cost) {
        match self.call(name, arguments) {
            (Outcome::Done(bytes), measured, proven) => (bytes, measured, proven),
            (other, ..) => panic!("{name}{arguments:?}: {other:?}"),
        }
    }

    fn words(&self, region: u16) -> Vec<u64> {
        let page = self.engines.page(region, 0);
        let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        page.chunks_exact(8).take(4).map(word).collect()
    }

    /// A tree's pages, and its record where its region keeps it.
    fn plant(&mut self, region: u16, record_at: usize, tree: &Tree) {
        let made = tree.make();
        for (page, bytes) in &made.pages {
            self.engines.write(region, *page, 0, bytes);
        }
        self.engines.write(region, 0, record_at, &made.record);
    }

    /// Fills a hashed table by its own inserts with keys that collide, up to just before the insert that splits their full group
    /// and moves all of it.
    fn collide(&mut self, table: &str, insert: &str, more: usize) -> Colliding {
        let region = self.region(table);
        let arguments = |id: u64| [id, id, id][..1 + more].to_vec();
        self.done(insert, &arguments(u64::MAX));
        let seed = self.words(region)[0];
        let hash = |id: &u64| hash_bytes(&id.to_le_bytes(), seed);
        let able = |id: &u64| *id as u8 != 0 && hash(id) & 0x3F == 0x3F;
        let mut tagged: Vec<u64> = (0..)
            .filter(able)
            .filter(|id| hash(id) >> 57 == 9)
            .take(4 + WALKED + 2)
            .collect();
        let mut others = (0..).filter(able).filter(|id| hash(id) >> 57 != 9);
        let in_group: Vec<u64> = tagged.drain(..4).collect();
        tagged.sort_by_key(|id| id.to_le_bytes());
        in_group
            .iter()
            .for_each(|id| drop(self.done(insert, &arguments(*id))));
        // Six splits: by then the group was filled more than twice over, the rest stands in the tree.
        for id in &mut others {
            let words = self.words(region);
            let (last, count) = (words[2], words[3]);
            if last == 6 && count * 3 >= 7 * self.slots(16 + 8 * (more as u64 - 1)) {
                break;
            }
            self.done(insert, &arguments(id));
        }
        Colliding { tagged }
    }

    /// Slots of a group, as `hashed.rc` counts them.
    fn slots(&self, row: u64) -> u64 {
        let page = 1u64 << self.built.page_shift;
        let fit = page / (row + 1);
        let log = (0..10)
            .find(|log| (fit - 1) >> (6 + log) == 0)
            .unwrap_or(10);
        ((page >> log) - 16) / (row + 1)
    }

    fn sizes(&self, key: usize, row: usize, align: usize) -> Sizes {
        Sizes {
            page: 1 << self.built.page_shift,
            key,
            row,
            align,
        }
    }

    /// The overflow tree of a hashed table, at full depth, with the rows of `tagged`: the last of them at the end of its chain.
    fn overflow(&mut self, table: &str, rows: &[Vec<u64>]) {
        let region = self.region(table);
        let bytes = rows[0].len() * 8;
        let sizes = self.sizes(8, bytes, 8);
        let entries: Vec<Entry> = rows
            .iter()
            .map(|row| Entry {
                key: row[0].to_le_bytes().to_vec(),
                row: row.iter().flat_map(|word| word.to_le_bytes()).collect(),
            })
            .collect();
        let (last, full) = entries.split_last().expect("rows");
        let tree = Tree {
            sizes,
            first: 1 << 33,
            height: sizes.depth(),
            full: full.to_vec(),
            single: Vec::new(),
            last: last.clone(),
        };
        self.plant(region, 32, &tree);
    }
}

/// A hashed table at its worst; the keys that are left: seven in the full leaf, one at the end of the chain, one that is nowhere.
fn hashed(built: &Built) -> (World<'_>, Colliding) {
    let mut world = World::new(built);
    let mut keys = world.collide("Hashed/rows@1", "insert_hashed", 1);
    let free = keys.tagged.remove(0);
    let rows: Vec<Vec<u64>> = keys.tagged.iter().map(|id| vec![*id, 7]).collect();
    world.overflow("Hashed/rows@1", &rows);
    keys.tagged.push(free);
    (world, keys)
}

/// An ordered table at full depth: ids from `BASE`.
fn ordered(built: &Built) -> World<'_> {
    let mut world = World::new(built);
    let region = world.region("Ordered/rows@1");
    let entry = |id: u64| Entry {
        key: id.to_be_bytes().to_vec(),
        row: [id, 7].map(u64::to_le_bytes).concat(),
    };
    let sizes = world.sizes(8, 16, 8);
    let tree = Tree {
        sizes,
        first: 1,
        height: sizes.depth(),
        full: vec![entry(BASE)],
        single: (0..WALKED as u64).map(|n| entry(BASE + 10 + n)).collect(),
        last: entry(BASE + 100),
    };
    world.plant(region, 8, &tree);
    world.engines.write(region, 0, 0, &1_000u64.to_le_bytes());
    world
}

/// A hashed table with an index and a unique one, all three at their worst.
fn indexed(built: &Built) -> (World<'_>, Colliding) {
    let mut world = World::new(built);
    let mut keys = world.collide("Indexed/rows@1", "insert_indexed", 2);
    let free = keys.tagged.remove(0);
    let end = keys.tagged.len() - 1;
    let row = |at: usize, id: u64| {
        let place = at as u64;
        match at == end {
            true => vec![id, KIND + 10, BASE + 100],
            false => vec![id, KIND, BASE + place],
        }
    };
    let rows: Vec<Vec<u64>> = keys
        .tagged
        .iter()
        .enumerate()
        .map(|(at, id)| row(at, *id))
        .collect();
    world.overflow("Indexed/rows@1", &rows);
    let by_kind = |row: &Vec<u64>| Entry {
        key: [row[1], row[0]].map(u64::to_be_bytes).concat(),
        row: row[0].to_le_bytes().to_vec(),
    };
    let by_name = |row: &Vec<u64>| Entry {
        key: row[2].to_be_bytes().to_vec(),
        row: row[0].to_le_bytes().to_vec(),
    };
    let mut single: Vec<Entry> = rows[..end].iter().map(by_kind).collect();
    single.sort_by(|one, other| one.key.cmp(&other.key));
    let sizes = world.sizes(16, 8, 1);
    let kinds = Tree {
        sizes,
        first: 1,
        height: sizes.depth(),
        full: Vec::new(),
        single,
        last: by_kind(&rows[end]),
    };
    let sizes = world.sizes(8, 8, 1);
    let names = Tree {
        sizes,
        first: 1,
        height: sizes.depth(),
        full: rows[..end].iter().map(by_name).collect(),
        single: Vec::new(),
        last: by_name(&rows[end]),
    };
    for (name, tree) in [("by_kind", kinds), ("by_name", names)] {
        let region = world.region(&format!("Indexed/{name}@1"));
        world.plant(region, 8, &tree);
        world.engines.write(region, 0, 0, &1_000u64.to_le_bytes());
    }
    keys.tagged.push(free);
    (world, keys)
}

const COLLIDING: &str = "keys of one group and tag, its tree at full depth";
const SPLITTING: &str = "the same, and a full group that is split";
const DEEP: &str = "a tree at full depth";
const FULL: &str = "full nodes all the way down";
const LONELY: &str = "nodes with one kid all the way down";
const PLAIN: &str = "any";

fn measure(built: &Built) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |kind, what, data, world: &mut World<'_>, name: &str, arguments: &[u64]| {
        let (bytes, worst, proven) = world.done(name, arguments);
        lines.push(Line {
            kind,
            what,
            data,
            proven,
            worst,
        });
        bytes
    };
    let one = |bytes: Vec<u8>| assert_eq!(bytes, 7u64.to_le_bytes());
    let was_there = |bytes: Vec<u8>| assert_eq!(bytes, [1]);
    use Kind::{Insert, LookUp, Other};

    let (mut world, keys) = hashed(built);
    let (there, free) = (keys.tagged[3], keys.tagged[keys.tagged.len() - 1]);
    let last = keys.tagged[keys.tagged.len() - 2];
    one(add(
        LookUp,
        "hashed: get",
        COLLIDING,
        &mut world,
        "get_hashed",
        &[there],
    ));
    add(
        LookUp,
        "hashed: get and write",
        COLLIDING,
        &mut world,
        "write_hashed",
        &[there, 8],
    );
    was_there(add(
        Other,
        "hashed: delete",
        LONELY,
        &mut world,
        "delete_hashed",
        &[last],
    ));
    for (what, name) in [
        ("hashed: insert", "insert_hashed"),
        ("hashed: put", "put_hashed"),
        ("hashed: get_or_insert", "get_or_insert_hashed"),
    ] {
        let (mut world, _) = hashed(built);
        add(Insert, what, SPLITTING, &mut world, name, &[free, 1]);
    }

    let mut world = ordered(built);
    one(add(
        LookUp,
        "ordered: get",
        DEEP,
        &mut world,
        "get_ordered",
        &[BASE],
    ));
    add(
        LookUp,
        "ordered: get and write",
        DEEP,
        &mut world,
        "write_ordered",
        &[BASE, 7],
    );
    add(
        Other,
        "ordered: walk of 8",
        DEEP,
        &mut world,
        "up_ordered",
        &[BASE + 5],
    );
    add(
        Other,
        "ordered: walk of 8, descending",
        DEEP,
        &mut world,
        "down_ordered",
        &[BASE + 50],
    );
    was_there(add(
        Other,
        "ordered: delete",
        LONELY,
        &mut world,
        "delete_ordered",
        &[BASE + 100],
    ));
    for (what, name) in [
        ("ordered: insert", "insert_ordered"),
        ("ordered: put", "put_ordered"),
        ("ordered: get_or_insert", "get_or_insert_ordered"),
    ] {
        add(
            Insert,
            what,
            FULL,
            &mut ordered(built),
            name,
            &[BASE + 1, 1],
        );
    }

    let mut world = World::new(built);
    add(
        Insert,
        "dense: insert",
        PLAIN,
        &mut world,
        "insert_dense",
        &[3, 7],
    );
    one(add(
        LookUp,
        "dense: get",
        PLAIN,
        &mut world,
        "get_dense",
        &[3],
    ));
    add(
        LookUp,
        "dense: get and write",
        PLAIN,
        &mut world,
        "write_dense",
        &[3, 7],
    );
    add(
        Insert,
        "dense: put",
        PLAIN,
        &mut world,
        "put_dense",
        &[4, 7],
    );
    was_there(add(
        Other,
        "dense: delete",
        PLAIN,
        &mut world,
        "delete_dense",
        &[3],
    ));

    let (mut world, keys) = indexed(built);
    let free = keys.tagged[keys.tagged.len() - 1];
    let last = keys.tagged[keys.tagged.len() - 2];
    let kind = add(
        LookUp,
        "unique index: get",
        COLLIDING,
        &mut world,
        "get_unique",
        &[BASE + 2],
    );
    assert_eq!(kind, KIND.to_le_bytes());
    let up = add(
        Other,
        "index: walk of 8",
        COLLIDING,
        &mut world,
        "up_index",
        &[KIND],
    );
    let down = add(
        Other,
        "index: walk of 8, descending",
        COLLIDING,
        &mut world,
        "down_index",
        &[KIND],
    );
    assert_eq!((up.len(), up.len()), (4 + 8 * WALKED, down.len()));
    was_there(add(
        Other,
        "two indexes: delete",
        LONELY,
        &mut world,
        "delete_indexed",
        &[last],
    ));
    let (mut world, _) = indexed(built);
    add(
        Insert,
        "two indexes: insert",
        FULL,
        &mut world,
        "insert_indexed",
        &[free, KIND - 5, BASE + 50],
    );
    let (mut world, _) = indexed(built);
    add(
        Insert,
        "two indexes: put, a new row",
        FULL,
        &mut world,
        "put_indexed",
        &[free, KIND - 5, BASE + 50],
    );
    let (mut world, _) = indexed(built);
    add(
        Insert,
        "two indexes: put, over a row",
        FULL,
        &mut world,
        "put_indexed",
        &[last, KIND - 5, BASE + 50],
    );
    let (mut world, _) = indexed(built);
    add(
        Other,
        "an index: write its field",
        FULL,
        &mut world,
        "move_indexed",
        &[last, KIND - 5],
    );
    lines
}

fn median(lines: &[Line], kind: Kind, of: fn(&Line) -> f64) -> f64 {
    let mut ratios: Vec<f64> = lines
        .iter()
        .filter(|line| line.kind == kind)
        .map(of)
        .collect();
    ratios.sort_by(f64::total_cmp);
    let middle = ratios.len() / 2;
    match ratios.len() % 2 {
        0 => (ratios[middle - 1] + ratios[middle]) / 2.0,
        _ => ratios[middle],
    }
}

fn table(lines: &[Line]) -> String {
    let mut text = String::from(
        "| operation | data | steps proven | worst measured | ÷ | pages proven | worst measured | ÷ |\n\
         | --- | --- | --: | --: | --: | --: | --: | --: |\n",
    );
    for line in lines {
        let (proven, worst) = (&line.proven, &line.worst);
        writeln!(
            text,
            "| {} | {} | {} | {} | {:.2} | {} | {} | {:.2} |",
            line.what,
            line.data,
            proven.steps,
            worst.steps,
            line.steps(),
            pages(proven),
            pages(worst),
            line.pages()
        )
        .expect("a string takes all");
    }
    for (name, kind) in [
        ("look-ups", Kind::LookUp),
        ("inserts", Kind::Insert),
        ("the others", Kind::Other),
    ] {
        writeln!(
            text,
            "| **{name}**, median | | | | **{:.2}** | | | **{:.2}** |",
            median(lines, kind, Line::steps),
            median(lines, kind, Line::pages)
        )
        .expect("a string takes all");
    }
    text
}

fn within_ceilings(lines: &[Line]) {
    for kind in [Kind::LookUp, Kind::Insert, Kind::Other] {
        let (steps, pages) = (
            median(lines, kind, Line::steps),
            median(lines, kind, Line::pages),
        );
        assert!(
            steps <= 3.0 && pages <= 2.0,
            "{kind:?}: {steps:.2} of steps, {pages:.2} of pages"
        );
    }
}

#[test]
fn bounds_are_near_on_small_pages() {
    let built = build(TEXT, Some(9), Sabotage::None).expect("it compiles");
    let lines = measure(&built);
    println!("{}", table(&lines));
    within_ceilings(&lines);
}

#[test]
fn bounds_are_near_and_the_chapter_says_how_near() {
    let shift = rc_bytecode::limits::PAGE_SHIFT_DEFAULT;
    let built = build(TEXT, Some(shift), Sabotage::None).expect("it compiles");
    let lines = measure(&built);
    let table = table(&lines);
    println!("{table}");
    within_ceilings(&lines);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../lang-spec/09-cost.md");
    let chapter = std::fs::read_to_string(path).expect("the chapter");
    let start = chapter
        .find("| operation | data |")
        .unwrap_or(chapter.len());
    let end = start
        + chapter[start..]
            .find("\n\n")
            .map_or(chapter.len() - start, |end| end + 1);
    if std::env::var_os("UPDATE_TIGHTNESS").is_some() {
        let written = format!("{}{table}{}", &chapter[..start], &chapter[end..]);
        std::fs::write(path, written).expect("the chapter is writable");
    } else {
        assert_eq!(&chapter[start..end], table, "UPDATE_TIGHTNESS=1 writes it");
    }
}

/// The trees are as deep as a tree can be: one level more is refused.
#[test]
fn one_level_more_is_refused() {
    let built = build(TEXT, Some(9), Sabotage::None).expect("it compiles");
    let mut world = ordered(&built);
    let region = world.region("Ordered/rows@1");
    let sizes = world.sizes(8, 16, 8);
    let entry = Entry {
        key: BASE.to_be_bytes().to_vec(),
        row: vec![0; 16],
    };
    let tree = Tree {
        sizes,
        first: 1,
        height: sizes.depth() + 1,
        full: vec![entry.clone()],
        single: Vec::new(),
        last: Entry {
            key: (BASE + 1).to_be_bytes().to_vec(),
            ..entry
        },
    };
    world.plant(region, 8, &tree);
    let (outcome, ..) = world.call("get_ordered", &[BASE]);
    assert!(matches!(outcome, Outcome::Failed(..)), "{outcome:?}");
}
