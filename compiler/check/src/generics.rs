//! Generic parameters of packages: what may be put for one, and what may be done with it.
//!
//! Always true: what stands for a type parameter is a value's type that its bound asks for, what stands for a number is
//! a number; so a body that was checked once holds for every instance.

use crate::body::{Body, error, make};
use crate::built::Fields;
use crate::calls::infer;
use crate::world::World;
use rc_bytecode::instr::CompareOp;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{ConstExpr, Count, ExprKind, Type};
use rc_source::Span;
use rc_syntax::ast;
use rc_syntax::ast::BinaryOperator;

/// `Ordered` allows all comparisons, `Equal` only `==` and `!=`.
pub(crate) const BOUNDS: [&str; 2] = ["Ordered", "Equal"];

impl World<'_> {
    /// Whether these may stand for the parameters; a message where one may not. `within` are the parameters around the use.
    pub fn instantiable(
        &mut self,
        name: &str,
        declared: &[ast::Generic],
        numbers: &[Option<bool>],
        arguments: &[Type],
        within: &[ast::Generic],
        span: Span,
    ) -> bool {
        for (at, (generic, argument)) in declared.iter().zip(arguments).enumerate() {
            let wanted = numbers.get(at).copied().flatten();
            let found = matches!(argument, Type::Number(_));
            let shown = |world: &World<'_>| match argument {
                Type::Parameter(number) => within
                    .get(*number as usize)
                    .map_or_else(String::new, |generic| generic.name.text.to_string()),
                _ => world.show(argument),
            };
            let parameter = &generic.name.text;
            let (message, hint) = match (wanted, argument) {
                (Some(true), Type::Parameter(_)) => continue,
                (Some(true), _) if !found => {
                    let shown = shown(self);
                    (
                        format!("`{parameter}` of `{name}` is a number, and `{shown}` is a type"),
                        None,
                    )
                }
                (Some(false), Type::Number(_)) => (
                    format!("`{parameter}` of `{name}` is a type, not a number"),
                    None,
                ),
                (_, Type::Number(_)) => continue,
                (_, ty) if self.unstorable(ty).is_some() || *ty == Type::Unit => {
                    let shown = shown(self);
                    (
                        format!("`{shown}` is no value to stand for `{parameter}` of `{name}`"),
                        Some("a value's type: u64, string<64>, a struct, …".to_string()),
                    )
                }
                (_, ty) => match &generic.bound {
                    Some(bound) if !meets(&bound.text, ty, within, &self.program) => {
                        let shown = shown(self);
                        let lacks = if &*bound.text == "Ordered" {
                            "no order"
                        } else {
                            "no `==`"
                        };
                        let hint = match ty {
                            Type::Parameter(_) => Some(format!("{shown}: {}", bound.text)),
                            _ => None,
                        };
                        (
                            format!(
                                "`{shown}` has {lacks}, and `{name}` wants `{parameter}: {}`",
                                bound.text
                            ),
                            hint,
                        )
                    }
                    _ => continue,
                },
            };
            self.error(codes::BOUND_NOT_MET, span, message)
                .hint_if(hint);
            return false;
        }
        true
    }
}

/// Whether a type has what a bound asks for.
fn meets(bound: &str, ty: &Type, within: &[ast::Generic], program: &hir::Program) -> bool {
    let ordered = matches!(
        ty,
        Type::Scalar(_)
            | Type::Time
            | Type::Duration
            | Type::Uuid
            | Type::Hash
            | Type::Decimal { .. }
            | Type::String(_)
            | Type::Bytes(_)
    );
    match ty {
        Type::Error => true,
        Type::Parameter(number) => within
            .get(*number as usize)
            .and_then(|generic| generic.bound.as_ref())
            .is_some_and(|own| &*own.text == bound || &*own.text == "Ordered"),
        Type::Enum(..) if crate::tables::orderable(ty, program) => true,
        _ if bound == "Ordered" => ordered && *ty != Type::BOOL,
        _ => {
            ordered
                || matches!(
                    ty,
                    Type::Optional(_) | Type::Tuple(_) | Type::Struct(..) | Type::Enum(..)
                )
        }
    }
}

/// Of each of so many parameters: whether it counts something in these types. Nothing where it is handed on to another
/// type's parameter, which asks by itself.
pub(crate) fn numbers<'t>(
    count: usize,
    types: impl Iterator<Item = &'t Type>,
) -> Vec<Option<bool>> {
    let mut found = vec![Some(false); count];
    types.for_each(|ty| in_type(ty, &mut found));
    found
}

fn in_type(ty: &Type, found: &mut [Option<bool>]) {
    match ty {
        Type::Optional(inner) => in_type(inner, found),
        Type::Tuple(parts) => parts.iter().for_each(|part| in_type(part, found)),
        Type::Struct(_, parts) | Type::Enum(_, parts) => {
            for part in parts {
                match part {
                    Type::Parameter(number) => {
                        if let Some(slot @ Some(false)) = found.get_mut(*number as usize) {
                            *slot = None;
                        }
                    }
                    part => in_type(part, found),
                }
            }
        }
        Type::List(inner, count) | Type::Sorted(_, inner, count) => {
            in_type(inner, found);
            in_count(count, found);
        }
        Type::String(count) | Type::Bytes(count) | Type::Number(count) => in_count(count, found),
        _ => {}
    }
}

fn in_count(count: &Count, found: &mut [Option<bool>]) {
    if let Count::Open(expr) = count {
        in_const(expr, found);
    }
}

fn in_const(expr: &ConstExpr, found: &mut [Option<bool>]) {
    match expr {
        ConstExpr::Parameter(number) => {
            if let Some(slot) = found.get_mut(*number as usize) {
                *slot = Some(true);
            }
        }
        ConstExpr::Binary(_, left, right) => {
            in_const(left, found);
            in_const(right, found);
        }
        _ => {}
    }
}

impl Body<'_, '_> {
    /// `a < b` of values whose type is a parameter: as its bound allows.
    pub fn compare_parameters(
        &mut self,
        op: CompareOp,
        operator: BinaryOperator,
        left: hir::Expr,
        right: hir::Expr,
        span: Span,
    ) -> hir::Expr {
        let bound = match &left.ty {
            Type::Parameter(number) if left.ty == right.ty => {
                self.generics.get(*number as usize).map(|generic| {
                    let bound = generic.bound.as_ref().map(|bound| bound.text.clone());
                    (generic.name.text.clone(), bound)
                })
            }
            _ => None,
        };
        let Some((name, bound)) = bound else {
            return self.bad_operands(operator, &left, &right, span);
        };
        let equality = matches!(op, CompareOp::Equal | CompareOp::NotEqual);
        let allowed = match bound.as_deref() {
            Some("Ordered") => true,
            Some("Equal") => equality,
            _ => false,
        };
        if !allowed {
            let wanted = if equality { "Equal" } else { "Ordered" };
            self.world
                .error(
                    codes::BAD_OPERANDS,
                    span,
                    format!("not every type that may stand for `{name}` can be compared so"),
                )
                .hint(format!("{name}: {wanted}"));
            return error(span);
        }
        make(
            ExprKind::Compare {
                op,
                left: Box::new(left),
                right: Box::new(right),
            },
            Type::BOOL,
            span,
        )
    }

    /// The type arguments of a struct or variant that nothing around it names: worked out from what is given for its fields.
    pub fn inferred_arguments(
        &mut self,
        count: u32,
        wanted: &[hir::Field],
        given: &Fields<'_>,
    ) -> Option<Vec<Type>> {
        let pairs: Vec<(&hir::Field, &ast::Expr)> = match given {
            Fields::None => Vec::new(),
            Fields::Tuple(parts) => wanted.iter().zip(parts.iter()).collect(),
            Fields::Record(inits) => inits
                .iter()
                .filter_map(|init| {
                    let field = wanted.iter().find(|field| *field.name == *init.name.text)?;
                    Some((field, init.value.as_ref()?))
                })
                .collect(),
        };
        // What they say is said again when their types are known.
        let said = std::mem::take(&mut self.world.diagnostics);
        let mut found: Vec<Option<Type>> = vec![None; count as usize];
        for (field, value) in pairs {
            let value = self.expr(value, None);
            infer(&field.ty, &value.ty, &mut found);
        }
        if let Fields::Record(inits) = given {
            for init in inits.iter().filter(|init| init.value.is_none()) {
                if let Some(field) = wanted.iter().find(|field| *field.name == *init.name.text) {
                    let value = self.name(&init.name, &[], None);
                    infer(&field.ty, &value.ty, &mut found);
                }
            }
        }
        self.world.diagnostics = said;
        found.into_iter().collect()
    }

    /// What a callee's parameters may be put to, of a function of a package.
    pub fn check_instance(
        &mut self,
        id: hir::CallableId,
        settled: &[Type],
        wanted: &[(String, Type)],
        span: Span,
    ) -> bool {
        let callable = &self.world.program.callables[id.0 as usize];
        if callable.origin == hir::Origin::Std {
            return true;
        }
        let (name, result) = (callable.name.clone(), callable.result.clone());
        let tree = self.world.callables[id.0 as usize].tree;
        let types = wanted.iter().map(|(_, ty)| ty).chain([&result]);
        let numbers = numbers(settled.len(), types);
        self.world.instantiable(
            &name,
            &tree.generics,
            &numbers,
            settled,
            self.generics,
            span,
        )
    }
}

/// The arguments of a type that stands in a declaration, once all fields are known.
pub(crate) fn check_declared(
    world: &mut World<'_>,
    ty: &Type,
    within: &[ast::Generic],
    span: Span,
) -> bool {
    let (name, declared, fields, arguments): (String, &[ast::Generic], Vec<Type>, &[Type]) =
        match ty {
            Type::Struct(id, arguments) if !arguments.is_empty() => {
                let at = id.0 as usize;
                let item = &world.program.structs[at];
                let fields = item.fields.iter().map(|field| field.ty.clone()).collect();
                (
                    item.name.clone(),
                    world.structs[at].tree.generics,
                    fields,
                    arguments,
                )
            }
            Type::Enum(id, arguments) if !arguments.is_empty() => {
                let at = id.0 as usize;
                let item = &world.program.enums[at];
                let fields = item.variants.iter().flat_map(|variant| &variant.fields);
                let fields = fields.map(|field| field.ty.clone()).collect();
                (
                    item.name.clone(),
                    world.enums[at].tree.generics,
                    fields,
                    arguments,
                )
            }
            _ => return true,
        };
    let numbers = match fields.is_empty() {
        true => Vec::new(),
        false => numbers(declared.len(), fields.iter()),
    };
    world.instantiable(&name, declared, &numbers, arguments, within, span)
}
