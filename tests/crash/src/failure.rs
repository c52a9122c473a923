//! How a run can fail. A violation is the server's fault and what this harness is for; trouble is anything else.
//! `Gone` is no failure: the server ended while it was talked to, as killed servers do.

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The server broke a promise.
    #[error("VIOLATION: {0}")]
    Violation(String),
    /// The run could not be done.
    #[error("trouble: {0}")]
    Trouble(String),
    /// The connection ended.
    #[error("the server is gone: {0}")]
    Gone(std::io::Error),
}

impl Failure {
    /// Whether what clients were told is gone: acknowledged payments, or events that the feed had shown.
    pub fn is_loss(&self) -> bool {
        matches!(self, Failure::Violation(text) if text.contains("are lost"))
    }

    pub fn violation<T>(text: impl Into<String>) -> Result<T, Failure> {
        Err(Failure::Violation(text.into()))
    }

    pub fn trouble<T>(text: impl Into<String>) -> Result<T, Failure> {
        Err(Failure::Trouble(text.into()))
    }
}

/// A file operation of the harness itself.
pub fn on_files<T>(what: &str, result: std::io::Result<T>) -> Result<T, Failure> {
    result.map_err(|error| Failure::Trouble(format!("{what}: {error}")))
}
