//! Roles and errors of one deployment in the numbers of another.
//!
//! A call carries numbers of the deployment that its gateway knew; another one may run it, or may have run it long ago.
//! Always true: names decide. A role that the other deployment lacks is no role there; an error that it lacks gets a
//! number that no interface has, never another error's.

use rc_bytecode::Interface;
use rc_bytecode::instr::Failure;

/// The number of an error that the reader's interface does not name.
pub const UNNAMED_ERROR: u32 = 0x7fff_ffff;

/// Role bits over `from`, as bits over `to`.
pub fn roles(from: &Interface, to: &Interface, bits: u64) -> u64 {
    let held = from
        .roles
        .iter()
        .take(64)
        .enumerate()
        .filter(|(bit, _)| bits >> bit & 1 == 1);
    let kept =
        held.filter_map(|(_, name)| to.roles.iter().take(64).position(|known| known == name));
    kept.fold(0, |bits, bit| bits | 1 << bit)
}

/// A failure with `from`'s error numbers, in `to`'s. Variants keep their places (`rc_bytecode::compat` sees to that).
pub fn failure(from: &Interface, to: &Interface, failure: Failure) -> Failure {
    let Failure::Declared { error, variant } = failure else {
        return failure;
    };
    let name = from.errors.get(error as usize).map(|sum| &sum.name);
    let there = name.and_then(|name| to.errors.iter().position(|sum| sum.name == *name));
    Failure::Declared {
        error: there.map_or(UNNAMED_ERROR, |index| index as u32),
        variant,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rc_bytecode::layout::Sum;

    fn interface(roles: &[&str], errors: &[&str]) -> Interface {
        Interface {
            roles: roles.iter().map(|name| name.to_string()).collect(),
            errors: errors
                .iter()
                .map(|name| Sum {
                    name: name.to_string(),
                    variants: vec![],
                })
                .collect(),
            ..Interface::default()
        }
    }

    #[test]
    fn names_decide_and_what_is_missing_is_nobody() {
        let (old, new) = (
            interface(&["teller", "admin"], &["Pay", "Open"]),
            interface(&["admin", "auditor"], &["Other", "Pay"]),
        );
        assert_eq!(roles(&old, &new, 0b01), 0, "a teller is no admin");
        assert_eq!(roles(&old, &new, 0b10), 0b01);
        assert_eq!(
            roles(&old, &new, u64::MAX),
            0b01,
            "bits without a name are nothing"
        );
        let declared = |error| Failure::Declared { error, variant: 2 };
        assert_eq!(failure(&old, &new, declared(0)), declared(1));
        assert_eq!(failure(&old, &new, declared(1)), declared(UNNAMED_ERROR));
        assert_eq!(failure(&old, &new, declared(9)), declared(UNNAMED_ERROR));
    }
}
