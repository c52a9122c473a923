//! The registry of diagnostic codes: one line each, grouped by range. To add one, take the next free
//! number of its range and write `NAME = number, "title";`. A number is never reused.
//!
//! Always true (checked when this file compiles): numbers rise within a group and lie in its range.

use std::fmt;

/// A registered code, shown as `E0312`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

impl Code {
    pub fn number(self) -> u16 {
        self.0
    }

    /// What the code is about, in a few words.
    pub fn title(self) -> &'static str {
        all()
            .find(|(code, _)| *code == self)
            .map_or("", |(_, title)| title)
    }

    /// Reads `E0312`, `e312` or `312`; `None` when it is not registered.
    pub fn parse(text: &str) -> Option<Code> {
        let number: u16 = text.trim_start_matches(['E', 'e']).parse().ok()?;
        all().map(|(code, _)| code).find(|code| code.0 == number)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E{:04}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! codes {
    ($($group:ident $from:literal .. $to:literal { $($name:ident = $number:literal, $title:literal;)* })*) => {
        $($(#[doc = $title] pub const $name: Code = Code($number);)*)*

        const GROUPS: &[&[(Code, &str)]] = &[$(&[$(($name, $title),)*],)*];

        $(const $group: () = {
            let numbers: &[u16] = &[$($number),*];
            let mut at = 0;
            while at < numbers.len() {
                assert!(numbers[at] >= $from && numbers[at] < $to, "a code outside its group's range");
                assert!(at == 0 || numbers[at] > numbers[at - 1], "codes of a group must rise");
                at += 1;
            }
        };)*
    };
}

/// Every code with its title, by number.
pub fn all() -> impl Iterator<Item = (Code, &'static str)> {
    GROUPS.iter().flat_map(|group| group.iter().copied())
}

codes! {
    // Lexing and parsing.
    _SYNTAX 101..200 {
        UNKNOWN_CHARACTER = 101, "a character that means nothing here";
        UNCLOSED_STRING = 102, "a string without its closing quote";
        BAD_ESCAPE = 103, "an escape that does not exist";
        BAD_NUMBER = 104, "a number that cannot be read";
        NUMBER_TOO_LARGE = 105, "a number above 128 bits";
        UNKNOWN_SUFFIX = 106, "a number with an unknown suffix";
        INVALID_UTF8 = 107, "bytes that are not UTF-8";
        UNCLOSED_BRACKET = 108, "a bracket without its partner";
        NESTED_TOO_DEEPLY = 109, "brackets nested too deeply";
        UNEXPECTED_TOKEN = 110, "something that does not fit here";
        EXPECTED_DECLARATION = 111, "something that is not a declaration";
        TWICE_THE_SAME_CLAUSE = 112, "a clause given twice";
        KEYWORD_AS_NAME = 113, "a keyword used as a name";
        BAD_NAME_CASE = 114, "a name in the wrong case";
        FILE_TOO_LARGE = 115, "a file above the limit";
        MISPLACED_DOCS = 116, "a doc comment that documents nothing";
        FOREIGN_COMMENT = 117, "a comment of another language";
    }
    // Names and packages' insides.
    _NAMES 200..300 {
        UNKNOWN_NAME = 201, "a name that is not known here";
        UNKNOWN_TYPE = 202, "a type that is not known here";
        UNKNOWN_FIELD = 203, "a field that does not exist";
        UNKNOWN_VARIANT = 204, "a variant that does not exist";
        UNKNOWN_METHOD = 205, "an operation that the type does not have";
        DECLARED_TWICE = 206, "a name declared twice";
        NAME_TAKEN = 207, "a local with the name of a state or aggregate";
        WRONG_KIND_OF_NAME = 208, "a name of another kind than needed here";
        UNKNOWN_MODULE = 209, "a module that does not exist";
        WRONG_PACKAGE_NAME = 210, "a file of another package";
        AMBIGUOUS_VARIANT = 211, "a bare variant that several types have";
        UNKNOWN_VERSION = 212, "a version that a command or query does not have";
        NO_VERSIONS = 213, "a version of what has none";
        NOT_FOR_USE = 221, "a package that another one cannot use";
    }
    // Types.
    _TYPES 300..400 {
        TYPE_MISMATCH = 301, "a value of another type than expected";
        BAD_OPERANDS = 302, "an operator on types that it does not take";
        LITERAL_OUT_OF_RANGE = 303, "a literal outside its type";
        LITERAL_TOO_LONG = 304, "a literal longer than its type allows";
        MISSING_FIELDS = 305, "a record without all its fields";
        WRONG_ARGUMENT_COUNT = 306, "too few or too many arguments";
        NOT_EXHAUSTIVE = 307, "a match that misses a case";
        UNREACHABLE_ARM = 308, "a match arm that is never reached";
        TYPE_NEEDED = 309, "a type that cannot be worked out";
        NOT_ASSIGNABLE = 310, "an assignment to what cannot change";
        LOSSY_CONVERSION = 311, "a conversion that may lose something";
        MAY_BE_NONE = 312, "an optional used as if it were there";
        ELSE_MISSING = 313, "an if without else where a value is needed";
        OUTSIDE_A_LOOP = 314, "break or continue outside a loop";
        REFUTABLE_PATTERN = 315, "a pattern that may not match";
        NOT_CONSTANT = 316, "an expression that is not constant";
        NOT_STORABLE = 317, "a type that cannot be stored or sent";
        CONSTANT_OVERFLOW = 318, "a calculation that always fails";
        BAD_TYPE_ARGUMENT = 319, "a type argument that does not fit";
        ENDLESS_TYPE = 320, "a type that contains itself";
        NOT_CALLABLE = 321, "a call of what cannot be called";
        BAD_PATTERN = 322, "a pattern that does not fit the value";
        ELSE_CONTINUES = 323, "an else side that goes on";
        NOT_AN_OPTIONAL = 324, "an else for what is always there";
        ROW_AS_VALUE = 325, "a row used as a value";
        STATE_DEFAULT_MISSING = 326, "a state without a first value";
        VALUE_DROPPED = 327, "a value that nobody takes";
        TEXT_NOT_FILLED_IN = 330, "a text with a `${…}` that stays as it is";
        RANDOM_IN_QUERY = 336, "a new uuid where asking twice must answer the same";
        BAD_IDENTIFIER = 337, "a uuid or hash that is none";
        DECIMAL_LITERAL = 338, "a literal that its decimal cannot hold exactly";
        ROUNDING_NEEDED = 339, "a product or quotient of decimals without its rounding";
        UNKNOWN_ROUNDING = 340, "a rounding that does not exist";
        NOT_HASHABLE = 341, "a hash of what is no plain value";
        CONTAINER_MISPLACED = 346, "a container where none can live";
        CONTAINER_AS_VALUE = 347, "a container used as a value";
        CONTAINER_WITH_VALUE = 348, "a first value for a container";
        CONTAINER_IN_CASCADE = 349, "a cascade into rows that have containers";
    }
    // Bounds and cost.
    _BOUNDS 400..500 {
        UNBOUNDED_LOOP = 401, "a loop without a bound";
        BOUND_NOT_CONSTANT = 402, "a bound that is not a constant";
        RECURSION = 403, "functions that call each other in a circle";
        UNKNOWN_COST = 404, "a cost dimension that does not exist";
        COST_EXCEEDED = 405, "a proven cost above the declared one";
        NO_ORDER = 406, "a walk over what has no order";
        NOT_ITERABLE = 407, "a loop over what cannot be walked";
        WRONG_BOUND = 408, "a bound word that does not fit its source";
        GROUP_EXPECTED = 409, "a grouped aggregate without its group, or a group where there is none";
        NO_INDEX_FOR_AGGREGATE = 410, "a `min` or `max` without an index to read it from";
        INVARIANT_NEEDS_SCAN = 411, "an invariant over groups that only a scan could keep";
        REFERENCE_WITHOUT_INDEX = 412, "a `ref` without an index that begins with it";
        BAD_REFERENCE = 413, "a `ref` where none can stand";
        BAD_ON_DELETE = 414, "an `on delete` that does not fit";
        CASCADE_CIRCLE = 415, "deletions that cascade in a circle";
    }
    // Tables, invariants, access.
    _TABLES 500..600 {
        ALLOW_MISSING = 501, "a command that nobody may call";
        UNKNOWN_ROLE = 502, "a role that is not declared";
        QUERY_WRITES = 503, "a query that changes something";
        ROW_IS_GONE = 504, "a row used after it may have been deleted";
        UNDECLARED_FAILURE = 505, "a failure that is not declared";
        KEY_ASSIGNED = 506, "an assignment to a key field";
        BAD_KEY_TYPE = 507, "a type that cannot be a key";
        KEY_MISSING = 508, "a table without a key";
        UNKNOWN_INDEX = 509, "an index that does not exist";
        INVARIANT_TOO_WIDE = 510, "an invariant that reads what it may not";
        TESTS_ONLY = 511, "a word of tests outside a test";
        CALL_FROM_INSIDE = 512, "a command or query called from inside";
        BAD_AGGREGATE = 513, "an aggregate that cannot be kept";
        TEST_WRITES = 514, "a test that changes data by itself";
        CANNOT_FAIL_SO = 515, "a failure that the call does not have";
        UNKNOWN_FAILURE = 516, "a failure that does not exist";
        BAD_INDEX = 517, "an index that cannot be kept";
        MISPLACED_CLAUSE = 518, "a clause that does not belong here";
        BUILT_IN_FAILURE_DECLARED = 519, "a failure with the name of a built-in one";
        ATTEMPT_AS_VALUE = 525, "the result of an attempt kept as a value";
        SCAN_WITHOUT_CAPACITY = 526, "a scan of a dense table without a capacity";
        GENERIC_ENTRY = 527, "a generic command, query or report";
        BOUND_NOT_MET = 528, "a type argument that lacks what is asked of it";
        BAD_JOB = 535, "a job that is not one walk through rows";
        UNKNOWN_JOB = 536, "a job that does not exist";
        RETURN_IN_JOB = 537, "a return inside a job";
        TWO_BEGINNINGS = 538, "a walk with two beginnings";
    }
    // The low-level part.
    _LOW_LEVEL 600..640 {
        LOW_LEVEL_OUTSIDE_STD = 601, "a word of the low-level part outside the standard library";
        BAD_LOW_LEVEL = 602, "a wrong use of the low-level part";
    }
    // Texts and blobs.
    _PIECES 640..660 {
        READ_NOT_CONSTANT = 640, "a read of a text or blob without a constant length";
        READ_TOO_SHORT = 641, "a read of a text that a character may not fit in";
    }
    // Routes.
    _ROUTES 660..670 {
        BAD_ATTRIBUTE = 660, "an attribute that does not belong here";
        BAD_ROUTE = 661, "a route that cannot be read";
        UNKNOWN_ROUTE_ARGUMENT = 662, "a name in a route that is no parameter";
        ROUTE_ARGUMENT = 663, "a parameter that a path or query string cannot carry";
        ROUTE_METHOD = 664, "a route with a method that does not fit";
        ROUTES_MEET = 665, "two routes that one request could be for";
    }
    // Packages, versions, compatibility.
    _PACKAGES 700..800 {
        NOT_IN_THIS_EDITION = 701, "something of the language that this edition does not have";
        BAD_MANIFEST = 702, "an rc.toml that cannot be used";
        UNREADABLE_FILE = 703, "a file of the package that cannot be read";
        EMPTY_PACKAGE = 704, "a package without source files";
    }
    // Limits of the compiler and of modules.
    _LIMITS 900..905 {
        PACKAGE_TOO_LARGE = 901, "a package above a limit";
        TOO_COMPLEX = 902, "something too complex to check";
        VALUE_TOO_LARGE = 903, "a value, row or key that is too large";
        MODULE_TOO_LARGE = 904, "a module above a limit";
    }
    // Versions of tables.
    _VERSIONS 905..1000 {
        ORIGIN_UNKNOWN = 905, "a version of a table that comes from one that is not there";
        ORIGIN_MISSING = 906, "a version of a table that comes from none";
        BAD_MIGRATE = 907, "a version of a table without its one `migrate`";
        MIGRATION_LOOKS_AROUND = 908, "a migration that sees more than the old row";
        MIGRATION_CHANGES_KEY = 909, "a migration that changes the key";
        VERSIONS_OUT_OF_ORDER = 910, "versions of a table that make no chain";
        OLD_VERSION_USED = 911, "a version of a table in an expression";
        NOTHING_TO_RETIRE = 912, "a `retire` of what is no command";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_show_with_four_digits_and_read_back() {
        assert_eq!(UNEXPECTED_TOKEN.to_string(), "E0110");
        assert_eq!(Code::parse("E0110"), Some(UNEXPECTED_TOKEN));
        assert_eq!(Code::parse("E9999"), None);
        assert_eq!(Code::parse("nonsense"), None);
    }

    #[test]
    fn every_code_has_a_title_of_its_own() {
        let mut titles: Vec<&str> = all().map(|(_, title)| title).collect();
        let count = titles.len();
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), count, "two codes share a title");
        assert!(titles.iter().all(|title| !title.is_empty()));
    }
}
