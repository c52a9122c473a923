//! Watches the folders of a package and of those that it uses, and says when something that matters was saved.

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// How long a burst of changes may go on before it counts as one save.
const SETTLE: Duration = Duration::from_millis(40);

/// Keeps the watch for as long as it lives.
pub struct Watch {
    _watcher: RecommendedWatcher,
    changed: Receiver<()>,
}

impl Watch {
    pub fn start(folders: &[PathBuf]) -> notify::Result<Watch> {
        let (sender, changed): (Sender<()>, Receiver<()>) = channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| {
                !event.kind.is_access() && event.paths.iter().any(|path| matters(path))
            }) {
                let _ = sender.send(());
            }
        })?;
        for folder in folders {
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
        }
        Ok(Watch {
            _watcher: watcher,
            changed,
        })
    }

    /// Waits for the next save; false when the watch has ended.
    pub fn wait(&self) -> bool {
        if self.changed.recv().is_err() {
            return false;
        }
        while self.changed.recv_timeout(SETTLE).is_ok() {}
        true
    }
}

fn matters(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    (name.ends_with(".rc") || name == "rc.toml") && !name.starts_with('.')
}
