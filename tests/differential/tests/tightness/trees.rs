//! Ordered trees at full depth, written page by page as `stdlib/ordered.rc` lays them out: by inserts alone one would
//! take 2⁴⁴ of them.
//!
//! Always true: what an operation on the tree comes to is there and is as the container's own operations would have left it;
//! kids that no operation here comes to have a number and no page.

/// All the pages that a region can have, as `ordered.rc` counts them.
const PAGES: u64 = 1 << 34;

/// The sizes that a tree was made for, in bytes.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub page: usize,
    pub key: usize,
    pub row: usize,
    /// What the rows of a leaf are aligned to.
    pub align: usize,
}

impl Sizes {
    /// Entries of a leaf.
    pub fn leaf(&self) -> usize {
        (self.page - 32) / (self.key + self.row)
    }

    /// Kids of an inner node.
    pub fn inner(&self) -> usize {
        (self.page - 16) / (self.key + 8)
    }

    /// Inner levels at most: `DEPTH` of `ordered.rc`.
    pub fn depth(&self) -> usize {
        let half = self.inner() as u64 / 2;
        let divided = |times: u32| (0..times).fold(PAGES, |pages, _| pages / half);
        let levels = 1 + (1..=5).filter(|times| divided(*times) > 0).count();
        match divided(6) {
            0 => levels,
            _ => levels + 34 / half.ilog2() as usize - 5,
        }
    }
}

#[derive(Clone)]
pub struct Entry {
    pub key: Vec<u8>,
    pub row: Vec<u8>,
}

/// A tree whose root has two kids. Below the first every node is full, down to a full leaf; below the second every node has one
/// kid, down to a leaf with one entry.
pub struct Tree {
    pub sizes: Sizes,
    /// The number of its first page.
    pub first: u64,
    /// Inner levels.
    pub height: usize,
    /// Entries of the full leaf, ascending; smaller ones fill it up.
    pub full: Vec<Entry>,
    /// Behind that, leaves with one entry each.
    pub single: Vec<Entry>,
    /// The one of the other side, above all.
    pub last: Entry,
}

/// Pages by number, and the record of the tree.
pub struct Made {
    pub pages: Vec<(u64, Vec<u8>)>,
    pub record: Vec<u8>,
}

impl Tree {
    pub fn make(&self) -> Made {
        let mut pages = Vec::new();
        let mut next = self.first;
        let mut new = || {
            next += 1;
            next - 1
        };
        // Numbers first: leaves name their neighbours, inner nodes their kids.
        let root = new();
        let sides: Vec<(u64, u64)> = (1..self.height).map(|_| (new(), new())).collect();
        let (full, last) = (new(), new());
        let singles: Vec<u64> = self.single.iter().map(|_| new()).collect();
        let row_of_leaves: Vec<u64> = [full].into_iter().chain(singles.clone()).collect();
        let freed: Vec<u64> = (0..self.height + 2).map(|_| new()).collect();
        let nowhere = self.first + (1 << 20);

        pages.push((
            root,
            self.inner(
                &[sides[0].0, sides[0].1],
                &[self.lowest(), self.last.key.clone()],
            ),
        ));
        for (level, (busy, lonely)) in sides.iter().enumerate() {
            let below = sides.get(level + 1).copied();
            let mut kids = match below {
                Some((busy, _)) => vec![busy],
                None => row_of_leaves.clone(),
            };
            let mut keys = vec![self.lowest()];
            if below.is_none() {
                keys.extend(self.single.iter().map(|entry| entry.key.clone()));
            }
            kids.resize(self.sizes.inner(), nowhere);
            keys.resize(self.sizes.inner(), self.last.key.clone());
            pages.push((*busy, self.inner(&kids, &keys)));
            let kid = below.map_or(last, |(_, lonely)| lonely);
            pages.push((
                *lonely,
                self.inner(&[kid], std::slice::from_ref(&self.last.key)),
            ));
        }
        let mut entries: Vec<Entry> = (0..self.sizes.leaf() - self.full.len())
            .map(|number| self.filler(number as u64))
            .collect();
        entries.extend(self.full.iter().cloned());
        let leaves: Vec<(u64, Vec<Entry>)> = [(full, entries)]
            .into_iter()
            .chain(
                singles
                    .iter()
                    .copied()
                    .zip(self.single.iter().map(|entry| vec![entry.clone()])),
            )
            .chain([(last, vec![self.last.clone()])])
            .collect();
        for (at, (page, entries)) in leaves.iter().enumerate() {
            let previous = at.checked_sub(1).map_or(0, |at| leaves[at].0);
            let following = leaves.get(at + 1).map_or(0, |leaf| leaf.0);
            pages.push((*page, self.leaf(entries, following, previous)));
        }
        for (at, page) in freed.iter().enumerate() {
            let mut bytes = vec![0; self.sizes.page];
            let after = freed.get(at + 1).copied().unwrap_or(0);
            bytes[..8].copy_from_slice(&after.to_le_bytes());
            pages.push((*page, bytes));
        }
        let record = [root, self.height as u64, next - self.first, freed[0]];
        Made {
            pages,
            record: record.map(u64::to_le_bytes).concat(),
        }
    }

    /// The key of the first kid, which is never compared.
    fn lowest(&self) -> Vec<u8> {
        vec![0; self.sizes.key]
    }

    fn filler(&self, number: u64) -> Entry {
        let mut key = vec![0; self.sizes.key.max(8)];
        key[..8].copy_from_slice(&number.to_be_bytes());
        key.truncate(self.sizes.key);
        Entry {
            key,
            row: vec![0; self.sizes.row],
        }
    }

    fn inner(&self, kids: &[u64], keys: &[Vec<u8>]) -> Vec<u8> {
        let mut page = vec![0; self.sizes.page];
        page[..8].copy_from_slice(&(kids.len() as u64).to_le_bytes());
        for (at, kid) in kids.iter().enumerate() {
            page[8 + at * 8..][..8].copy_from_slice(&kid.to_le_bytes());
        }
        let base = 8 + self.sizes.inner() * 8;
        for (at, key) in keys.iter().enumerate() {
            page[base + at * self.sizes.key..][..self.sizes.key].copy_from_slice(key);
        }
        page
    }

    fn leaf(&self, entries: &[Entry], next: u64, previous: u64) -> Vec<u8> {
        let mut page = vec![0; self.sizes.page];
        for (at, word) in [entries.len() as u64, next, previous]
            .into_iter()
            .enumerate()
        {
            page[at * 8..][..8].copy_from_slice(&word.to_le_bytes());
        }
        let (key, row) = (self.sizes.key, self.sizes.row);
        let rows = (24 + self.sizes.leaf() * key).next_multiple_of(self.sizes.align);
        for (at, entry) in entries.iter().enumerate() {
            page[24 + at * key..][..key].copy_from_slice(&entry.key);
            page[rows + at * row..][..row].copy_from_slice(&entry.row);
        }
        page
    }
}
