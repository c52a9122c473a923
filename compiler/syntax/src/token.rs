//! Tokens. Always true: the spans of a file's tokens rise, lie on UTF-8 borders and leave only blanks
//! uncovered; newlines and comments are tokens too.

use logos::Logos;
use rc_source::Span;

/// A token with its place; its text is what the source says there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    pub span: Span,
}

/// What a token is. Words come from the word table; logos knows the shapes.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[logos(skip r"[ \t\r\x0C]+")]
#[repr(u8)]
pub enum TokenKind {
    // -- trivia --
    #[token("\n")]
    Newline,
    #[regex(r"//[^\n]*", allow_greedy = true)]
    Comment,
    /// `/// …`
    OuterDoc,
    /// `//! …`
    InnerDoc,

    // -- names and literals --
    /// Begins with a lower-case letter or an underscore.
    #[regex(r"[A-Za-z_][A-Za-z0-9_]*")]
    Name,
    /// Begins with an upper-case letter.
    TypeName,
    /// A lower-case type name that takes arguments in an expression.
    GenericName,
    /// `_`
    Underscore,
    #[regex(r"[0-9][0-9A-Za-z_]*")]
    Number,
    #[regex(r"[0-9][0-9_]*\.[0-9][0-9A-Za-z_]*")]
    #[regex(r"[0-9][0-9_]*(\.[0-9][0-9_]*)?[eE][+-][0-9][0-9_]*")]
    Float,
    #[regex(r#""([^"\\\n]|\\[^\n])*""#)]
    String,
    #[regex(r#"[bx]"([^"\\\n]|\\[^\n])*""#)]
    Bytes,
    /// Without its closing quote, up to the end of the line.
    #[regex(r#"[bx]?"([^"\\\n]|\\[^\n])*\\?"#)]
    UnclosedString,
    /// Characters that mean nothing.
    Unknown,

    // -- brackets --
    #[token("(")]
    OpenParen,
    #[token(")")]
    CloseParen,
    #[token("[")]
    OpenBracket,
    #[token("]")]
    CloseBracket,
    #[token("{")]
    OpenBrace,
    #[token("}")]
    CloseBrace,

    /// `<` before type arguments.
    OpenAngle,
    /// `>` after type arguments.
    CloseAngle,

    // -- punctuation and operators; there is no `>>`: two `>` that touch are a shift --
    #[token(",")]
    Comma,
    #[token(";")]
    Semicolon,
    #[token(":")]
    Colon,
    #[token(".")]
    Dot,
    #[token("..")]
    DotDot,
    #[token("..=")]
    DotDotEqual,
    #[token("@")]
    At,
    #[token("->")]
    Arrow,
    #[token("=>")]
    FatArrow,
    #[token("=")]
    Equal,
    #[token("==")]
    EqualEqual,
    #[token("!=")]
    NotEqual,
    #[token("<")]
    Less,
    #[token("<=")]
    LessEqual,
    #[token(">")]
    Greater,
    #[token(">=")]
    GreaterEqual,
    #[token("<<")]
    ShiftLeft,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    #[token("%")]
    Percent,
    #[token("&")]
    Ampersand,
    #[token("&&")]
    AndAnd,
    #[token("|")]
    Bar,
    #[token("||")]
    OrOr,
    #[token("^")]
    Caret,
    #[token("!")]
    Bang,
    #[token("?")]
    Question,
    #[token("??")]
    QuestionQuestion,
    #[token("+=")]
    PlusEqual,
    #[token("-=")]
    MinusEqual,
    #[token("*=")]
    StarEqual,
    #[token("/=")]
    SlashEqual,
    #[token("%=")]
    PercentEqual,

    // -- hard keywords --
    Let,
    Var,
    If,
    Else,
    Match,
    For,
    In,
    Return,
    Break,
    Continue,
    Ensure,
    Fail,
    Emit,
    Attempt,
    Assert,
    As,
    Fn,
    True,
    False,
    None,
    Not,

    // -- contextual words --
    Package,
    Use,
    Type,
    Struct,
    Enum,
    Table,
    Key,
    Index,
    Unique,
    Invariant,
    State,
    Aggregate,
    Role,
    Error,
    Event,
    Command,
    Query,
    Report,
    Test,
    Property,
    Const,
    Layout,
    Retire,
    Job,
    Start,
    Step,
    Migrate,
    From,
    By,
    On,
    Delete,
    Ref,
    Capacity,
    Fails,
    Allow,
    Cost,
    Take,
    Max,
    Advance,
    Expect,
    Touch,
    Mut,
}

impl TokenKind {
    /// Newlines, comments and doc comments.
    pub fn is_trivia(self) -> bool {
        use TokenKind::*;
        matches!(self, Newline | Comment | OuterDoc | InnerDoc)
    }

    /// A contextual word, or any name.
    pub fn is_name(self) -> bool {
        use TokenKind::*;
        matches!(self, Name | TypeName | GenericName) || crate::words::is_contextual(self)
    }

    /// A hard keyword.
    pub fn is_keyword(self) -> bool {
        crate::words::is_hard(self)
    }

    /// After these a newline ends nothing: an operator, a comma, an opening bracket, a doc comment.
    pub fn continues_line(self) -> bool {
        use TokenKind::*;
        matches!(
            self,
            Newline
                | OuterDoc
                | InnerDoc
                | Comma
                | Colon
                | Dot
                | DotDot
                | DotDotEqual
                | At
                | Arrow
                | FatArrow
                | Equal
                | EqualEqual
                | NotEqual
                | Less
                | LessEqual
                | Greater
                | GreaterEqual
                | OpenAngle
                | ShiftLeft
                | Plus
                | Minus
                | Star
                | Slash
                | Percent
                | Ampersand
                | AndAnd
                | Bar
                | OrOr
                | Caret
                | Bang
                | QuestionQuestion
                | PlusEqual
                | MinusEqual
                | StarEqual
                | SlashEqual
                | PercentEqual
                | OpenBrace
                | OpenParen
                | OpenBracket
        )
    }

    /// Before these a newline ends nothing.
    pub fn joins_line(self) -> bool {
        matches!(self, TokenKind::Else | TokenKind::Dot | TokenKind::Arrow)
    }

    /// The words that begin a declaration.
    pub fn starts_declaration(self) -> bool {
        use TokenKind::*;
        matches!(
            self,
            Package
                | Use
                | Type
                | Struct
                | Enum
                | Table
                | State
                | Aggregate
                | Invariant
                | Role
                | Error
                | Event
                | Command
                | Query
                | Report
                | Fn
                | Test
                | Property
                | Const
                | Layout
                | Retire
                | Job
        )
    }

    /// As a message names it: `` `)` ``, `a name`.
    pub(crate) fn described(self) -> std::borrow::Cow<'static, str> {
        use TokenKind::*;
        let fixed = match self {
            Newline => "the end of the line",
            Comment | OuterDoc | InnerDoc => "a comment",
            Name | GenericName => "a name",
            TypeName => "an upper-case name",
            Underscore => "`_`",
            Number | Float => "a number",
            String | UnclosedString => "a string",
            Bytes => "bytes",
            Unknown => "an unknown character",
            OpenParen => "`(`",
            CloseParen => "`)`",
            OpenBracket => "`[`",
            CloseBracket => "`]`",
            OpenBrace => "`{`",
            CloseBrace => "`}`",
            Comma => "`,`",
            Semicolon => "`;`",
            Colon => "`:`",
            Dot => "`.`",
            DotDot => "`..`",
            DotDotEqual => "`..=`",
            At => "`@`",
            Arrow => "`->`",
            FatArrow => "`=>`",
            Equal => "`=`",
            EqualEqual => "`==`",
            NotEqual => "`!=`",
            Less | OpenAngle => "`<`",
            LessEqual => "`<=`",
            Greater | CloseAngle => "`>`",
            GreaterEqual => "`>=`",
            ShiftLeft => "`<<`",
            Plus => "`+`",
            Minus => "`-`",
            Star => "`*`",
            Slash => "`/`",
            Percent => "`%`",
            Ampersand => "`&`",
            AndAnd => "`&&`",
            Bar => "`|`",
            OrOr => "`||`",
            Caret => "`^`",
            Bang => "`!`",
            Question => "`?`",
            QuestionQuestion => "`??`",
            PlusEqual => "`+=`",
            MinusEqual => "`-=`",
            StarEqual => "`*=`",
            SlashEqual => "`/=`",
            PercentEqual => "`%=`",
            word => return format!("`{}`", crate::words::text(word).unwrap_or("?")).into(),
        };
        fixed.into()
    }
}
