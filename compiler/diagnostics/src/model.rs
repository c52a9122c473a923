//! One diagnostic. Always true: it has a registered code and a primary place; its message is one line
//! that can be read without the labels.

use crate::Code;
use rc_source::{FileId, Span};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The package does not build.
    Error,
    /// It builds, and probably does not do what was meant.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// A place and what it has to do with the matter; the text may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

/// A text to stand in place of a span; an empty span inserts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub span: Span,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: Code,
    pub severity: Severity,
    /// One terse line.
    pub message: String,
    /// Where the mistake is.
    pub primary: Label,
    /// Other places that explain it: a declaration, an earlier use.
    pub secondary: Vec<Label>,
    /// What to write instead.
    pub hint: Option<String>,
    /// Edits that a tool may apply without asking further: together they take the mistake away. Never overlapping;
    /// empty where only the author can know.
    pub fix: Vec<Edit>,
}

impl Diagnostic {
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, code, span, message.into())
    }

    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Warning, code, span, message.into())
    }

    fn new(severity: Severity, code: Code, span: Span, message: String) -> Diagnostic {
        let primary = Label {
            span,
            text: String::new(),
        };
        Diagnostic {
            code,
            severity,
            message,
            primary,
            secondary: Vec::new(),
            hint: None,
            fix: Vec::new(),
        }
    }

    /// The text at the primary place.
    #[must_use]
    pub fn with_label(mut self, text: impl Into<String>) -> Diagnostic {
        self.primary.text = text.into();
        self
    }

    /// One more place.
    #[must_use]
    pub fn with_secondary(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.secondary.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// One more edit of the fix.
    #[must_use]
    pub fn with_edit(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.fix.push(Edit {
            span,
            text: text.into(),
        });
        self
    }

    /// The way out.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }
}

/// A file's text after the edits of a fix; edits of other files are left out.
pub fn apply(file: FileId, text: &str, fix: &[Edit]) -> String {
    let mut edits: Vec<&Edit> = fix.iter().filter(|edit| edit.span.file == file).collect();
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut out = String::with_capacity(text.len() + 64);
    let mut at = 0;
    for edit in edits {
        let (start, end) = (edit.span.start as usize, edit.span.end as usize);
        out.push_str(text.get(at..start).unwrap_or_default());
        out.push_str(&edit.text);
        at = at.max(end);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
