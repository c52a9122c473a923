//! References between tables. Always true: they lead to tables declared before, or to the table itself and then do not cascade, so
//! that cascades make no circle; an index begins with each.

use super::*;

impl Generator {
    /// Gives a table a field that refers to another, now and then.
    pub(super) fn refer(&mut self, table: &mut Table) {
        let number = self.package.tables.len();
        for target in 0..=number {
            let itself = target == number;
            if !self.chance.in_hundred(if itself { 15 } else { 40 }) {
                continue;
            }
            let key: Vec<Type> = match itself {
                true => &table.fields[..table.key_len],
                false => {
                    let other = &self.package.tables[target];
                    &other.fields[..other.key_len]
                }
            }
            .iter()
            .map(|field| field.ty.clone())
            .collect();
            let one = key.len() == 1;
            let optional = one && (itself || self.chance.in_hundred(30));
            if itself && !optional {
                continue;
            }
            let key = match one {
                true => key[0].clone(),
                false => Type::Tuple(key),
            };
            let cascades = !itself && self.chance.in_hundred(60);
            let cascade = cascades.then(|| self.chance.between(1, 4) as u64);
            let field = table.fields.len();
            table.fields.push(Field {
                name: self.fresh("to"),
                ty: if optional {
                    Type::Optional(Box::new(key))
                } else {
                    key
                },
                default: None,
                reference: Some(Reference {
                    target,
                    optional,
                    cascade,
                }),
            });
            table.indexes.push(Index {
                name: self.fresh("by"),
                fields: vec![field],
                unique: false,
            });
        }
    }

    /// A field of a row that a row in scope refers to.
    pub(super) fn reached(&mut self, wanted: &Type) -> Option<Expr> {
        let mut able = Vec::new();
        for item in &self.scope {
            let Item::Row { name, table } = item else {
                continue;
            };
            for (number, field) in self.package.tables[*table].fields.iter().enumerate() {
                let Some(reference) = field.reference.as_ref().filter(|found| !found.optional)
                else {
                    continue;
                };
                let fields = self.package.tables[reference.target].fields.iter();
                for (other, _) in fields.enumerate().filter(|(_, field)| field.ty == *wanted) {
                    able.push(Expr::Reached(
                        name.clone(),
                        (*table, number),
                        (reference.target, other),
                    ));
                }
            }
        }
        (!able.is_empty()).then(|| self.chance.pick(&able).clone())
    }
}
