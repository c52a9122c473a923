//! Diagnostics for programs: a plain JSON array, and SARIF 2.1.0 for code hosts. Lines and columns are
//! from 1 and count characters; offsets are bytes.

use crate::{Diagnostics, Edit, Severity, clean, codes};
use rc_source::{Sources, Span};
use serde_json::{Value, json};

fn place(sources: &Sources, span: Span) -> Value {
    let file = sources.file(span.file);
    let (start, end) = (file.position(span.start), file.position(span.end));
    json!({
        "file": clean(&file.name),
        "start": { "line": start.line, "column": start.column, "offset": span.start },
        "end": { "line": end.line, "column": end.column, "offset": span.end },
    })
}

/// An array of objects with `code`, `severity`, `message`, `primary`, `secondary`, `hint`, `fix`: places with the
/// text that is to stand there.
pub fn json(sources: &Sources, diagnostics: &Diagnostics) -> String {
    let label = |label: &crate::Label| {
        let mut value = place(sources, label.span);
        value["text"] = json!(clean(&label.text));
        value
    };
    let edit = |edit: &Edit| {
        let mut value = place(sources, edit.span);
        value["text"] = json!(edit.text);
        value
    };
    let all: Vec<Value> = diagnostics
        .iter()
        .map(|diagnostic| {
            json!({
                "code": diagnostic.code.to_string(),
                "severity": diagnostic.severity.word(),
                "message": clean(&diagnostic.message),
                "primary": label(&diagnostic.primary),
                "secondary": diagnostic.secondary.iter().map(label).collect::<Vec<_>>(),
                "hint": diagnostic.hint.as_deref().map(clean),
                "fix": diagnostic.fix.iter().map(edit).collect::<Vec<_>>(),
            })
        })
        .collect();
    serde_json::to_string_pretty(&all).expect("plain data") + "\n"
}

/// A SARIF region.
fn region(sources: &Sources, span: Span) -> Value {
    let file = sources.file(span.file);
    let (start, end) = (file.position(span.start), file.position(span.end));
    json!({
        "startLine": start.line, "startColumn": start.column,
        "endLine": end.line, "endColumn": end.column,
        "byteOffset": span.start, "byteLength": span.len(),
    })
}

/// A SARIF 2.1.0 log with one run; rules are the codes that occur.
pub fn sarif(sources: &Sources, diagnostics: &Diagnostics) -> String {
    let location = |span: Span, text: Option<&str>| {
        let mut value = json!({
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&sources.file(span.file).name) },
                "region": region(sources, span),
            },
        });
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            value["message"] = json!({ "text": clean(text) });
        }
        value
    };
    let results: Vec<Value> = diagnostics
        .iter()
        .map(|diagnostic| {
            let hint = diagnostic.hint.iter().map(|hint| format!(". {}", clean(hint)));
            let text: String = std::iter::once(clean(&diagnostic.message).into_owned()).chain(hint).collect();
            let related: Vec<Value> =
                diagnostic.secondary.iter().map(|label| location(label.span, Some(&label.text))).collect();
            let mut result = json!({
                "ruleId": diagnostic.code.to_string(),
                "level": match diagnostic.severity { Severity::Error => "error", Severity::Warning => "warning" },
                "message": { "text": text },
                "locations": [location(diagnostic.primary.span, None)],
                "relatedLocations": related,
            });
            if let Some(first) = diagnostic.fix.first() {
                let file = sources.file(first.span.file);
                let own = diagnostic.fix.iter().filter(|edit| edit.span.file == first.span.file);
                let replacements: Vec<Value> = own
                    .map(|edit| {
                        json!({
                            "deletedRegion": region(sources, edit.span),
                            "insertedContent": { "text": edit.text },
                        })
                    })
                    .collect();
                let about = diagnostic.hint.as_deref().unwrap_or(&diagnostic.message);
                result["fixes"] = json!([{
                    "description": { "text": clean(about) },
                    "artifactChanges": [{
                        "artifactLocation": { "uri": uri(&file.name) },
                        "replacements": replacements,
                    }],
                }]);
            }
            result
        })
        .collect();
    let rules: Vec<Value> = codes::all()
        .filter(|(code, _)| diagnostics.iter().any(|diagnostic| diagnostic.code == *code))
        .map(|(code, title)| json!({ "id": code.to_string(), "shortDescription": { "text": title } }))
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "rcc", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_string_pretty(&log).expect("plain data") + "\n"
}

/// A relative path as a URI reference: everything outside the unreserved set is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(byte as char)
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
