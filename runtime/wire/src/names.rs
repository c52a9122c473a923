//! How names of the language become names of protobuf. One rule for the server's descriptors and the client's paths.

/// `Pay`, `PayV2`.
pub fn method_name(command: &str, version: u32) -> String {
    let name = camel(command);
    if version == 1 {
        name
    } else {
        format!("{name}V{version}")
    }
}

/// `ledger` to `Ledger`, `accounts_of` to `AccountsOf`.
pub fn camel(name: &str) -> String {
    let mut out = String::new();
    for part in name.split(['_', '.']) {
        let mut chars = part.chars();
        out.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(chars.as_str());
    }
    out
}

/// `ledger.Ledger`.
pub fn service_name(package: &str) -> String {
    format!("{package}.{}", camel(package))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_versions_and_packages() {
        assert_eq!(method_name("accounts_of", 1), "AccountsOf");
        assert_eq!(method_name("pay", 2), "PayV2");
        assert_eq!(service_name("ledger"), "ledger.Ledger");
    }
}
