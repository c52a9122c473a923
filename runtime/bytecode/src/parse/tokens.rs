//! Words, strings and signs of the text form. A word is letters, digits and `_`; everything between a `;` and the
//! line's end is skipped. Each token knows its line.

use super::ParseError;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Quoted(String),
    Sign(char),
}

/// The tokens with their lines, from 1.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, u32)>, ParseError> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let token = match c {
            '\n' => {
                line += 1;
                continue;
            }
            c if c.is_whitespace() => continue,
            ';' => {
                while chars.next_if(|c| *c != '\n').is_some() {}
                continue;
            }
            '"' => Token::Quoted(quoted(&mut chars).ok_or(ParseError {
                line,
                what: "a string that ends".into(),
            })?),
            c if is_word(c) => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| is_word(*c)) {
                    word.push(c);
                }
                Token::Word(word)
            }
            c => Token::Sign(c),
        };
        tokens.push((token, line));
    }
    Ok(tokens)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// What follows an opening quote, up to the closing one.
fn quoted(chars: &mut impl Iterator<Item = char>) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => match chars.next()? {
                '{' => {
                    let hex: String = chars.take_while(|c| *c != '}').collect();
                    text.push(char::from_u32(u32::from_str_radix(&hex, 16).ok()?)?);
                }
                c => text.push(c),
            },
            '\n' => return None,
            c => text.push(c),
        }
    }
}
