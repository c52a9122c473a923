//! The secret that a node asks for deploys and roles. Always true: a token file that others may read is refused, and
//! a token is never shown.

use crate::address::Address;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The environment variable that holds a token.
pub const VARIABLE: &str = "RECURRENT_TOKEN";

/// A node's token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    secret: String,
    /// Where it was found: a file's path or a variable's name.
    place: String,
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(…)")
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("the token file {} cannot be read: {source}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the token file {} may be read by others (mode {mode:03o}); run: chmod 600 {}", path.display(), path.display())]
    Open { path: PathBuf, mode: u32 },
    #[error("{0} does not hold a token: one line of visible characters is expected")]
    Malformed(String),
}

impl Token {
    /// A token given as text; blanks around it do not count.
    fn of_text(text: &str, place: impl FnOnce() -> String) -> Result<Token, TokenError> {
        let token = text.trim();
        if token.is_empty()
            || token.len() > 1024
            || !token.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(TokenError::Malformed(place()));
        }
        Ok(Token {
            secret: token.to_owned(),
            place: place(),
        })
    }

    /// Reads a file that only its owner may read.
    pub fn read(path: &Path) -> Result<Token, TokenError> {
        let failed = |source| TokenError::Read {
            path: path.to_owned(),
            source,
        };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(path)
                .map_err(failed)?
                .permissions()
                .mode()
                & 0o777;
            if mode & 0o077 != 0 {
                return Err(TokenError::Open {
                    path: path.to_owned(),
                    mode,
                });
            }
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        Token::of_text(&text, || path.display().to_string())
    }

    /// The token for a node: from `file` where one is named, else from `RECURRENT_TOKEN`, else from the file that the node
    /// left in the user's configuration. No token is not an error: calls without roles need none.
    pub fn find(address: &Address, file: Option<&Path>) -> Result<Option<Token>, TokenError> {
        if let Some(path) = file {
            return Token::read(path).map(Some);
        }
        if let Ok(text) = std::env::var(VARIABLE) {
            return Token::of_text(&text, || VARIABLE.to_owned()).map(Some);
        }
        let Some(folder) = Token::folder() else {
            return Ok(None);
        };
        for name in address.names() {
            match Token::read(&folder.join(name)) {
                Err(TokenError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {}
                found => return found.map(Some),
            }
        }
        Ok(None)
    }

    /// Where nodes leave tokens: `${XDG_CONFIG_HOME:-~/.config}/re-current/tokens`, a file `HOST_PORT` for each.
    pub fn folder() -> Option<PathBuf> {
        let set = |name: &str| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let base = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
        Some(base.join("re-current").join("tokens"))
    }

    /// Where it was found: a file's path, or `RECURRENT_TOKEN`.
    pub fn place(&self) -> &str {
        &self.place
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_files_of_ones_own_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "abc123\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            Token::read(&path),
            Err(TokenError::Open { mode: 0o644, .. })
        ));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let token = Token::read(&path).unwrap();
        assert_eq!(token.bearer(), "Bearer abc123");
        assert_eq!(format!("{token:?}"), "Token(…)");
        std::fs::write(&path, "two words").unwrap();
        assert!(matches!(Token::read(&path), Err(TokenError::Malformed(_))));
        assert!(matches!(
            Token::read(&folder.path().join("none")),
            Err(TokenError::Read { .. })
        ));
    }
}
