//! Containers in the model: maps, and vectors that grow at their end. Always true: a container is a value of its state or row here, though
//! the language gives it to nobody.

use super::*;

impl Model<'_> {
    /// Where a container stands.
    fn container(&mut self, root: &Root, locals: &Locals) -> &mut Datum {
        match root {
            Root::State(state) => &mut self.states[*state],
            Root::Row(name, _, field) => match locals.get(name) {
                Some(Bound::Row(table, key, _)) => &mut self.tables[*table]
                    .get_mut(key)
                    .expect("a row that is there")[*field],
                other => panic!("{name} is {other:?}"),
            },
            Root::Local(name) => panic!("{name} is no container"),
        }
    }

    pub(super) fn hold(
        &mut self,
        root: &Root,
        holding: Holding,
        arguments: &[Expr],
        locals: &mut Locals,
    ) -> Result<Option<Datum>> {
        let values = self.exprs(arguments, locals)?;
        let (kind, _) = self.package.held(root);
        let mistake = self.mistake;
        match self.container(root, locals) {
            Datum::Map(elements) => of_map(elements, kind, holding, values, mistake),
            Datum::List(elements) => of_list(elements, kind, holding, values, mistake),
            other => panic!("{other:?} is no container"),
        }
    }

    /// A walk's keys, as they are when it begins, in its order.
    pub(super) fn elements(&mut self, root: &Root, locals: &Locals) -> Vec<(Datum, Datum)> {
        match self.container(root, locals) {
            Datum::Map(elements) => elements
                .iter()
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            Datum::List(elements) => (0..)
                .zip(elements.iter())
                .map(|(at, value)| (Datum::Integer(at), value.clone()))
                .collect(),
            other => panic!("{other:?} is no container"),
        }
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn for_held(
        &mut self,
        names: &[String; 2],
        root: &Root,
        bounds: (Option<&Expr>, Option<&Expr>),
        descending: bool,
        take: u64,
        body: &[Statement],
        locals: &mut Locals,
    ) -> Result<Flow> {
        let from = bounds.0.map(|from| self.expr(from, locals)).transpose()?;
        let to = bounds.1.map(|to| self.expr(to, locals)).transpose()?;
        let mut elements = self.elements(root, locals);
        elements.retain(|(key, _)| {
            from.as_ref().is_none_or(|from| key >= from) && to.as_ref().is_none_or(|to| key < to)
        });
        if descending {
            elements.reverse();
        }
        elements.truncate(take as usize);
        for (key, _) in elements {
            // A copy, made when its turn comes; what is gone by then is passed over.
            let now = self.elements(root, locals);
            let Some((_, value)) = now.into_iter().find(|(other, _)| *other == key) else {
                continue;
            };
            locals.insert(names[0].clone(), Bound::Value(key));
            locals.insert(names[1].clone(), Bound::Value(value));
            match self.block(body, locals)? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => break,
                Flow::Return(value) => return Ok(Flow::Return(value)),
            }
        }
        Ok(Flow::Next)
    }
}

fn optional(value: Option<Datum>) -> Datum {
    value.map_or(Datum::None, |value| Datum::Some(Box::new(value)))
}

fn pair((key, value): (&Datum, &Datum)) -> Datum {
    Datum::Tuple(vec![key.clone(), value.clone()])
}

fn of_map(
    elements: &mut BTreeMap<Datum, Datum>,
    kind: Container,
    holding: Holding,
    mut values: Vec<Datum>,
    mistake: Mistake,
) -> Result<Option<Datum>> {
    let set = kind == Container::Set;
    let value = if values.len() > 1 { values.pop() } else { None };
    let key = values.pop();
    let key = || key.clone().expect("a key");
    Ok(match holding {
        Holding::Get => Some(optional(elements.get(&key()).cloned())),
        Holding::Put => {
            elements.insert(key(), value.expect("a value"));
            None
        }
        Holding::Insert if set => Some(Datum::Bool(elements.insert(key(), Datum::None).is_none())),
        Holding::Insert if elements.contains_key(&key()) => {
            return Err(Builtin::AlreadyExists.into());
        }
        Holding::Insert => {
            elements.insert(key(), value.expect("a value"));
            None
        }
        Holding::Remove if mistake == Mistake::NothingIsRemoved => Some(match set {
            true => Datum::Bool(elements.contains_key(&key())),
            false => optional(elements.get(&key()).cloned()),
        }),
        Holding::Remove if set => Some(Datum::Bool(elements.remove(&key()).is_some())),
        Holding::Remove => Some(optional(elements.remove(&key()))),
        Holding::Contains => Some(Datum::Bool(elements.contains_key(&key()))),
        Holding::Length => Some(Datum::Integer(elements.len() as i128)),
        Holding::IsEmpty => Some(Datum::Bool(elements.is_empty())),
        Holding::First => Some(optional(elements.first_key_value().map(pair))),
        Holding::Last => Some(optional(elements.last_key_value().map(pair))),
        other => panic!("{other:?} of {kind:?}"),
    })
}

fn of_list(
    elements: &mut Vec<Datum>,
    kind: Container,
    holding: Holding,
    mut values: Vec<Datum>,
    mistake: Mistake,
) -> Result<Option<Datum>> {
    // Of a priority queue the greatest priority, and of equal ones the first that came.
    let head = match kind {
        Container::PriorityQueue => {
            let priority = |item: &Datum| match item {
                Datum::Tuple(parts) => parts[0].clone(),
                other => panic!("{other:?} has no priority"),
            };
            let greatest = elements.iter().map(priority).max();
            let mut found = elements
                .iter()
                .map(priority)
                .enumerate()
                .filter(|(_, priority)| Some(priority) == greatest.as_ref());
            match mistake {
                Mistake::LastComesFirst => found.next_back(),
                _ => found.next(),
            }
            .map(|(at, _)| at)
        }
        _ => (!elements.is_empty()).then_some(0),
    };
    Ok(match holding {
        Holding::Push if kind == Container::PriorityQueue => {
            elements.push(Datum::Tuple(values));
            None
        }
        Holding::Push => {
            elements.push(values.remove(0));
            None
        }
        Holding::Append => {
            elements.push(values.remove(0));
            Some(Datum::Integer(elements.len() as i128 - 1))
        }
        Holding::Pop => Some(optional(head.map(|at| elements.remove(at)))),
        Holding::Peek => Some(optional(head.map(|at| elements[at].clone()))),
        Holding::Get => {
            let at = usize::try_from(integer(&values[0])).ok();
            Some(optional(at.and_then(|at| elements.get(at)).cloned()))
        }
        Holding::Length => Some(Datum::Integer(elements.len() as i128)),
        Holding::IsEmpty => Some(Datum::Bool(elements.is_empty())),
        other => panic!("{other:?} of {kind:?}"),
    })
}
