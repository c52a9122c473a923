//! The word table: the hard keywords, the words that mean something only in their place, and the lower-case
//! type names that take arguments in an expression. Every other word is a name, and so is a contextual
//! word wherever its meaning is not asked for.

use crate::token::TokenKind;

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Never a name.
    Hard,
    /// A name outside its place.
    Contextual,
    /// A name; in an expression it may carry generic arguments: `priority_queue<Cents, u64, 10>()`.
    Generic,
}

macro_rules! words {
    ($(hard $hard:literal $hard_kind:ident;)* $(contextual $soft:literal $soft_kind:ident;)* $(generic $generic:literal;)*) => {
        /// Every word with a meaning.
        pub const WORDS: &[(&str, Word)] = &[
            $(($hard, Word::Hard),)*
            $(($soft, Word::Contextual),)*
            $(($generic, Word::Generic),)*
        ];

        /// The kind of a lower-case word.
        pub(crate) fn classify(word: &str) -> TokenKind {
            match word {
                $($hard => TokenKind::$hard_kind,)*
                $($soft => TokenKind::$soft_kind,)*
                $($generic)|* => TokenKind::GenericName,
                _ => TokenKind::Name,
            }
        }

        /// The text of a word's kind.
        pub(crate) fn text(kind: TokenKind) -> Option<&'static str> {
            match kind {
                $(TokenKind::$hard_kind => Some($hard),)*
                $(TokenKind::$soft_kind => Some($soft),)*
                _ => None,
            }
        }

        /// True for a word that is a name outside its place.
        pub(crate) fn is_contextual(kind: TokenKind) -> bool {
            matches!(kind, $(TokenKind::$soft_kind)|*)
        }

        /// True for a word that is never a name.
        pub(crate) fn is_hard(kind: TokenKind) -> bool {
            matches!(kind, $(TokenKind::$hard_kind)|*)
        }
    };
}

words! {
    hard "let" Let;
    hard "var" Var;
    hard "if" If;
    hard "else" Else;
    hard "match" Match;
    hard "for" For;
    hard "in" In;
    hard "return" Return;
    hard "break" Break;
    hard "continue" Continue;
    hard "ensure" Ensure;
    hard "fail" Fail;
    hard "emit" Emit;
    hard "attempt" Attempt;
    hard "assert" Assert;
    hard "as" As;
    hard "fn" Fn;
    hard "true" True;
    hard "false" False;
    hard "none" None;
    hard "not" Not;
    contextual "package" Package;
    contextual "use" Use;
    contextual "type" Type;
    contextual "struct" Struct;
    contextual "enum" Enum;
    contextual "table" Table;
    contextual "key" Key;
    contextual "index" Index;
    contextual "unique" Unique;
    contextual "invariant" Invariant;
    contextual "state" State;
    contextual "aggregate" Aggregate;
    contextual "role" Role;
    contextual "error" Error;
    contextual "event" Event;
    contextual "command" Command;
    contextual "query" Query;
    contextual "report" Report;
    contextual "test" Test;
    contextual "property" Property;
    contextual "const" Const;
    contextual "layout" Layout;
    contextual "retire" Retire;
    contextual "job" Job;
    contextual "start" Start;
    contextual "step" Step;
    contextual "migrate" Migrate;
    contextual "from" From;
    contextual "by" By;
    contextual "on" On;
    contextual "delete" Delete;
    contextual "ref" Ref;
    contextual "capacity" Capacity;
    contextual "fails" Fails;
    contextual "allow" Allow;
    contextual "cost" Cost;
    contextual "take" Take;
    contextual "max" Max;
    contextual "advance" Advance;
    contextual "expect" Expect;
    contextual "touch" Touch;
    contextual "mut" Mut;
    generic "list";
    generic "set";
    generic "map";
    generic "tree";
    generic "queue";
    generic "priority_queue";
    generic "log";
    generic "string";
    generic "bytes";
    generic "decimal";
    generic "place";
    generic "place_mut";
    generic "size";
    generic "align";
}
