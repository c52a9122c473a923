//! Named steps of a node at which a crash test ends the process. Without the feature `failpoints` a step is nothing.

#[cfg(feature = "failpoints")]
static WATCH: std::sync::OnceLock<fn(&'static str)> = std::sync::OnceLock::new();

/// Has `watch` called at every step from now on, on the step's own thread. The first call counts.
#[cfg(feature = "failpoints")]
pub fn watch_steps(watch: fn(&'static str)) {
    let _ = WATCH.set(watch);
}

/// The thread is about to do what `name` says.
#[inline]
pub(crate) fn step(name: &'static str) {
    #[cfg(feature = "failpoints")]
    if let Some(watch) = WATCH.get() {
        watch(name);
    }
    #[cfg(not(feature = "failpoints"))]
    let _ = name;
}
