//! Diagnostics drawn on the source by ariadne. Spans are bytes (ariadne would count characters), and
//! the source is cleaned without moving a byte, so labels stay where they point.

use crate::clean::{clean, clean_source};
use crate::{Diagnostics, Severity};
use ariadne::{Color, Config, IndexType, Label, Report, ReportKind};
use rc_source::{FileId, Sources, Span};
use std::collections::BTreeMap;

/// Lines longer than this are shown as a short line only: drawing them helps nobody.
const LINE_DRAWN_BYTES_MAX: usize = 2_000;

/// Drawn on the source, with hints; `color` for terminals.
pub fn human(sources: &Sources, diagnostics: &Diagnostics, color: bool) -> String {
    let mut cache = Cache {
        files: BTreeMap::new(),
        sources,
    };
    let mut out = Vec::new();
    for diagnostic in diagnostics {
        let spans = std::iter::once(&diagnostic.primary)
            .chain(&diagnostic.secondary)
            .map(|label| label.span);
        if spans.clone().any(|span| !is_drawable(sources, span)) {
            let mut one = Diagnostics::new();
            one.push(diagnostic.clone());
            out.extend_from_slice(super::short(sources, &one).as_bytes());
            if let Some(hint) = &diagnostic.hint {
                out.extend_from_slice(format!("  Help: {}\n", clean(hint)).as_bytes());
            }
            continue;
        }
        let kind = match diagnostic.severity {
            Severity::Error => ReportKind::Error,
            Severity::Warning => ReportKind::Warning,
        };
        let place = |span: Span| (span.file, span.start as usize..span.end as usize);
        let config = Config::default()
            .with_color(color)
            .with_index_type(IndexType::Byte);
        let mut report = Report::build(kind, place(diagnostic.primary.span))
            .with_config(config)
            .with_code(diagnostic.code)
            .with_message(clean(&diagnostic.message));
        // A label without a text is not underlined: right where others stand inside it, else wrong. Blocks of one
        // file are joined only where lines rise.
        let text = |label: &crate::Label| match label.text.as_str() {
            "" => "here".to_owned(),
            text => clean(text).into_owned(),
        };
        let whole = diagnostic.primary.span;
        let mut primary = Label::new(place(whole))
            .with_color(Color::Red)
            .with_priority(1);
        let is_pointed_into = diagnostic.secondary.iter().any(|label| {
            label.span.file == whole.file
                && whole.start <= label.span.start
                && label.span.end <= whole.end
        });
        if !diagnostic.primary.text.is_empty() || !is_pointed_into {
            primary = primary.with_message(text(&diagnostic.primary));
        }
        let mut labels = vec![(whole, primary)];
        for secondary in &diagnostic.secondary {
            let label = Label::new(place(secondary.span))
                .with_color(Color::Blue)
                .with_message(text(secondary));
            labels.push((secondary.span, label));
        }
        let own = diagnostic.primary.span.file;
        labels.sort_by_key(|(span, _)| (span.file != own, span.file, span.start, span.end));
        for (_, label) in labels {
            report.add_label(label);
        }
        if let Some(hint) = &diagnostic.hint {
            report.set_help(clean(hint));
        }
        report
            .finish()
            .write(&mut cache, &mut out)
            .expect("a vector takes all");
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn is_drawable(sources: &Sources, span: Span) -> bool {
    let file = sources.file(span.file);
    let (first, last) = (file.position(span.start).line, file.position(span.end).line);
    [first, last]
        .into_iter()
        .all(|line| file.line_text(line).len() <= LINE_DRAWN_BYTES_MAX)
}

/// Sources as ariadne wants them, made when first drawn.
struct Cache<'a> {
    files: BTreeMap<FileId, ariadne::Source<String>>,
    sources: &'a Sources,
}

impl ariadne::Cache<FileId> for Cache<'_> {
    type Storage = String;

    fn fetch(&mut self, id: &FileId) -> Result<&ariadne::Source<String>, impl std::fmt::Debug> {
        let sources = self.sources;
        let make = || ariadne::Source::from(clean_source(&sources.file(*id).text).into_owned());
        Ok::<_, std::convert::Infallible>(self.files.entry(*id).or_insert_with(make))
    }

    fn display<'b>(&self, id: &'b FileId) -> Option<impl std::fmt::Display + 'b> {
        Some(clean(&self.sources.file(*id).name).into_owned())
    }
}
