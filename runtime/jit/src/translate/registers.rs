//! Registers as frontend variables, per activation of a bytecode function.
//!
//! Always true: a register's place is made once per activation, in the machine form of its type; a register of the caller
//! and one of the callee never share a variable, so assignments between them are copies.

use cranelift_codegen::ir::{Block, InstBuilder, Type as NativeType, Value, types};
use cranelift_frontend::Variable;
use rc_bytecode::instr::{Register, Scalar, Space, Type, View};
use rc_bytecode::module::Function;

use super::{Translator, control};

/// Where a register lives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Scalar(Variable),
    /// A view without canvas address.
    Pointer(Variable),
    /// A writable view of a page.
    Located {
        pointer: Variable,
        address: Variable,
    },
}

/// A view's machine form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pointer {
    pub host: Value,
    /// Canvas address; writable page views only.
    pub address: Option<Value>,
}

/// Where a function's returns go.
#[derive(Clone, Debug)]
pub(crate) enum Exit {
    /// Out of the native function.
    Native,
    /// To the code after the call that was translated in place.
    Inline {
        done: Block,
        results: Vec<Place>,
        none: Option<Block>,
    },
}

/// One function being translated, natively or in place of a call.
pub(crate) struct Activation<'m> {
    pub function: &'m Function,
    /// Made when first used.
    pub places: Vec<Option<Place>>,
    /// Bytes from the native function's frame pointer to this function's slots.
    pub frame_offset: u32,
    /// How many calls were translated in place around it.
    pub depth: u32,
    pub exit: Exit,
    /// Whether `Exit::Inline`'s blocks were jumped to.
    pub done_used: bool,
    pub none_used: bool,
    pub scopes: Vec<control::Scope>,
}

impl Activation<'_> {
    pub(crate) fn type_of(&self, register: Register) -> Type {
        self.function.registers[register.0 as usize]
    }

    pub(crate) fn scalar_of(&self, register: Register) -> Scalar {
        match self.type_of(register) {
            Type::Scalar(scalar) => scalar,
            Type::View(_) => unreachable!("verified: register {} is a scalar", register.0),
        }
    }

    pub(crate) fn view_of(&self, register: Register) -> View {
        match self.type_of(register) {
            Type::View(view) => view,
            Type::Scalar(_) => unreachable!("verified: register {} is a view", register.0),
        }
    }
}

/// The machine type of a scalar.
pub(crate) fn native_type(scalar: Scalar) -> NativeType {
    match scalar {
        Scalar::Bool | Scalar::U8 | Scalar::I8 => types::I8,
        Scalar::U16 | Scalar::I16 => types::I16,
        Scalar::U32 | Scalar::I32 => types::I32,
        Scalar::U64 | Scalar::I64 => types::I64,
        Scalar::U128 | Scalar::I128 => types::I128,
        Scalar::F64 => types::F64,
    }
}

/// Whether a register of this type carries a canvas address.
pub(crate) fn is_located(kind: Type) -> bool {
    matches!(kind, Type::View(view) if view.writable && matches!(view.space, Space::Page(_)))
}

/// The machine types of parameters of these types, in order.
pub(crate) fn flatten(kinds: &[Type]) -> Vec<NativeType> {
    let mut flat = Vec::new();
    for kind in kinds {
        match kind {
            Type::Scalar(Scalar::U128 | Scalar::I128) => flat.extend([types::I64, types::I64]),
            Type::Scalar(scalar) => flat.push(native_type(*scalar)),
            view if is_located(*view) => flat.extend([types::I64, types::I64]),
            Type::View(_) => flat.push(types::I64),
        }
    }
    flat
}

impl Translator<'_, '_> {
    pub(super) fn receive_parameters(&mut self, activation: &mut Activation, parameters: &[Value]) {
        let mut rest = parameters.iter().copied();
        let mut next = || {
            rest.next()
                .expect("the signature was made by `flatten` of the same types")
        };
        for (index, kind) in activation.function.parameters.iter().enumerate() {
            let register = Register(index as u32);
            match kind {
                Type::Scalar(Scalar::U128 | Scalar::I128) => {
                    let (low, high) = (next(), next());
                    let whole = self.builder.ins().iconcat(low, high);
                    self.set_scalar(activation, register, whole);
                }
                Type::Scalar(_) => self.set_scalar(activation, register, next()),
                view => {
                    let host = next();
                    let address = is_located(*view).then(&mut next);
                    self.set_pointer(activation, register, Pointer { host, address });
                }
            }
        }
    }

    // -- registers ------------------------------------------------------------------------------------

    pub(crate) fn place(&mut self, activation: &mut Activation, register: Register) -> Place {
        let index = register.0 as usize;
        if let Some(place) = activation.places[index] {
            return place;
        }
        let place = match activation.function.registers[index] {
            Type::Scalar(scalar) => Place::Scalar(self.builder.declare_var(native_type(scalar))),
            view if is_located(view) => Place::Located {
                pointer: self.builder.declare_var(types::I64),
                address: self.builder.declare_var(types::I64),
            },
            Type::View(_) => Place::Pointer(self.builder.declare_var(types::I64)),
        };
        activation.places[index] = Some(place);
        place
    }

    pub(crate) fn scalar(&mut self, activation: &mut Activation, register: Register) -> Value {
        match self.place(activation, register) {
            Place::Scalar(variable) => self.builder.use_var(variable),
            _ => unreachable!("verified: register {} is a scalar", register.0),
        }
    }

    pub(crate) fn set_scalar(
        &mut self,
        activation: &mut Activation,
        register: Register,
        value: Value,
    ) {
        match self.place(activation, register) {
            Place::Scalar(variable) => self.builder.def_var(variable, value),
            _ => unreachable!("verified: register {} is a scalar", register.0),
        }
    }

    pub(crate) fn pointer(&mut self, activation: &mut Activation, register: Register) -> Pointer {
        let place = self.place(activation, register);
        self.pointer_in(place)
    }

    fn pointer_in(&mut self, place: Place) -> Pointer {
        match place {
            Place::Pointer(variable) => Pointer {
                host: self.builder.use_var(variable),
                address: None,
            },
            Place::Located { pointer, address } => Pointer {
                host: self.builder.use_var(pointer),
                address: Some(self.builder.use_var(address)),
            },
            Place::Scalar(_) => unreachable!("verified: the register is a view"),
        }
    }

    pub(crate) fn set_pointer(
        &mut self,
        activation: &mut Activation,
        register: Register,
        value: Pointer,
    ) {
        let place = self.place(activation, register);
        self.set_pointer_in(place, value);
    }

    fn set_pointer_in(&mut self, place: Place, value: Pointer) {
        match place {
            Place::Pointer(variable) => self.builder.def_var(variable, value.host),
            Place::Located { pointer, address } => {
                self.builder.def_var(pointer, value.host);
                let known = value
                    .address
                    .expect("verified: only a writable view becomes a writable one");
                self.builder.def_var(address, known);
            }
            Place::Scalar(_) => unreachable!("verified: the register is a view"),
        }
    }

    /// Copies a register's value to another place, which may belong to another activation.
    pub(crate) fn assign(&mut self, to: Place, from: Place) {
        match (to, from) {
            (Place::Scalar(to), Place::Scalar(from)) => {
                let value = self.builder.use_var(from);
                self.builder.def_var(to, value);
            }
            (to, from) => {
                let value = self.pointer_in(from);
                self.set_pointer_in(to, value);
            }
        }
    }
}
