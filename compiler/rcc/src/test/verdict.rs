//! What a test found wrong, and its words. Always true: a complaint can be read without the source; where the source
//! is known, file, line and text stand with it.

use rc_vm::Shown;
use std::fmt;

/// Why a test failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Complaint {
    /// The module's assertion of this number does not hold.
    Assertion {
        number: u32,
        left: Option<Shown>,
        right: Option<Shown>,
        /// How the last command ended.
        last: Option<String>,
    },
    /// The test's own body failed.
    Failed(String),
    /// The two engines do not agree.
    Differs { what: &'static str, text: String },
    /// Code, compiler or memory is wrong: a check of the interpreter's, a measured cost above the proven one.
    Halted(String),
}

impl fmt::Display for Complaint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Complaint::Assertion { number, .. } => write!(out, "assertion {number} does not hold"),
            Complaint::Failed(failure) => write!(out, "the test's own code failed with {failure}"),
            Complaint::Differs { what, text } => write!(
                out,
                "the interpreter and the machine code differ in {what}\n{text}"
            ),
            Complaint::Halted(reason) => write!(out, "{reason}"),
        }
    }
}

/// Where an assertion stands and what it says.
pub struct AssertionPlace {
    /// `ledger.rc:84`.
    pub place: String,
    pub text: String,
}

/// The lines below a failed test's name.
pub fn explain(complaint: &Complaint, places: &[AssertionPlace]) -> String {
    let Complaint::Assertion {
        number,
        left,
        right,
        last,
    } = complaint
    else {
        return complaint.to_string();
    };
    let Some(AssertionPlace { place, text }) = places.get(*number as usize) else {
        return complaint.to_string();
    };
    // Of assertions about a command's outcome the values are status numbers, which tell nobody anything.
    if is_about_outcome(text) {
        let last = last.as_deref().unwrap_or("no command has run");
        return format!("{place}: {text}\n{last}");
    }
    let mut lines = format!("{place}: {text}");
    if let (Some(left), Some(right)) = (left, right) {
        lines.push_str(&format!("\nleft:  {left}\nright: {right}"));
    }
    lines
}

fn is_about_outcome(text: &str) -> bool {
    text.starts_with("expect ") || text.ends_with("(…) succeeds")
}
