//! Statements as text, one a line.

use super::*;

impl Printer<'_> {
    pub(super) fn failure(&self, failure: &Failure) -> String {
        match failure {
            Failure::Builtin(builtin) => builtin_name(*builtin).into(),
            Failure::Declared(variant, fields) => {
                let fields = fields.iter().map(|field| self.expr(field)).collect();
                filled(&self.package.failures[*variant], fields)
            }
        }
    }

    pub(super) fn otherwise(&self, otherwise: &Otherwise) -> String {
        match otherwise {
            Otherwise::Fail(failure) => format!("fail {}", self.failure(failure)),
            Otherwise::Return(None) => "return".into(),
            Otherwise::Return(Some(value)) => format!("return {}", self.expr(value)),
            Otherwise::Continue => "continue".into(),
        }
    }

    pub(super) fn lookup(&self, lookup: &Lookup) -> String {
        match lookup {
            Lookup::Key(table, key) => format!(
                "{}.get({})",
                self.package.tables[*table].name,
                self.list(key)
            ),
            Lookup::Maybe(name) => name.clone(),
            Lookup::Unique(table, index, parts) => {
                let table = &self.package.tables[*table];
                format!(
                    "{}.{}.get({})",
                    table.name,
                    table.indexes[*index].name,
                    self.list(parts)
                )
            }
        }
    }

    pub(super) fn root(&self, root: &Root) -> String {
        match root {
            Root::Row(row, table, field) => {
                format!("{row}.{}", self.package.tables[*table].fields[*field].name)
            }
            Root::State(state) => self.package.states[*state].name.clone(),
            Root::Local(name) => name.clone(),
        }
    }

    pub(super) fn place(&self, place: &Place) -> String {
        let mut text = self.root(&place.root);
        for (record, field) in &place.path {
            let _ = write!(
                text,
                ".{}",
                self.package.structs[*record].fields[*field].name
            );
        }
        text
    }

    pub(super) fn block(&mut self, head: &str, body: &[Statement]) {
        self.line(&format!("{head} {{"));
        self.indent += 1;
        body.iter().for_each(|statement| self.statement(statement));
        self.indent -= 1;
        self.line("}");
    }

    pub(super) fn branches(&mut self, head: &str, then: &[Statement], otherwise: &[Statement]) {
        self.block(head, then);
        if !otherwise.is_empty() {
            self.out.pop();
            self.out.push_str(" else {\n");
            self.indent += 1;
            otherwise
                .iter()
                .for_each(|statement| self.statement(statement));
            self.indent -= 1;
            self.line("}");
        }
    }

    pub(super) fn statement(&mut self, statement: &Statement) {
        let package = self.package;
        let text = match statement {
            Statement::Let {
                name,
                ty,
                mutable,
                value,
            } => {
                format!(
                    "{} {name}: {} = {}",
                    if *mutable { "var" } else { "let" },
                    self.ty(ty),
                    self.expr(value)
                )
            }
            Statement::LetNarrow { name, to, value } => format!(
                "let {name}: {} = {}.try_into()",
                to.name(),
                self.expr(value)
            ),
            Statement::FindRow {
                name,
                lookup,
                otherwise,
            } => format!(
                "let {name} = {} else {}",
                self.lookup(lookup),
                self.otherwise(otherwise)
            ),
            Statement::FindRowIf {
                name,
                lookup,
                then,
                otherwise,
            } => {
                let head = format!("if let {name} = {}", self.lookup(lookup));
                return self.branches(&head, then, otherwise);
            }
            Statement::LetTuple { names, value } => {
                format!("let ({}) = {}", names.join(", "), self.expr(value))
            }
            Statement::LetMaybe { name, lookup } => format!("let {name} = {}", self.lookup(lookup)),
            Statement::Alias { name, of } => format!("let {name} = {of}"),
            Statement::GetOrInsert {
                name,
                table,
                record,
            } => {
                let table = &package.tables[*table];
                let (key, rest) = record.split_at(table.key_len);
                let key = join(key.iter().flatten().map(|part| self.expr(part)));
                let rest_text = self.record(&table.fields[table.key_len..], rest);
                match rest.iter().all(Option::is_none) {
                    true => format!("let {name} = {}.get_or_insert({key})", table.name),
                    false => format!(
                        "let {name} = {}.get_or_insert({key}, {rest_text})",
                        table.name
                    ),
                }
            }
            Statement::Insert { table, record } => {
                let table = &package.tables[*table];
                format!(
                    "{}.insert({})",
                    table.name,
                    self.record(&table.fields, record)
                )
            }
            Statement::Put { table, record } => {
                let table = &package.tables[*table];
                format!("{}.put({})", table.name, self.record(&table.fields, record))
            }
            Statement::Delete { name, table, key } => format!(
                "let {name} = {}.delete({})",
                package.tables[*table].name,
                self.list(key)
            ),
            Statement::Assign {
                target,
                operator,
                value,
                ..
            } => {
                let sign = operator.map_or("", |op| sign(op).unwrap_or("+"));
                format!("{} {sign}= {}", self.place(target), self.expr(value))
            }
            Statement::AssignElse {
                target,
                value,
                otherwise,
            } => format!(
                "{} = {} else {}",
                self.place(target),
                self.expr(value),
                self.otherwise(otherwise)
            ),
            Statement::Push { target, value, .. } => {
                format!("{}.push({})", self.place(target), self.expr(value))
            }
            Statement::Pop {
                name,
                element,
                target,
            } => format!(
                "let {name}: {}? = {}.pop()",
                self.ty(element),
                self.place(target)
            ),
            Statement::InsertAt {
                target, at, value, ..
            } => format!(
                "{}.insert_at({}, {})",
                self.place(target),
                self.expr(at),
                self.expr(value)
            ),
            Statement::RemoveAt { name, target, at } => format!(
                "let {name} = {}.remove_at({})",
                self.place(target),
                self.expr(at)
            ),
            Statement::Clear { target } => format!("{}.clear()", self.place(target)),
            Statement::Hold { name, operation } => {
                let bound = name
                    .as_ref()
                    .map_or(String::new(), |name| format!("let {name} = "));
                format!("{bound}{}", self.expr(operation))
            }
            Statement::ForHeld {
                names: [first, second],
                root,
                from,
                to,
                descending,
                take,
                body,
            } => {
                let mut walk = self.root(root);
                if *descending {
                    walk.push_str(".descending()");
                }
                for (word, bound) in [("from", from), ("to", to)] {
                    if let Some(bound) = bound {
                        let _ = write!(walk, ".{word}({})", self.expr(bound));
                    }
                }
                let head = format!("for ({first}, {second}) in {walk} take {take}");
                return self.block(&head, body);
            }
            Statement::ForEvery { name, table, body } => {
                let head = format!("for {name} in {}", package.tables[*table].name);
                return self.block(&head, body);
            }
            Statement::Attempt {
                command,
                arguments,
                endings,
            } => {
                let called = format!(
                    "attempt {}{}({})",
                    package.commands[*command].name,
                    if *command == 0 { "@2" } else { "" },
                    self.list(arguments)
                );
                let Some(endings) = endings else {
                    return self.line(&called);
                };
                self.line(&format!("match {called} {{"));
                self.indent += 1;
                let ok = endings.ok.as_deref().unwrap_or("_");
                self.block(&format!("Ok({ok}) =>"), &endings.done);
                if let Some((variant, names, body)) = &endings.declared {
                    let failure = filled(&package.failures[*variant], names.clone());
                    let failure = failure.replace(" }", ", .. }");
                    self.block(&format!("Err({failure}) =>"), body);
                }
                if let Some((builtin, body)) = &endings.builtin {
                    self.block(&format!("Err({}) =>", builtin_name(*builtin)), body);
                }
                self.block("Err(_) =>", &endings.otherwise);
                self.indent -= 1;
                return self.line("}");
            }
            Statement::Start { job, arguments } => {
                format!(
                    "start {}({})",
                    package.jobs[*job].name,
                    self.list(arguments)
                )
            }
            Statement::If {
                condition,
                then,
                otherwise,
            } => {
                let head = format!("if {}", self.expr(condition));
                return self.branches(&head, then, otherwise);
            }
            Statement::IfSome {
                name,
                value,
                then,
                otherwise,
            } => {
                let head = format!("if let {name} = {}", self.expr(value));
                return self.branches(&head, then, otherwise);
            }
            Statement::ForRange {
                name,
                start,
                end,
                inclusive,
                max,
                body,
            } => {
                let dots = if *inclusive { "..=" } else { ".." };
                let head = format!(
                    "for {name} in {}{dots}{} max {max}",
                    self.expr(start),
                    self.expr(end)
                );
                return self.block(&head, body);
            }
            Statement::ForList { name, list, body } => {
                let head = format!("for {name} in {}", self.expr(list));
                return self.block(&head, body);
            }
            Statement::ForRows { name, walk, body } => {
                let head = format!("for {name} in {}", self.walk(walk));
                return self.block(&head, body);
            }
            Statement::Match { value, of, arms } => {
                let head = format!("match {} {{", self.expr(value));
                self.line(&head);
                self.indent += 1;
                for arm in arms {
                    let variant = &package.enums[*of].variants[arm.variant];
                    let pattern = filled(variant, arm.names.clone());
                    let guard = arm
                        .guard
                        .as_ref()
                        .map_or(String::new(), |guard| format!(" if {}", self.expr(guard)));
                    self.block(&format!("{pattern}{guard} =>"), &arm.body);
                }
                self.indent -= 1;
                return self.line("}");
            }
            Statement::Ensure { condition, failure } => format!(
                "ensure {} else {}",
                self.expr(condition),
                self.failure(failure)
            ),
            Statement::Emit { event, fields } => {
                let event = &package.events[*event];
                let fields = event
                    .fields
                    .iter()
                    .zip(fields)
                    .map(|(field, value)| format!("{}: {}", field.name, self.expr(value)));
                format!("emit {} {{ {} }}", event.name, join(fields))
            }
            Statement::Call {
                function,
                row,
                arguments,
            } => {
                let arguments = row
                    .iter()
                    .cloned()
                    .chain(arguments.iter().map(|argument| self.expr(argument)));
                format!("{}({})", package.functions[*function].name, join(arguments))
            }
            Statement::Fail(failure) => format!("fail {}", self.failure(failure)),
            Statement::Return(None) => "return".into(),
            Statement::Return(Some(value)) => format!("return {}", self.expr(value)),
            Statement::Break => "break".into(),
            Statement::Continue => "continue".into(),
        };
        self.line(&text);
    }
}
