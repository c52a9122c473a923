//! Containers: their types, operations and walks. Always true: keys and priorities have an order; a row that a cascade may delete has no
//! container.

use super::*;

/// Elements that a look shows at most.
const SHOWN: u64 = 24;

impl Generator {
    pub(super) fn container_type(&mut self) -> Type {
        let kind = *self.chance.pick(&[
            Container::Map,
            Container::Tree,
            Container::Set,
            Container::Queue,
            Container::PriorityQueue,
            Container::Log,
        ]);
        let key = self.key_type();
        let value = self.simple_type();
        // Few priorities, so that some are equal.
        let key = match kind == Container::PriorityQueue && self.chance.in_hundred(60) {
            true => Type::Integer(Scalar::U8),
            false => key,
        };
        let parts = match kind {
            Container::Map | Container::Tree | Container::PriorityQueue => vec![key, value],
            Container::Set => vec![key],
            Container::Queue | Container::Log => vec![value],
        };
        Type::Container(kind, parts)
    }

    pub(super) fn may_hold(&self, table: &Table) -> bool {
        let mut references = table
            .fields
            .iter()
            .filter_map(|field| field.reference.as_ref());
        references.all(|reference| reference.cascade.is_none())
    }

    /// The containers in reach.
    fn holders(&self) -> Vec<Root> {
        let states = self.package.states.iter().enumerate();
        let mut found: Vec<Root> = states
            .filter(|(_, state)| state.ty.is_container())
            .map(|(number, _)| Root::State(number))
            .collect();
        for item in &self.scope {
            if let Item::Row { name, table } = item {
                let fields = self.package.tables[*table].fields.iter().enumerate();
                found.extend(
                    fields
                        .filter(|(_, field)| field.ty.is_container())
                        .map(|(number, _)| Root::Row(name.clone(), *table, number)),
                );
            }
        }
        found
    }

    /// An operation, with a name for what it gives.
    pub(super) fn hold(&mut self) -> Option<Statement> {
        let holders = self.holders();
        if holders.is_empty() {
            return None;
        }
        let root = self.chance.pick(&holders).clone();
        let (kind, parts) = self.package.held(&root);
        let asked: &[Holding] = match kind {
            Container::Map => &[Holding::Get, Holding::Contains, Holding::Length],
            Container::Tree => &[
                Holding::Get,
                Holding::First,
                Holding::Last,
                Holding::Contains,
                Holding::Length,
            ],
            Container::Set => &[Holding::Contains, Holding::IsEmpty],
            Container::Queue | Container::PriorityQueue => &[Holding::Peek, Holding::IsEmpty],
            Container::Log => &[Holding::Get, Holding::Length],
        };
        let told: &[Holding] = match kind {
            Container::Map | Container::Tree => {
                &[Holding::Put, Holding::Put, Holding::Insert, Holding::Remove]
            }
            Container::Set => &[Holding::Insert, Holding::Insert, Holding::Remove],
            Container::Queue | Container::PriorityQueue => {
                &[Holding::Push, Holding::Push, Holding::Pop]
            }
            Container::Log => &[Holding::Append],
        };
        let writes = self.writes && self.chance.in_hundred(70);
        let holding = *self.chance.pick(if writes { told } else { asked });
        let number = Type::Integer(Scalar::U64);
        let types: Vec<Type> = match (kind, holding) {
            (Container::Log, Holding::Get) => vec![number.clone()],
            (_, Holding::Get | Holding::Remove | Holding::Contains) => vec![parts[0].clone()],
            (_, Holding::Put | Holding::Insert | Holding::Push | Holding::Append) => parts.clone(),
            _ => Vec::new(),
        };
        let arguments = types.iter().map(|ty| self.value_near(ty)).collect();
        let both = || Type::Tuple(parts.clone());
        let optional = |ty: Type| Type::Optional(Box::new(ty));
        let gives = match (kind, holding) {
            (Container::Log, Holding::Get) => Some(optional(parts[0].clone())),
            (Container::Set, Holding::Insert | Holding::Remove) => Some(Type::Bool),
            (_, Holding::Get | Holding::Remove) => Some(optional(parts[1].clone())),
            (_, Holding::Contains | Holding::IsEmpty) => Some(Type::Bool),
            (_, Holding::Length | Holding::Append) => Some(number),
            (_, Holding::First | Holding::Last) => Some(optional(both())),
            (Container::Queue, Holding::Pop | Holding::Peek) => Some(optional(parts[0].clone())),
            (_, Holding::Pop | Holding::Peek) => Some(optional(both())),
            _ => None,
        };
        let name = gives.map(|ty| {
            let name = self.fresh("v");
            self.scope.push(Item::Value {
                name: name.clone(),
                ty,
                mutable: false,
            });
            name
        });
        let operation = Expr::Held(root, holding, arguments);
        Some(Statement::Hold { name, operation })
    }

    pub(super) fn for_held(&mut self, depth: usize) -> Option<Statement> {
        let mut holders = self.holders();
        holders
            .retain(|root| matches!(self.package.held(root).0, Container::Tree | Container::Log));
        if holders.is_empty() {
            return None;
        }
        let root = self.chance.pick(&holders).clone();
        let (kind, parts) = self.package.held(&root);
        let (key, value) = match kind {
            Container::Tree => (parts[0].clone(), parts[1].clone()),
            _ => (Type::Integer(Scalar::U64), parts[0].clone()),
        };
        let from = self.chance.in_hundred(35).then(|| self.value_near(&key));
        let to = self.chance.in_hundred(35).then(|| self.value_near(&key));
        let descending = kind == Container::Tree && self.chance.in_hundred(40);
        let take = self.chance.between(1, 8) as u64;
        let names = [self.fresh("each"), self.fresh("each")];
        self.scope.push(Item::Value {
            name: names[0].clone(),
            ty: key,
            mutable: false,
        });
        let second = Item::Value {
            name: names[1].clone(),
            ty: value,
            mutable: false,
        };
        let body = self.body(second, depth);
        self.scope.retain(|item| item.name() != names[0]);
        Some(Statement::ForHeld {
            names,
            root,
            from,
            to,
            descending,
            take,
            body,
        })
    }

    /// A query of one element of a container by its key.
    pub(super) fn look_into(&mut self, state: usize) {
        let Type::Container(kind, parts) = self.package.states[state].ty.clone() else {
            return;
        };
        let (holding, result) = match kind {
            Container::Map => (Holding::Get, Type::Optional(Box::new(parts[1].clone()))),
            Container::Set => (Holding::Contains, Type::Bool),
            _ => return,
        };
        let key = vec![Expr::Local("key".into())];
        self.package.commands.push(Command {
            name: format!("look_into_{state}"),
            query: true,
            parameters: vec![("key".into(), parts[0].clone())],
            result: Some(result),
            body: Vec::new(),
            value: Some(Expr::Held(Root::State(state), holding, key)),
            look: Look::Held(state),
            fills: false,
            guarded: false,
        });
    }
}

/// What shows a container: how many there are, and those that an order shows.
pub(super) fn shown(kind: Container, parts: &[Type], root: &Root) -> Vec<(Type, Expr)> {
    let number = Type::Integer(Scalar::U64);
    let mut found = vec![(
        number.clone(),
        Expr::Held(root.clone(), Holding::Length, Vec::new()),
    )];
    let elements = |key: Type, value: Type| {
        let pair = Box::new(Type::Tuple(vec![key, value]));
        (
            Type::List(pair, SHOWN as u32),
            Expr::Elements(root.clone(), SHOWN),
        )
    };
    let peek = |ty: Type| {
        let asked = Expr::Held(root.clone(), Holding::Peek, Vec::new());
        (Type::Optional(Box::new(ty)), asked)
    };
    match kind {
        Container::Map | Container::Set => {}
        Container::Tree => found.push(elements(parts[0].clone(), parts[1].clone())),
        Container::Log => found.push(elements(number, parts[0].clone())),
        Container::Queue => found.push(peek(parts[0].clone())),
        Container::PriorityQueue => found.push(peek(Type::Tuple(parts.to_vec()))),
    }
    found
}
