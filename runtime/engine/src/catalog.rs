//! What is deployed: an append-only list of deployments in a system region, and its mirror in memory.
//!
//! Always true: the catalog region and the log tell the same story; a record, once written, never changes; the live
//! module of a package is its last record's. The catalog version (*epoch*) rises by one with each deployment.
//!
//! ```text
//!   region 0: end u64 │ record: length u64, epoch, op, time, deployer, package, bindings, module, source │ record │ …
//! ```

use crate::bytes::{Reader, Truncated, Writer};
use crate::system::{self, CATALOG, FIRST_USER_REGION};
use rc_bytecode::Module;
use rc_bytecode::compat::{self, ChangeKind};
use rc_bytecode::instr::FunctionIndex;
use rc_bytecode::interface::{Guard, GuardKind};
use rc_bytecode::routes;
use rc_bytecode::verify::Verified;
use rc_canvas::{Canvas, RegionId, TouchError};
use rc_jit::Compiled;
use rc_vm::{Bindings, Prepared};
use std::collections::BTreeMap;
use std::sync::Arc;

const END_OFFSET: u64 = 0;
const RECORDS_OFFSET: u64 = 64;

/// One deployment.
#[derive(Clone)]
pub struct Deployed {
    pub epoch: u64,
    pub op: u64,
    /// Nanoseconds since 1970, as stamped.
    pub time: i64,
    pub deployer: u64,
    pub package: String,
    pub module: Arc<Verified>,
    pub bindings: Arc<Bindings>,
    /// The module as the interpreter runs it.
    pub prepared: Arc<Prepared>,
    /// As the deployer sent it.
    pub source: Arc<[u8]>,
    /// Machine code, where it has been made.
    pub compiled: Option<Arc<Compiled>>,
}

/// Why a deployment was not taken; the text is shown to the deployer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeployRefusal {
    #[error("the catalog is at version {now}, the plan was made for {expected}: make it again")]
    Conflict { now: u64, expected: u64 },
    #[error("the module cannot be read: {0}")]
    Decode(String),
    #[error("the module does not verify: {0}")]
    Verify(String),
    #[error("it breaks what is deployed:\n{0}")]
    Breaks(String),
    #[error("no regions are left for its data")]
    RegionsFull,
    #[error("the module has pages of 2^{module} bytes, this canvas has pages of 2^{canvas}")]
    PageSize { module: u8, canvas: u8 },
}

/// Why the catalog region cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("the catalog region cannot be read: {0}")]
    Touch(#[from] TouchError),
    #[error("a catalog record is malformed: {0}")]
    Record(#[from] Truncated),
    #[error("the deployed module of epoch {epoch} does not verify: {reason}")]
    Module { epoch: u64, reason: String },
}

/// See the file's text.
#[derive(Default)]
pub(crate) struct Catalog {
    /// By epoch, all that ever were.
    pub deployments: BTreeMap<u64, Deployed>,
    /// Package name to the epoch of its live deployment.
    pub live: BTreeMap<String, u64>,
    /// `package:region name` to canvas region and the layout of what is in it; also of regions that no live module uses.
    regions: BTreeMap<String, (RegionId, u64)>,
}

/// A module that may go live, with its regions chosen.
pub(crate) struct Accepted {
    package: String,
    module: Arc<Verified>,
    bindings: Vec<u16>,
    fresh: Vec<(String, RegionId)>,
    prepared: Arc<Prepared>,
    /// What the data has to answer first.
    questions: Vec<Question>,
}

/// A guard to be asked of the data that is there, and what to say where the answer is no.
pub(crate) struct Question {
    pub entry: FunctionIndex,
    pub refusal: String,
}

impl Accepted {
    pub fn prepared(&self) -> &Arc<Prepared> {
        &self.prepared
    }

    pub fn questions(&self) -> &[Question] {
        &self.questions
    }

    /// The data as the module would see it: what is new is empty.
    pub fn present(&self) -> Bindings {
        let fresh = |region: &u16| self.fresh.iter().any(|(_, new)| new == region);
        let regions = self.bindings.iter();
        Bindings {
            regions: regions
                .map(|region| {
                    if fresh(region) {
                        system::ABSENT
                    } else {
                        *region
                    }
                })
                .collect(),
        }
    }
}

impl Catalog {
    /// The version: that of the latest deployment, 0 before the first.
    pub fn epoch(&self) -> u64 {
        self.deployments
            .last_key_value()
            .map_or(0, |(epoch, _)| *epoch)
    }

    pub fn live(&self, package: &str) -> Option<&Deployed> {
        self.live
            .get(package)
            .and_then(|epoch| self.deployments.get(epoch))
    }

    /// Checks without changing anything.
    pub fn check(
        &self,
        expected_epoch: u64,
        module: Verified,
        page_shift: u8,
    ) -> Result<Accepted, DeployRefusal> {
        let now = self.epoch();
        if expected_epoch != now {
            return Err(DeployRefusal::Conflict {
                now,
                expected: expected_epoch,
            });
        }
        if module.has_tests() {
            return Err(DeployRefusal::Verify(
                "it holds tests, which are never deployed".to_string(),
            ));
        }
        let code = module.module();
        if code.page_shift != page_shift {
            return Err(DeployRefusal::PageSize {
                module: code.page_shift,
                canvas: page_shift,
            });
        }
        let package = code.interface.package.clone();
        if let Some(live) = self.live(&package) {
            let broken: Vec<String> = compat::compare(live.module.module(), code)
                .iter()
                .filter(|change| change.kind == ChangeKind::Broken)
                .map(|change| change.to_string())
                .collect();
            if !broken.is_empty() {
                return Err(DeployRefusal::Breaks(broken.join("\n")));
            }
        }
        let others = self.live.iter().filter(|(name, _)| **name != package);
        for (name, epoch) in others {
            let other = &self.deployments[epoch].module.module().interface;
            if let Some((own, theirs)) = routes::met_between(&code.interface, other) {
                return Err(DeployRefusal::Breaks(format!(
                    "! {own} and {theirs} of package {name} could be asked for by one path"
                )));
            }
        }
        let earlier: Vec<&Deployed> = self
            .deployments
            .values()
            .filter(|deployed| deployed.package == package)
            .collect();
        for deployed in &earlier {
            let changes =
                compat::returns_changed(&deployed.module.module().interface, &code.interface);
            let back = compat::goes_back(deployed.module.module(), code);
            if let Some(change) = changes.iter().chain(&back).next() {
                return Err(DeployRefusal::Breaks(change.to_string()));
            }
        }
        let history: Vec<(u64, Vec<&str>)> = earlier
            .iter()
            .map(|deployed| (deployed.epoch, written(deployed.module.module())))
            .collect();
        let wanted = written(code);
        if let Some(text) = out_of_step(&wanted, &history) {
            return Err(DeployRefusal::Breaks(text));
        }
        let questions = questions(code, &wanted, &earlier)?;
        let last = self.regions.values().map(|(id, _)| *id).max();
        let mut next = last.map_or(FIRST_USER_REGION, |last| last.saturating_add(1));
        let (mut bindings, mut fresh) = (Vec::new(), Vec::new());
        for region in &code.regions {
            let name = format!("{package}:{}", region.name);
            let id = match self.regions.get(&name) {
                Some((id, layout)) if *layout == region.layout_hash => *id,
                Some(_) => {
                    let text = format!(
                        "! {} was kept with another layout: choose another name",
                        compat::data(&region.name)
                    );
                    return Err(DeployRefusal::Breaks(text));
                }
                None => {
                    if next == RegionId::MAX {
                        return Err(DeployRefusal::RegionsFull);
                    }
                    fresh.push((name, next));
                    next += 1;
                    next - 1
                }
            };
            bindings.push(id);
        }
        Ok(Accepted {
            package,
            prepared: Arc::new(Prepared::new(&module)),
            questions,
            module: Arc::new(module),
            bindings,
            fresh,
        })
    }

    /// Makes it live and writes its record. Returns the new epoch.
    #[allow(clippy::too_many_arguments)] // one record's fields, each named at the single call
    pub fn activate(
        &mut self,
        canvas: &mut Canvas,
        accepted: Accepted,
        op: u64,
        time: i64,
        deployer: u64,
        encoded: &[u8],
        source: &[u8],
        compiled: Option<Arc<Compiled>>,
    ) -> Result<u64, CatalogError> {
        let epoch = self.epoch() + 1;
        for (_, region) in &accepted.fresh {
            canvas
                .create_region(*region)
                .map_err(|error| CatalogError::Module {
                    epoch,
                    reason: error.to_string(),
                })?;
        }
        let mut record = Vec::with_capacity(encoded.len() + source.len() + 256);
        let mut writer = Writer(&mut record);
        writer.varint(epoch);
        writer.varint(op);
        writer.u64(time as u64);
        writer.varint(deployer);
        writer.bytes(accepted.package.as_bytes());
        writer.varint(accepted.bindings.len() as u64);
        for region in &accepted.bindings {
            writer.varint(u64::from(*region));
        }
        writer.bytes(encoded);
        writer.bytes(source);
        let end = system::read_u64(canvas, CATALOG, END_OFFSET)?.max(RECORDS_OFFSET);
        system::write_u64(canvas, CATALOG, end, record.len() as u64)?;
        system::write(canvas, CATALOG, end + 8, &record)?;
        system::write_u64(canvas, CATALOG, END_OFFSET, end + 8 + record.len() as u64)?;
        self.insert(Deployed {
            epoch,
            op,
            time,
            deployer,
            package: accepted.package,
            prepared: accepted.prepared,
            module: accepted.module,
            bindings: Arc::new(Bindings {
                regions: accepted.bindings,
            }),
            source: source.into(),
            compiled,
        });
        Ok(epoch)
    }

    fn insert(&mut self, deployed: Deployed) {
        for (region, id) in deployed
            .module
            .module()
            .regions
            .iter()
            .zip(&deployed.bindings.regions)
        {
            self.regions.insert(
                format!("{}:{}", deployed.package, region.name),
                (*id, region.layout_hash),
            );
        }
        self.live.insert(deployed.package.clone(), deployed.epoch);
        self.deployments.insert(deployed.epoch, deployed);
    }

    /// Reads the region back; every module is verified again.
    pub fn recover(canvas: &mut Canvas) -> Result<Catalog, CatalogError> {
        let mut catalog = Catalog::default();
        let end = system::read_u64(canvas, CATALOG, END_OFFSET)?;
        let mut at = RECORDS_OFFSET;
        while at < end {
            let length = system::read_u64(canvas, CATALOG, at)?;
            if length > end - at {
                return Err(Truncated { at: at as usize }.into());
            }
            let mut record = vec![0; length as usize];
            system::read(canvas, CATALOG, at + 8, &mut record)?;
            at += 8 + length;
            let mut reader = Reader::new(&record);
            let epoch = reader.varint()?;
            let op = reader.varint()?;
            let time = reader.u64()? as i64;
            let deployer = reader.varint()?;
            let package = reader.text()?.to_string();
            let count = reader.varint()?;
            let mut regions = Vec::new();
            for _ in 0..count {
                regions.push(reader.varint()? as u16);
            }
            let module =
                verify_encoded(reader.bytes()?).map_err(|refusal| CatalogError::Module {
                    epoch,
                    reason: refusal.to_string(),
                })?;
            let source = reader.bytes()?.into();
            catalog.insert(Deployed {
                epoch,
                op,
                time,
                deployer,
                package,
                prepared: Arc::new(Prepared::new(&module)),
                module: Arc::new(module),
                bindings: Arc::new(Bindings { regions }),
                source,
                compiled: None,
            });
        }
        Ok(catalog)
    }
}

/// What the data has to answer before the module goes live: each top-level invariant, and for what is new of a table's rows
/// (an invariant, an index, an aggregate) that there are none. A rule holds of all rows where the last deployment
/// that wrote the table kept it, since that one was asked the same. An older version of a table has no rows where a newer one
/// takes its place. Epochs ascend.
fn questions(
    code: &Module,
    wanted: &[&str],
    earlier: &[&Deployed],
) -> Result<Vec<Question>, DeployRefusal> {
    let mut questions = Vec::new();
    let guards = &code.interface.guards;
    for guard in guards {
        if guard.kind == GuardKind::Holds {
            questions.push(Question {
                entry: guard.entry,
                refusal: format!(
                    "! invariant {} does not hold of the data that is there: deploy without it, correct the data by a command, deploy it again",
                    guard.subject
                ),
            });
            continue;
        }
        let writer = earlier.iter().rev().find(|deployed| {
            let regions = &deployed.module.module().regions;
            regions.iter().any(|region| region.name == guard.subject)
        });
        let Some(writer) = writer else { continue };
        if !wanted.contains(&guard.subject.as_str()) {
            continue;
        }
        let nothing = Guard {
            rules: Vec::new(),
            ..guard.clone()
        };
        let guards = &writer.module.module().interface.guards;
        let known = guards
            .iter()
            .find(|known| known.kind == GuardKind::Empty && known.subject == guard.subject)
            .unwrap_or(&nothing);
        let table = compat::data(&guard.subject);
        for (text, _) in compat::new_rules(known, guard) {
            questions.push(Question {
                entry: guard.entry,
                refusal: format!(
                    "! invariant {text} is new of {table}, which {HAS_ROWS}: check it in the commands that write, or keep it in a table of another name"
                ),
            });
        }
    }
    for region in code.regions.iter().filter(|region| !region.writable) {
        let mut earlier = earlier.iter();
        if !earlier.any(|deployed| written(deployed.module.module()).contains(&&*region.name)) {
            continue;
        }
        let refusal = format!(
            "! a newer version takes the place of {}, which {HAS_ROWS}: no deploy migrates rows yet; delete them by a command first, or add a table of another name and move them",
            compat::data(&region.name)
        );
        let guard = guards
            .iter()
            .find(|guard| guard.kind == GuardKind::Empty && guard.subject == region.name);
        match guard {
            Some(guard) => questions.push(Question {
                entry: guard.entry,
                refusal,
            }),
            None => return Err(DeployRefusal::Breaks(refusal)),
        }
    }
    for region in wanted {
        let Some(owner @ (table, _)) = compat::version_of(region) else {
            continue;
        };
        let names = |deployed: &&&Deployed, wanted: &dyn Fn(&str) -> bool| {
            let regions = &deployed.module.module().regions;
            regions.iter().any(|known| wanted(&known.name))
        };
        let of_table = |name: &str| compat::version_of(name) == Some(owner);
        let used = earlier
            .iter()
            .any(|deployed| names(&deployed, &|name| name == *region));
        let seen = earlier.iter().any(|deployed| names(&deployed, &of_table));
        if used || !seen || region.contains("/rows@") {
            continue;
        }
        let refusal = format!(
            "! {} is new over table {table}, which {HAS_ROWS}: it would start empty",
            compat::data(region)
        );
        let guard = guards
            .iter()
            .find(|guard| guard.kind == GuardKind::Empty && of_table(&guard.subject));
        match guard {
            Some(guard) => questions.push(Question {
                entry: guard.entry,
                refusal,
            }),
            None => return Err(DeployRefusal::Breaks(refusal)),
        }
    }
    Ok(questions)
}

/// The regions that a module writes: all but those of older versions of its tables.
fn written(module: &Module) -> Vec<&str> {
    let regions = module.regions.iter().filter(|region| region.writable);
    regions.map(|region| region.name.as_str()).collect()
}

/// What is known of a table that does not say that it is empty.
const HAS_ROWS: &str = "has rows (or is dense, and keeps no count of them)";

/// What of a table's data would not agree with the rest of it. Rows, indexes and aggregates of one table (`Table/part`)
/// agree only where every deployment that wrote one wrote them all: one that was left out for a while has missed
/// writes. Versions of a table are tables of their own here. A part that is new is another question: see `questions`. Epochs ascend.
fn out_of_step(wanted: &[&str], history: &[(u64, Vec<&str>)]) -> Option<String> {
    for region in wanted {
        let Some(owner @ (table, _)) = compat::version_of(region) else {
            continue;
        };
        let of_table = |name: &&&str| compat::version_of(name) == Some(owner);
        let seen = history
            .iter()
            .rev()
            .find(|(_, regions)| regions.iter().any(|name| of_table(&name)));
        let Some((last, _)) = seen else { continue };
        let used = history
            .iter()
            .rev()
            .find(|(_, regions)| regions.contains(region));
        match used {
            None => {}
            Some((epoch, _)) if epoch != last => {
                return Some(format!(
                    "! {} was left out since catalog version {epoch} and has missed writes of table {table}: give it another name, which goes live while {table} has no rows",
                    compat::data(region)
                ));
            }
            Some(_) => {}
        }
    }
    None
}

/// Decodes and verifies: the only way from bytes to code that runs.
pub(crate) fn verify_encoded(bytes: &[u8]) -> Result<Verified, DeployRefusal> {
    let module =
        rc_bytecode::decode(bytes).map_err(|error| DeployRefusal::Decode(error.to_string()))?;
    rc_bytecode::verify(module).map_err(|error| DeployRefusal::Verify(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::out_of_step;

    #[test]
    fn parts_of_a_table_stay_in_step() {
        let rows = "A/rows@1";
        let index = "A/by_v@1";
        assert_eq!(out_of_step(&[rows, index], &[]), None);
        assert_eq!(out_of_step(&[rows, index], &[(1, vec![rows, index])]), None);
        assert_eq!(
            out_of_step(&[rows], &[(1, vec![rows, index])]),
            None,
            "a part may be left out"
        );
        assert_eq!(
            out_of_step(&["B/rows@1", "state.s@1", rows], &[(1, vec![rows])]),
            None,
            "other data is free"
        );
        assert!(
            out_of_step(&[rows, index], &[(1, vec![rows, index]), (2, vec![rows])]).is_some(),
            "it missed writes"
        );
        assert_eq!(
            out_of_step(&[rows, index], &[(1, vec![rows, index]), (2, vec![])]),
            None,
            "all were away together"
        );
        let apart = [(1, vec![rows, index]), (2, vec![rows]), (3, vec![])];
        assert!(
            out_of_step(&[rows, index], &apart).is_some(),
            "away together, but one for longer"
        );
    }
}
