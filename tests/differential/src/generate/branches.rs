//! Statements with bodies: branches, loops, matches. Always true: a loop's body may leave it, and a name ends with its body.

use super::{Generator, Item};
use crate::description::*;

impl Generator {
    pub(super) fn if_some(&mut self, depth: usize) -> Option<Statement> {
        let (value, ty) = self.source(|ty| matches!(ty, Type::Optional(_)))?;
        let Type::Optional(inner) = ty else {
            return None;
        };
        let name = self.fresh("v");
        self.scope.push(Item::Value {
            name: name.clone(),
            ty: *inner,
            mutable: false,
        });
        let then = self.block(depth + 1);
        self.scope.retain(|item| item.name() != name);
        let otherwise = if self.chance.in_hundred(40) {
            self.block(depth + 1)
        } else {
            Vec::new()
        };
        Some(Statement::IfSome {
            name,
            value,
            then,
            otherwise,
        })
    }

    pub(super) fn if_row(&mut self, table: usize, depth: usize) -> Option<Statement> {
        let maybe = self.scope.iter().find_map(|item| match item {
            Item::Maybe { name, table } => Some((name.clone(), *table)),
            _ => None,
        });
        let (lookup, table) = match maybe {
            Some((name, table)) if self.chance.in_hundred(70) => (Lookup::Maybe(name), table),
            _ => (self.lookup(table), table),
        };
        let name = self.fresh("row");
        self.scope.push(Item::Row {
            name: name.clone(),
            table,
        });
        let then = self.block(depth + 1);
        self.scope.retain(|item| item.name() != name);
        let otherwise = if self.chance.in_hundred(50) {
            self.block(depth + 1)
        } else {
            Vec::new()
        };
        Some(Statement::FindRowIf {
            name,
            lookup,
            then,
            otherwise,
        })
    }

    /// A loop's body: from outside nothing may be deleted that has a name.
    pub(super) fn body(&mut self, item: Item, depth: usize) -> Vec<Statement> {
        let kept = self.kept.clone();
        self.kept
            .extend(self.scope.iter().filter_map(|item| match item {
                Item::Row { table, .. } | Item::Maybe { table, .. } => Some(*table),
                Item::Value { .. } => None,
            }));
        let name = item.name().to_string();
        self.scope.push(item);
        self.loops += 1;
        let body = self.block(depth + 1);
        self.loops -= 1;
        self.scope.retain(|item| item.name() != name);
        self.kept = kept;
        body
    }

    pub(super) fn for_range(&mut self, depth: usize) -> Option<Statement> {
        let (end, ty) =
            self.source(|ty| matches!(ty, Type::Integer(scalar) if scalar.bits() <= 64))?;
        let start = match self.chance.in_hundred(70) {
            true => Expr::Constant(ty.clone(), Datum::Integer(self.chance.below(3) as i128)),
            false => self.value_near(&ty),
        };
        let (inclusive, max) = (
            self.chance.in_hundred(30),
            self.chance.between(2, 20) as u64,
        );
        let name = self.fresh("i");
        let body = self.body(
            Item::Value {
                name: name.clone(),
                ty,
                mutable: false,
            },
            depth,
        );
        Some(Statement::ForRange {
            name,
            start,
            end,
            inclusive,
            max,
            body,
        })
    }

    pub(super) fn for_list(&mut self, depth: usize) -> Option<Statement> {
        let (list, ty) = self.source(|ty| matches!(ty, Type::List(..)))?;
        let Type::List(element, _) = ty else {
            return None;
        };
        let name = self.fresh("each");
        let body = self.body(
            Item::Value {
                name: name.clone(),
                ty: *element,
                mutable: false,
            },
            depth,
        );
        Some(Statement::ForList { name, list, body })
    }

    pub(super) fn for_rows(&mut self, depth: usize) -> Option<Statement> {
        let walk = self.walk(12)?;
        let name = self.fresh("row");
        let body = self.body(
            Item::Row {
                name: name.clone(),
                table: walk.table,
            },
            depth,
        );
        Some(Statement::ForRows { name, walk, body })
    }

    pub(super) fn match_enum(&mut self, depth: usize) -> Option<Statement> {
        let (value, ty) = self.source(|ty| matches!(ty, Type::Enum(_)))?;
        let Type::Enum(of) = ty else { return None };
        let mut arms = Vec::new();
        for variant in 0..self.package.enums[of].variants.len() {
            let types: Vec<Type> = self.package.enums[of].variants[variant]
                .fields
                .iter()
                .map(|field| field.ty.clone())
                .collect();
            let guarded = !types.is_empty() && self.chance.in_hundred(30);
            for guard in [true, false] {
                if guard && !guarded {
                    continue;
                }
                let names: Vec<String> = types.iter().map(|_| self.fresh("v")).collect();
                for (name, ty) in names.iter().zip(&types) {
                    self.scope.push(Item::Value {
                        name: name.clone(),
                        ty: ty.clone(),
                        mutable: false,
                    });
                }
                let guard = guard.then(|| self.condition(1));
                let body = self.block(depth + 1);
                self.scope
                    .retain(|item| !names.iter().any(|name| name == item.name()));
                arms.push(Arm {
                    variant,
                    names,
                    guard,
                    body,
                });
            }
        }
        Some(Statement::Match { value, of, arms })
    }
}
