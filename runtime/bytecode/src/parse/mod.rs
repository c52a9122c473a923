//! The text form back to a module: what [`print`](crate::print) writes, with any white space and comments. It never
//! panics and recurses at most `NESTING_MAX` and `SHAPE_DEPTH_MAX` deep; meaning is the verifier's.

mod code;
mod tokens;

use crate::cost::Cost;
use crate::instr::{FunctionIndex, RegionIndex, Scalar, Space, Type, View};
use crate::interface::{Allow, Command, CommandKind, Event, Guard, GuardKind};
use crate::layout::{Record, Shape, Sum};
use crate::limits::SHAPE_DEPTH_MAX;
use crate::module::{Function, FunctionKind, Module, Region};
use crate::routes::Route;
use crate::table::Word;
use std::str::FromStr;
use tokens::{Token, tokens};

/// Where the text is no module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected {what}")]
pub struct ParseError {
    /// From 1.
    pub line: u32,
    pub what: String,
}

/// Reads a module's text.
pub fn parse(text: &str) -> Result<Module, ParseError> {
    let mut input = Parser {
        tokens: tokens(text)?,
        at: 0,
        nesting: 0,
        lines: Vec::new(),
        next: 0,
        assigned: None,
    };
    input.module()
}

struct Parser {
    tokens: Vec<(Token, u32)>,
    at: usize,
    nesting: usize,
    /// Of the function that is being read.
    lines: Vec<(u32, u32, u32)>,
    next: u32,
    /// The register before `=`, until an instruction's field takes it.
    assigned: Option<u32>,
}

impl Parser {
    fn wrong<T>(&self, what: impl Into<String>) -> Result<T, ParseError> {
        let line = self
            .tokens
            .get(self.at)
            .or(self.tokens.last())
            .map_or(1, |(_, line)| *line);
        Err(ParseError {
            line,
            what: what.into(),
        })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    /// Takes the word or sign if it is there.
    fn maybe(&mut self, text: &str) -> bool {
        let there = match self.peek() {
            Some(Token::Word(word)) => word == text,
            Some(Token::Sign(sign)) => text.len() == sign.len_utf8() && text.starts_with(*sign),
            _ => false,
        };
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, text: &str) -> Result<(), ParseError> {
        if self.maybe(text) {
            Ok(())
        } else {
            self.wrong(format!("`{text}`"))
        }
    }

    fn word(&mut self) -> Result<String, ParseError> {
        match self.peek() {
            Some(Token::Word(word)) => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            _ => self.wrong("a word"),
        }
    }

    fn quoted(&mut self) -> Result<String, ParseError> {
        match self.peek() {
            Some(Token::Quoted(text)) => {
                let text = text.clone();
                self.at += 1;
                Ok(text)
            }
            _ => self.wrong("a string in quotes"),
        }
    }

    fn number<Number: FromStr>(&mut self) -> Result<Number, ParseError> {
        let parsed = match self.peek() {
            Some(Token::Word(word)) => word.parse().ok(),
            _ => None,
        };
        match parsed {
            Some(number) => {
                self.at += 1;
                Ok(number)
            }
            None => self.wrong("a number that fits"),
        }
    }

    /// `name=number`
    fn named<Number: FromStr>(&mut self, name: &str) -> Result<Number, ParseError> {
        self.expect(name)?;
        self.expect("=")?;
        self.number()
    }

    /// A word such as `function7`.
    fn numbered<Number: FromStr>(&mut self, prefix: &str) -> Result<Number, ParseError> {
        let parsed = match self.peek() {
            Some(Token::Word(word)) => word
                .strip_prefix(prefix)
                .and_then(|number| number.parse().ok()),
            _ => None,
        };
        match parsed {
            Some(number) => {
                self.at += 1;
                Ok(number)
            }
            None => self.wrong(format!("`{prefix}` with a number")),
        }
    }

    fn known<Known: Word>(&mut self) -> Result<Known, ParseError> {
        let known = match self.peek() {
            Some(Token::Word(word)) => Known::from_name(word),
            _ => None,
        };
        match known {
            Some(known) => {
                self.at += 1;
                Ok(known)
            }
            None => {
                let names: Vec<&str> = Known::ALL.iter().map(|(_, name)| *name).collect();
                self.wrong(format!("one of {}", names.join(", ")))
            }
        }
    }

    /// One of two words: whether the first.
    fn either(&mut self, yes: &str, no: &str) -> Result<bool, ParseError> {
        if self.maybe(yes) {
            return Ok(true);
        }
        if self.maybe(no) {
            Ok(false)
        } else {
            self.wrong(format!("`{yes}` or `{no}`"))
        }
    }

    /// Items in parentheses.
    fn list<Item>(
        &mut self,
        mut item: impl FnMut(&mut Parser) -> Result<Item, ParseError>,
    ) -> Result<Vec<Item>, ParseError> {
        self.expect("(")?;
        let mut items = Vec::new();
        while !self.maybe(")") {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn module(&mut self) -> Result<Module, ParseError> {
        self.expect("module")?;
        let mut module = Module {
            format: self.named("format")?,
            edition: self.named("edition")?,
            page_shift: self.named("page_shift")?,
            ..Module::default()
        };
        self.expect("package")?;
        module.interface.package = self.quoted()?;
        self.expect("files")?;
        module.files = self.list(Parser::quoted)?;
        self.expect("roles")?;
        module.interface.roles = self.list(Parser::quoted)?;
        self.expect("retired")?;
        let retired = self.list(Parser::quoted)?;
        for text in retired {
            let parts = text
                .rsplit_once('@')
                .and_then(|(name, version)| Some((name, version.parse().ok()?)));
            let Some((name, version)) = parts else {
                return self.wrong("a name and version such as \"pay@1\"");
            };
            module.interface.retired.push((name.to_string(), version));
        }
        while self.peek().is_some() {
            let interface = &mut module.interface;
            match self.word()?.as_str() {
                "struct" => interface.shapes.structs.push(self.record()?),
                "enum" => interface.shapes.enums.push(self.sum()?),
                "event" => {
                    let record = self.record()?;
                    self.expect("docs")?;
                    interface.events.push(Event {
                        record,
                        docs: self.quoted()?,
                    });
                }
                "error" => interface.errors.push(self.sum()?),
                "region" => module.regions.push(Region {
                    name: self.quoted()?,
                    writable: self.either("writable", "readable")?,
                    layout_hash: self.named("layout_hash")?,
                    pages_max: self.named("pages_max")?,
                }),
                "guard" => interface.guards.push(self.guard()?),
                "route" => interface.routes.push(Route {
                    method: self.known()?,
                    path: self.quoted()?,
                    command: self.named("command")?,
                }),
                "command" => interface.commands.push(self.command()?),
                "function" => module.functions.push(self.function()?),
                _ => {
                    self.at -= 1;
                    return self.wrong(
                        "struct, enum, event, error, region, guard, route, command or function",
                    );
                }
            }
        }
        Ok(module)
    }

    fn record(&mut self) -> Result<Record, ParseError> {
        let name = self.quoted()?;
        self.expect("{")?;
        let mut fields = Vec::new();
        while !self.maybe("}") {
            if !fields.is_empty() {
                self.expect(",")?;
            }
            let name = self.quoted()?;
            self.expect(":")?;
            fields.push((name, self.shape(0)?));
        }
        Ok(Record { name, fields })
    }

    fn sum(&mut self) -> Result<Sum, ParseError> {
        Ok(Sum {
            name: self.quoted()?,
            variants: self.list(Parser::record)?,
        })
    }

    /// `<element, max>`
    fn elements(&mut self, depth: usize) -> Result<(Box<Shape>, u32), ParseError> {
        self.expect("<")?;
        let element = self.shape(depth + 1)?;
        self.expect(",")?;
        let max = self.number()?;
        self.expect(">")?;
        Ok((Box::new(element), max))
    }

    fn shape(&mut self, depth: usize) -> Result<Shape, ParseError> {
        if depth == SHAPE_DEPTH_MAX {
            return self.wrong("types that stand less deep in each other");
        }
        let mut shape = if self.maybe("(") {
            let mut parts = Vec::new();
            while !self.maybe(")") {
                if !parts.is_empty() {
                    self.expect(",")?;
                }
                parts.push(self.shape(depth + 1)?);
            }
            Shape::Tuple(parts)
        } else if self.maybe("time") {
            Shape::Time
        } else if self.maybe("duration") {
            Shape::Duration
        } else if self.maybe("uuid") {
            Shape::Uuid
        } else if self.maybe("hash") {
            Shape::Hash
        } else if self.maybe("decimal") {
            self.expect("<")?;
            let digits = self.number()?;
            self.expect(",")?;
            let scale = self.number()?;
            self.expect(">")?;
            Shape::Decimal { digits, scale }
        } else if self.maybe("string") {
            Shape::String(self.angled()?)
        } else if self.maybe("bytes") {
            Shape::Bytes(self.angled()?)
        } else if self.maybe("list") {
            let (element, max) = self.elements(depth)?;
            Shape::List(element, max)
        } else if self.maybe("set") {
            let (element, max) = self.elements(depth)?;
            Shape::Set(element, max)
        } else if self.maybe("map") {
            let (element, max) = self.elements(depth)?;
            Shape::Map(element, max)
        } else if let Ok(index) = self.numbered("struct") {
            Shape::Struct(index)
        } else if let Ok(index) = self.numbered("enum") {
            Shape::Enum(index)
        } else {
            Shape::Scalar(self.known()?)
        };
        let mut optionals = 0;
        while self.maybe("?") {
            optionals += 1;
            if depth + optionals == SHAPE_DEPTH_MAX {
                return self.wrong("types that stand less deep in each other");
            }
            shape = Shape::Optional(Box::new(shape));
        }
        Ok(shape)
    }

    fn angled(&mut self) -> Result<u32, ParseError> {
        self.expect("<")?;
        let max = self.number()?;
        self.expect(">")?;
        Ok(max)
    }

    fn kind(&mut self) -> Result<Type, ParseError> {
        let writable = self.maybe("mut");
        let space = if self.maybe("frame") {
            Space::Frame
        } else if let Ok(region) = self.numbered("region") {
            Space::Page(RegionIndex(region))
        } else if writable {
            return self.wrong("a view");
        } else {
            return Ok(Type::Scalar(self.known::<Scalar>()?));
        };
        self.expect("[")?;
        let length = self.number()?;
        self.expect("]")?;
        Ok(Type::View(View {
            space,
            length,
            writable,
        }))
    }

    fn cost(&mut self) -> Result<Cost, ParseError> {
        self.expect("cost")?;
        Ok(Cost {
            steps: self.named("steps")?,
            pages_read: self.named("pages_read")?,
            pages_written: self.named("pages_written")?,
            bytes_written: self.named("bytes_written")?,
            event_bytes: self.named("event_bytes")?,
            reply_bytes: self.named("reply_bytes")?,
            scratch_bytes: self.named("scratch_bytes")?,
        })
    }

    fn guard(&mut self) -> Result<Guard, ParseError> {
        let kind: GuardKind = self.known()?;
        let subject = self.quoted()?;
        self.expect("rules")?;
        let rules = self.list(|parser| Ok((parser.quoted()?, parser.named("meaning")?)))?;
        self.expect("entry")?;
        let entry = FunctionIndex(self.numbered("function")?);
        Ok(Guard {
            kind,
            subject,
            rules,
            entry,
        })
    }

    fn command(&mut self) -> Result<Command, ParseError> {
        let name = self.quoted()?;
        let version = self.named("version")?;
        let kind: CommandKind = self.known()?;
        self.expect("{")?;
        self.expect("docs")?;
        let docs = self.quoted()?;
        self.expect("arguments")?;
        let arguments = self.record()?;
        self.expect("result")?;
        let result = if self.maybe("none") {
            None
        } else {
            Some(self.shape(0)?)
        };
        self.expect("fails")?;
        let fails = self.list(Parser::number)?;
        self.expect("allow")?;
        let allow = if self.maybe("anyone") {
            Allow::Anyone
        } else {
            Allow::Roles(self.named("roles")?)
        };
        self.expect("entry")?;
        let entry = FunctionIndex(self.numbered("function")?);
        let cost = self.cost()?;
        self.expect("undo")?;
        let undo_free = self.either("none", "journal")?;
        self.expect("}")?;
        Ok(Command {
            name,
            version,
            kind,
            docs,
            arguments,
            result,
            fails,
            allow,
            entry,
            cost,
            undo_free,
        })
    }

    fn function(&mut self) -> Result<Function, ParseError> {
        let name = self.quoted()?;
        let kind: FunctionKind = self.known()?;
        let maybe = self.either("maybe", "always")?;
        self.expect("{")?;
        self.expect("parameters")?;
        let parameters = self.list(Parser::kind)?;
        self.expect("results")?;
        let results = self.list(Parser::kind)?;
        self.expect("registers")?;
        let registers = self.list(Parser::kind)?;
        self.expect("slots")?;
        let slots = self.list(Parser::number)?;
        let cost = self.cost()?;
        self.expect("body")?;
        self.next = 0;
        let body = self.body()?;
        self.expect("}")?;
        let lines = std::mem::take(&mut self.lines);
        Ok(Function {
            name,
            kind,
            parameters,
            results,
            maybe,
            registers,
            slots,
            body,
            lines,
            cost,
        })
    }
}
