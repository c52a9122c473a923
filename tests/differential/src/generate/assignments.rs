//! Statements that change a place: a local, a state, a field of a row, a list. Always true: the value has the place's type.

use super::{Generator, Item};
use crate::description::*;
use rc_bytecode::instr::BinaryOp;

impl Generator {
    pub(super) fn assign_local(&mut self) -> Option<Statement> {
        let able: Vec<(String, Type)> = self
            .scope
            .iter()
            .filter_map(|item| match item {
                Item::Value {
                    name,
                    ty,
                    mutable: true,
                } => Some((name.clone(), ty.clone())),
                _ => None,
            })
            .collect();
        if able.is_empty() {
            return None;
        }
        let (name, ty) = self.chance.pick(&able).clone();
        self.assignment(Root::Local(name), ty)
    }

    pub(super) fn assign_state(&mut self) -> Option<Statement> {
        if self.package.states.is_empty() {
            return None;
        }
        let state = self.chance.below(self.package.states.len());
        let ty = self.package.states[state].ty.clone();
        if ty.is_container() {
            return self.hold();
        }
        self.assignment(Root::State(state), ty)
    }

    /// A row in scope, and one of its fields that can be written.
    pub(super) fn row_field(&mut self, wanted: impl Fn(&Type) -> bool) -> Option<(Root, Type)> {
        let wanted = |ty: &Type| !ty.is_container() && wanted(ty);
        let mut able = Vec::new();
        for item in &self.scope {
            if let Item::Row { name, table } = item {
                let declared = &self.package.tables[*table];
                for (number, field) in declared.fields.iter().enumerate().skip(declared.key_len) {
                    if wanted(&field.ty) {
                        able.push((Root::Row(name.clone(), *table, number), field.ty.clone()));
                    }
                }
            }
        }
        (!able.is_empty()).then(|| self.chance.pick(&able).clone())
    }

    pub(super) fn assign_row(&mut self) -> Option<Statement> {
        let numbers = self.chance.in_hundred(60);
        let (root, ty) = self.row_field(|ty| !numbers || matches!(ty, Type::Integer(_)))?;
        self.assignment(root, ty)
    }

    pub(super) fn assignment(&mut self, root: Root, mut ty: Type) -> Option<Statement> {
        let mut path = Vec::new();
        if let Type::Struct(record) = ty
            && self.chance.in_hundred(50)
        {
            let field = self.chance.below(self.package.structs[record].fields.len());
            path.push((record, field));
            ty = self.package.structs[record].fields[field].ty.clone();
        }
        let optional = Type::Optional(Box::new(ty.clone()));
        if self.chance.in_hundred(25)
            && let Some(value) = self.source_of(&optional)
        {
            return Some(Statement::AssignElse {
                target: Place { root, path },
                value,
                otherwise: self.otherwise(),
            });
        }
        let operator = match &ty {
            Type::Integer(_) if self.chance.in_hundred(75) => Some(*self.chance.pick(&[
                BinaryOp::Add,
                BinaryOp::Add,
                BinaryOp::Sub,
                BinaryOp::Mul,
            ])),
            _ => None,
        };
        let value = self.expr(&ty, 2);
        Some(Statement::Assign {
            target: Place { root, path },
            ty,
            operator,
            value,
        })
    }

    pub(super) fn change_list(&mut self) -> Option<Statement> {
        let mut roots: Vec<(Root, Type)> = Vec::new();
        roots.extend(self.row_field(|ty| matches!(ty, Type::List(..))));
        for (number, state) in self.package.states.iter().enumerate() {
            roots.push((Root::State(number), state.ty.clone()));
        }
        for item in &self.scope {
            if let Item::Value {
                name,
                ty,
                mutable: true,
            } = item
            {
                roots.push((Root::Local(name.clone()), ty.clone()));
            }
        }
        roots.retain(|(_, ty)| matches!(ty, Type::List(..)));
        if roots.is_empty() {
            return None;
        }
        let (root, ty) = self.chance.pick(&roots).clone();
        let Type::List(element, max) = ty else {
            return None;
        };
        let target = Place {
            root,
            path: Vec::new(),
        };
        if self.chance.in_hundred(50) {
            let value = self.expr(&element, 1);
            return Some(Statement::Push { target, max, value });
        }
        let number = Type::Integer(rc_bytecode::instr::Scalar::U64);
        match self.chance.below(5) {
            0 => {
                let at = self.value_near(&number);
                let value = self.expr(&element, 1);
                return Some(Statement::InsertAt {
                    target,
                    max,
                    at,
                    value,
                });
            }
            1 => {
                let (at, name) = (self.value_near(&number), self.fresh("v"));
                self.scope.push(Item::Value {
                    name: name.clone(),
                    ty: *element,
                    mutable: false,
                });
                return Some(Statement::RemoveAt { name, target, at });
            }
            2 if self.chance.in_hundred(50) => return Some(Statement::Clear { target }),
            _ => {}
        }
        let name = self.fresh("v");
        self.scope.push(Item::Value {
            name: name.clone(),
            ty: Type::Optional(element.clone()),
            mutable: false,
        });
        Some(Statement::Pop {
            name,
            element: *element,
            target,
        })
    }
}
