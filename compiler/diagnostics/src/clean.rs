//! Escaping of what is quoted from sources and users. Always true of the result: no control character,
//! no bidirectional override, nothing that moves a terminal's cursor or hides text.

use std::borrow::Cow;

fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// The text with control and direction characters written as `\n`, `\t`, `\r` or `\u{1b}`.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_hostile(c) => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// A source for drawing: the same bytes at the same places, each hostile character replaced by as many
/// `?` as it has bytes; newlines stay, tabs become spaces.
pub(crate) fn clean_source(text: &str) -> Cow<'_, str> {
    let hostile = |c: char| c != '\n' && is_hostile(c);
    if !text.contains(hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '\t' => out.push(' '),
            '\r' if text[at + 1..].starts_with('\n') => out.push(' '),
            c if hostile(c) => out.extend(std::iter::repeat_n('?', c.len_utf8())),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_would_move_a_cursor() {
        assert_eq!(clean("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(clean("x\u{202e}y"), "x\\u{202e}y");
        assert!(matches!(clean("é plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_cleaned_source_keeps_every_offset() {
        let text = "a\t\u{1b}é\r\nb\u{202e}c";
        let cleaned = clean_source(text);
        assert_eq!(cleaned.len(), text.len());
        assert_eq!(cleaned.find('c'), text.find('c'));
        assert_eq!(cleaned, "a ?é \nb???c");
    }
}
