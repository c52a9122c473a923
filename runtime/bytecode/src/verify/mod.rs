//! From a module that somebody handed in to one that may run.
//!
//! Always true of a [`Verified`]: every index points somewhere; every operand has the type that the
//! instruction wants; every register is assigned before it is read; every static offset lies in its view; no
//! view outlives its slot; nothing reaches outside the declared regions or writes one that is not writable;
//! calls form a DAG, loops carry a bound, and the certificates are exactly what [`compute_costs`] finds.
//! Time is linear in the module (the constant is the number of registers / 64), memory is bounded by it, and
//! recursion by `NESTING_MAX` and `SHAPE_DEPTH_MAX`. What is not proven: that memory holds canonical values.

mod assigned;
mod attempts;
mod certificate;
mod effects;
mod entries;
mod shapes;
mod types;

pub use assigned::FlowError;
pub use certificate::{CertificateError, certify, compute_costs};
pub use effects::Effects;
pub use entries::InterfaceError;
pub use shapes::ShapeError;
pub use types::{TypeError, binary_defined, convert_defined, unary_defined};

use crate::instr::FunctionIndex;
use crate::limits;
use crate::module::{FunctionKind, Module};
use shapes::Sizes;

/// A module that may run. Only [`verify`] makes one.
#[derive(Debug)]
pub struct Verified {
    module: Module,
    effects: Vec<Effects>,
    hash: [u8; 32],
}

impl Verified {
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// What a function may do, calls followed.
    pub fn effects(&self, function: FunctionIndex) -> Effects {
        self.effects[function.0 as usize]
    }

    /// SHA-256 of the encoding without its trailing hash: the module's identity.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Whether it has functions of kind `Test`: such a module is never deployed.
    pub fn has_tests(&self) -> bool {
        self.module
            .functions
            .iter()
            .any(|function| function.kind == FunctionKind::Test)
    }

    /// The module back, and no longer verified.
    pub fn into_module(self) -> Module {
        self.module
    }
}

/// Why a module is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyError {
    pub place: Place,
    pub reason: Reason,
}

/// Where the module is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Module,
    Region(u32),
    /// A struct, enum, event or error type, by its name.
    Shape(String),
    /// By name and version.
    Command(String, u32),
    /// With the instruction's number in preorder, where it is about one.
    Function {
        index: u32,
        name: String,
        instruction: Option<u32>,
    },
}

/// One family a pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error(transparent)]
    Limit(#[from] LimitError),
    #[error(transparent)]
    Shape(#[from] ShapeError),
    #[error(transparent)]
    Type(#[from] TypeError),
    #[error(transparent)]
    Flow(#[from] FlowError),
    #[error(transparent)]
    Interface(#[from] InterfaceError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

/// A ceiling of `limits` is exceeded, or a number of the header is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {found}, allowed is {allowed}")]
pub struct LimitError {
    pub what: &'static str,
    pub found: u64,
    /// The greatest allowed, or the only one.
    pub allowed: u64,
}

impl std::error::Error for VerifyError {}

impl std::fmt::Display for VerifyError {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        match &self.place {
            Place::Module => write!(out, "module: {}", self.reason),
            Place::Region(index) => write!(out, "region {index}: {}", self.reason),
            Place::Shape(name) => write!(out, "type {name}: {}", self.reason),
            Place::Command(name, version) => {
                write!(out, "command {name}@{version}: {}", self.reason)
            }
            Place::Function {
                index,
                name,
                instruction: None,
            } => write!(out, "function {index} {name}: {}", self.reason),
            Place::Function {
                index,
                name,
                instruction: Some(number),
            } => {
                write!(
                    out,
                    "function {index} {name}, instruction {number}: {}",
                    self.reason
                )
            }
        }
    }
}

/// Checks everything, in passes that each trust what the ones before have proven.
pub fn verify(module: Module) -> Result<Verified, VerifyError> {
    header(&module)?;
    let sizes = Sizes::of(&module.interface)?;
    types::check(&module, &sizes)?;
    assigned::check(&module)?;
    let effects = effects::of_module(&module, &sizes);
    certificate::check_functions(&module, &sizes, &effects)?;
    attempts::check(&module, &sizes, &effects)?;
    entries::check(&module, &sizes, &effects)?;
    let encoded = crate::encode::payload(&module);
    at_most(
        "size of the encoding",
        encoded.bytes.len(),
        limits::MODULE_BYTES_MAX,
    )
    .map_err(|error| error.at(Place::Module))?;
    at_most("number of list items", encoded.items, limits::ITEMS_MAX)
        .map_err(|error| error.at(Place::Module))?;
    let hash = crate::encode::content_hash(&encoded.bytes);
    Ok(Verified {
        module,
        effects: effects.into_iter().map(|summary| summary.effects).collect(),
        hash,
    })
}

impl<Cause: Into<Reason>> At for Cause {}

/// Says where.
trait At: Into<Reason> {
    fn at(self, place: Place) -> VerifyError {
        VerifyError {
            place,
            reason: self.into(),
        }
    }
}

fn at_most(what: &'static str, found: usize, allowed: usize) -> Result<(), LimitError> {
    if found <= allowed {
        Ok(())
    } else {
        Err(LimitError {
            what,
            found: found as u64,
            allowed: allowed as u64,
        })
    }
}

fn within(what: &'static str, found: u64, allowed: u64) -> Result<(), LimitError> {
    if found <= allowed {
        Ok(())
    } else {
        Err(LimitError {
            what,
            found,
            allowed,
        })
    }
}

fn exactly(what: &'static str, found: u64, allowed: u64) -> Result<(), LimitError> {
    if found == allowed {
        Ok(())
    } else {
        Err(LimitError {
            what,
            found,
            allowed,
        })
    }
}

/// Header, regions, and counts of everything.
fn header(module: &Module) -> Result<(), VerifyError> {
    let counts = || {
        exactly("format", u64::from(module.format), 1)?;
        exactly("edition", u64::from(module.edition), 1)?;
        within(
            "page shift",
            u64::from(module.page_shift),
            u64::from(limits::PAGE_SHIFT_MAX),
        )?;
        if module.page_shift < limits::PAGE_SHIFT_MIN {
            return Err(LimitError {
                what: "page shift",
                found: u64::from(module.page_shift),
                allowed: u64::from(limits::PAGE_SHIFT_MIN),
            });
        }
        at_most(
            "number of regions",
            module.regions.len(),
            limits::REGIONS_MAX,
        )?;
        at_most(
            "number of functions",
            module.functions.len(),
            limits::FUNCTIONS_MAX,
        )?;
        at_most(
            "number of commands",
            module.interface.commands.len(),
            limits::ENTRIES_MAX,
        )?;
        at_most(
            "number of events",
            module.interface.events.len(),
            limits::ENTRIES_MAX,
        )?;
        at_most(
            "number of error types",
            module.interface.errors.len(),
            limits::ERRORS_MAX,
        )?;
        at_most(
            "number of roles",
            module.interface.roles.len(),
            limits::ROLES_MAX,
        )?;
        at_most(
            "number of retired commands",
            module.interface.retired.len(),
            limits::ENTRIES_MAX,
        )?;
        at_most(
            "number of guards",
            module.interface.guards.len(),
            limits::ENTRIES_MAX,
        )?;
        at_most(
            "number of routes",
            module.interface.routes.len(),
            limits::ROUTES_MAX,
        )?;
        for guard in &module.interface.guards {
            at_most("number of rules", guard.rules.len(), limits::ENTRIES_MAX)?;
            let texts = guard.rules.iter().map(|(text, _)| text);
            for text in texts.chain([&guard.subject]) {
                at_most("length of a text", text.len(), limits::NAME_BYTES_MAX)?;
            }
        }
        let names = module
            .files
            .iter()
            .chain(&module.interface.roles)
            .chain(module.interface.retired.iter().map(|(name, _)| name))
            .chain([&module.interface.package]);
        for name in names.chain(module.regions.iter().map(|region| &region.name)) {
            at_most("length of a name", name.len(), limits::NAME_BYTES_MAX)?;
        }
        Ok(())
    };
    counts().map_err(|error| error.at(Place::Module))?;
    let mut names = std::collections::BTreeSet::new();
    for (index, region) in module.regions.iter().enumerate() {
        let place = || Place::Region(index as u32);
        within(
            "number of pages",
            region.pages_max,
            limits::REGION_PAGES_MAX,
        )
        .map_err(|error| error.at(place()))?;
        if !names.insert(&region.name) {
            return Err(InterfaceError::NameTaken(region.name.clone()).at(place()));
        }
    }
    Ok(())
}
