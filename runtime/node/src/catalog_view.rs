//! What is deployed, as the gateways see it: a snapshot that the loop replaces after a deployment.
//! Always true: a view is whole and belongs to one catalog version; whoever holds it keeps it.

use rc_bytecode::verify::Verified;
use rc_engine::Engine;
use std::sync::{Arc, RwLock};

/// One live package.
#[derive(Clone)]
pub struct CatalogEntry {
    pub epoch: u64,
    pub op: u64,
    pub time: i64,
    pub package: String,
    pub module: Arc<Verified>,
    pub source: Arc<[u8]>,
    /// Whether machine code serves it.
    pub compiled: bool,
}

/// What is deployed, as of one position.
#[derive(Clone, Default)]
pub struct CatalogView {
    pub epoch: u64,
    pub live: Vec<CatalogEntry>,
    /// Modules of all epochs by epoch, to name events of earlier deployments.
    pub history: Vec<(u64, Arc<Verified>)>,
}

impl CatalogView {
    pub(crate) fn of(engine: &Engine) -> CatalogView {
        let live = engine.live().map(|deployed| CatalogEntry {
            epoch: deployed.epoch,
            op: deployed.op,
            time: deployed.time,
            package: deployed.package.clone(),
            module: Arc::clone(&deployed.module),
            source: Arc::clone(&deployed.source),
            compiled: deployed.compiled.is_some(),
        });
        let history = (1..=engine.epoch()).filter_map(|epoch| engine.deployment(epoch));
        CatalogView {
            epoch: engine.epoch(),
            live: live.collect(),
            history: history
                .map(|deployed| (deployed.epoch, Arc::clone(&deployed.module)))
                .collect(),
        }
    }

    pub fn package(&self, name: &str) -> Option<&CatalogEntry> {
        self.live.iter().find(|entry| entry.package == name)
    }

    pub fn module_of_epoch(&self, epoch: u64) -> Option<&Arc<Verified>> {
        self.history
            .iter()
            .find(|(known, _)| *known == epoch)
            .map(|(_, module)| module)
    }
}

#[derive(Clone, Default)]
pub(crate) struct SharedCatalog(Arc<RwLock<Arc<CatalogView>>>);

impl SharedCatalog {
    pub fn set(&self, view: CatalogView) {
        *self.0.write().expect("no holder of this lock panics") = Arc::new(view);
    }

    pub fn get(&self) -> Arc<CatalogView> {
        Arc::clone(&self.0.read().expect("no holder of this lock panics"))
    }
}
