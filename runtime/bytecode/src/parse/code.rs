//! Instructions of the text form, field by field as the table of instructions has them. A field is read by its type and
//! its name, the mirror of how it is printed.

use super::tokens::Token;
use super::{ParseError, Parser};
use crate::instr::{
    Body, CommandIndex, EventIndex, Failure, FunctionIndex, Instr, RegionIndex, Register, SlotIndex,
};
use crate::limits::NESTING_MAX;
use crate::table::for_each_instruction;

impl Parser {
    /// Instructions in braces.
    pub(super) fn body(&mut self) -> Result<Body, ParseError> {
        if self.nesting == NESTING_MAX {
            return self.wrong("code that stands less deep");
        }
        self.nesting += 1;
        self.expect("{")?;
        let mut body = Vec::new();
        while !self.maybe("}") {
            if self.maybe("line") {
                let line = (self.next, self.number()?, self.number()?);
                self.lines.push(line);
                continue;
            }
            self.next += 1;
            body.push(Instr::parse("", self)?);
        }
        self.nesting -= 1;
        Ok(body)
    }
}

/// A field of an instruction, or what stands in one.
trait Parse: Sized {
    fn parse(field: &str, input: &mut Parser) -> Result<Self, ParseError>;
}

impl Parse for Register {
    fn parse(field: &str, input: &mut Parser) -> Result<Self, ParseError> {
        // What stands before `=` is the `dst`.
        if field == "dst"
            && let Some(register) = input.assigned.take()
        {
            return Ok(Register(register));
        }
        Ok(Register(input.numbered("r")?))
    }
}

macro_rules! numbers {
    ($($kind:ty)*) => {$(
        impl Parse for $kind {
            fn parse(field: &str, input: &mut Parser) -> Result<Self, ParseError> {
                input.named(field)
            }
        }
    )*};
}
numbers!(u32 u64 u128);

macro_rules! numbered {
    ($($kind:ident $prefix:literal)*) => {$(
        impl Parse for $kind {
            fn parse(_: &str, input: &mut Parser) -> Result<Self, ParseError> {
                Ok($kind(input.numbered($prefix)?))
            }
        }
    )*};
}
numbered!(SlotIndex "slot" RegionIndex "region" FunctionIndex "function" EventIndex "event" CommandIndex "command");

macro_rules! words {
    ($($kind:ty)*) => {$(
        impl Parse for $kind {
            fn parse(_: &str, input: &mut Parser) -> Result<Self, ParseError> {
                input.known()
            }
        }
    )*};
}
words!(crate::instr::BinaryOp crate::instr::UnaryOp crate::instr::CompareOp crate::instr::ConvertMode crate::instr::Rounding crate::instr::Access crate::instr::Environment);

impl Parse for Failure {
    fn parse(_: &str, input: &mut Parser) -> Result<Self, ParseError> {
        if let Ok(error) = input.numbered("error") {
            input.expect(".")?;
            return Ok(Failure::Declared {
                error,
                variant: input.number()?,
            });
        }
        Ok(Failure::Builtin(input.known()?))
    }
}

impl Parse for Option<Register> {
    fn parse(field: &str, input: &mut Parser) -> Result<Self, ParseError> {
        if !input.maybe(field) {
            return Ok(None);
        }
        input.expect("=")?;
        Ok(Some(Register(input.numbered("r")?)))
    }
}

impl Parse for Vec<Register> {
    fn parse(field: &str, input: &mut Parser) -> Result<Self, ParseError> {
        input.expect(field)?;
        input.expect("=")?;
        input.list(|input| Ok(Register(input.numbered("r")?)))
    }
}

impl Parse for Body {
    fn parse(field: &str, input: &mut Parser) -> Result<Self, ParseError> {
        if field != "body" {
            input.expect(field)?;
        }
        input.body()
    }
}

impl Parse for Option<Body> {
    fn parse(field: &str, input: &mut Parser) -> Result<Self, ParseError> {
        if input.maybe(field) {
            Ok(Some(input.body()?))
        } else {
            Ok(None)
        }
    }
}

impl Parse for Vec<(u64, Body)> {
    fn parse(_: &str, input: &mut Parser) -> Result<Self, ParseError> {
        input.list(|input| Ok((input.number()?, input.body()?)))
    }
}

macro_rules! parse_instruction {
    ($($number:literal $variant:ident $name:literal { $($field:ident)* })*) => {
        impl Parse for Instr {
            fn parse(_: &str, input: &mut Parser) -> Result<Self, ParseError> {
                let assigns = matches!(input.tokens.get(input.at + 1), Some((Token::Sign('='), _)));
                if assigns {
                    input.assigned = Some(input.numbered("r")?);
                    input.expect("=")?;
                }
                let instr = match input.word()?.as_str() {
                    $($name => Instr::$variant { $($field: Parse::parse(stringify!($field), input)?),* },)*
                    _ => {
                        input.at -= 1;
                        return input.wrong("an instruction");
                    }
                };
                if input.assigned.is_some() {
                    return input.wrong("an instruction that assigns its `dst`");
                }
                Ok(instr)
            }
        }
    };
}
for_each_instruction!(parse_instruction);
