//! Where a node is: `http://HOST:PORT`. Always true of an [`Address`]: host and port are there, and nothing else is.

use std::fmt;

/// The port of `rcd dev` where a URL names none.
const PORT_DEFAULT: u16 = 7070;

/// A node's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// As written: a name, an IPv4 address, or an IPv6 address in brackets.
    pub host: String,
    pub port: u16,
}

/// Why a text is no address of a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("{0}: https is not spoken yet: nodes listen on loopback, use http://")]
    Https(String),
    #[error("{0}: an address looks like http://127.0.0.1:7070")]
    Malformed(String),
}

impl Address {
    /// Reads `http://HOST[:PORT][/]`; the scheme may be left out.
    ///
    /// # Errors
    /// `https`, another scheme, a path, credentials, no host, or a port that is none.
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        let malformed = || AddressError::Malformed(text.to_owned());
        let rest = match text.split_once("://") {
            None => text,
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => {
                return Err(AddressError::Https(text.to_owned()));
            }
            Some(_) => return Err(malformed()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rfind(']') {
            Some(end) => (&rest[..=end], &rest[end + 1..]),
            None => rest.split_at(rest.find(':').unwrap_or(rest.len())),
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => PORT_DEFAULT,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| malformed())?
            }
            _ => return Err(malformed()),
        };
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
        let good = match bare {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.bytes().all(allowed),
        };
        if good {
            Ok(Address {
                host: host.to_owned(),
                port,
            })
        } else {
            Err(malformed())
        }
    }

    /// The names under which a loopback node may have left its token, the one that was written first.
    pub(crate) fn names(&self) -> Vec<String> {
        const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];
        let mut hosts = vec![self.host.as_str()];
        if LOOPBACK.contains(&self.host.as_str()) {
            hosts.extend(LOOPBACK.iter().filter(|host| **host != self.host));
        }
        hosts
            .iter()
            .map(|host| format!("{}_{}", host.trim_matches(['[', ']']), self.port))
            .collect()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "http://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused() {
        let shown = |text: &str| Address::parse(text).map(|address| address.to_string());
        assert_eq!(
            shown("http://127.0.0.1:7070").as_deref(),
            Ok("http://127.0.0.1:7070")
        );
        assert_eq!(shown("localhost:81/").as_deref(), Ok("http://localhost:81"));
        assert_eq!(shown("http://[::1]:9").as_deref(), Ok("http://[::1]:9"));
        assert_eq!(shown("http://node-1").as_deref(), Ok("http://node-1:7070"));
        assert!(matches!(
            Address::parse("https://a:1"),
            Err(AddressError::Https(_))
        ));
        for bad in [
            "",
            "http://",
            "ftp://a",
            "http://a:x",
            "http://a:70000",
            "http://a/b",
            "http://u@a:1",
            "http://[zz]:1",
            "a:+1",
        ] {
            assert!(
                matches!(Address::parse(bad), Err(AddressError::Malformed(_))),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_loopback_token_is_looked_for_under_all_its_names() {
        let names = Address::parse("localhost:1").unwrap().names();
        assert_eq!(names, ["localhost_1", "127.0.0.1_1", "::1_1"]);
        assert_eq!(Address::parse("node:1").unwrap().names(), ["node_1"]);
    }
}
