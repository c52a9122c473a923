//! Finding what a name means, and the name that was probably meant.

use crate::world::{Symbol, World};
use rc_diagnostics::codes;
pub(crate) use rc_diagnostics::nearest;
use rc_source::Span;
use rc_syntax::ast::Name;

impl World<'_> {
    /// Looks in the module itself, then in what it uses.
    pub fn find(&self, module: usize, name: &str) -> Option<Symbol> {
        let module = &self.modules[module];
        let found = module.names.get(name).map(|(symbol, _)| *symbol);
        found.or_else(|| {
            module
                .imports
                .iter()
                .filter(|import| import.has(name))
                .find_map(|import| self.modules[import.module].names.get(name))
                .map(|(symbol, _)| *symbol)
        })
    }

    /// A name inside a used (or, in the standard library, any) module: `tree.find`.
    pub fn find_in_module(&self, from: usize, module: &str, name: &str) -> Option<Symbol> {
        let named = |index: &usize| {
            let known = self.modules[*index].name.as_str();
            *index != from && known.strip_prefix("std.").unwrap_or(known) == module
        };
        let imports = self.modules[from].imports.iter();
        let mut used = imports
            .filter(|import| import.has(name))
            .map(|import| import.module);
        let index = match self.is_std(from) {
            true => (0..self.modules.len())
                .filter(|index| self.is_std(*index))
                .find(named)?,
            false => used.find(named)?,
        };
        self.modules[index]
            .names
            .get(name)
            .map(|(symbol, _)| *symbol)
    }

    /// The visible name nearest to `name` among those that `wanted` accepts.
    pub fn near(
        &self,
        module: usize,
        name: &str,
        wanted: impl Fn(Symbol) -> bool,
    ) -> Option<String> {
        let own = &self.modules[module];
        let used = own.imports.iter().flat_map(|import| {
            let names = self.modules[import.module].names.iter();
            names.filter(|(text, _)| import.has(text))
        });
        let names = own
            .names
            .iter()
            .chain(used)
            .filter(|(_, (symbol, _))| wanted(*symbol))
            .map(|(text, _)| &**text);
        nearest(name, names)
    }

    /// No type of this name; `span` covers its arguments too.
    pub fn unknown_type(&mut self, module: usize, name: &Name, span: Span) {
        let types = |symbol| {
            matches!(
                symbol,
                Symbol::Alias(_)
                    | Symbol::Struct(_)
                    | Symbol::Enum(_)
                    | Symbol::Layout(_)
                    | Symbol::Table(_)
            )
        };
        let builtin = BUILTIN_TYPES.iter().copied();
        let familiar = familiar_type(&name.text);
        let near = self
            .near(module, &name.text, types)
            .or_else(|| nearest(&name.text, builtin).filter(|_| familiar.is_none()))
            .map(|near| match &*near {
                "string" | "bytes" => format!("{near}<64>"),
                "list" | "set" => format!("{near}<u64, 100>"),
                "map" => "map<u64, u64, 100>".to_string(),
                _ => near,
            });
        let whole = self.sources.text_of(span).to_string();
        let note = self
            .error(
                codes::UNKNOWN_TYPE,
                name.span,
                format!("there is no type `{}`", name.text),
            )
            .label("not known here");
        match (near, familiar) {
            (Some(near), _) => {
                // Arguments stay, unless the proposal has its own.
                let place = if near.contains('<') { span } else { name.span };
                drop(note.meant(place, Some(near)));
            }
            (None, Some(Familiar::Is(ty))) => {
                drop(note.hint(format!("write `{ty}`")).edit(span, ty))
            }
            (None, Some(Familiar::Of(before, after))) => {
                let inner = whole
                    .split_once('<')
                    .and_then(|(_, inner)| inner.strip_suffix('>'))
                    .filter(|inner| !inner.contains([',', '<']))
                    .unwrap_or("u64")
                    .trim();
                let ty = format!("{before}{inner}{after}");
                drop(note.hint(format!("write `{ty}`")).edit(span, ty));
            }
            (None, Some(Familiar::Say(hint))) => drop(note.hint(hint)),
            (None, None) => {}
        }
    }
}

const BUILTIN_TYPES: &[&str] = &[
    "bool", "u8", "u16", "u32", "u64", "u128", "i8", "i16", "i32", "i64", "i128", "f64", "time",
    "duration", "string", "bytes", "list", "set", "map",
];

/// What stands here for a type of another language.
enum Familiar {
    /// This type.
    Is(&'static str),
    /// Its argument, between these.
    Of(&'static str, &'static str),
    /// No type, but another way.
    Say(&'static str),
}

fn familiar_type(name: &str) -> Option<Familiar> {
    use Familiar::{Is, Of, Say};
    Some(match name {
        "int" | "Int" | "integer" | "Integer" | "long" | "number" | "Number" | "usize" | "uint"
        | "UInt" | "serial" | "bigint" | "Bigint" | "BigInt" | "INTEGER" | "INT" | "BIGINT"
        | "size_t" | "uint64" | "Nat" | "natural" => Is("u64"),
        "isize" | "int64" | "signed" => Is("i64"),
        "uint8" | "byte" | "Byte" | "uchar" => Is("u8"),
        "uint16" | "short" => Is("u16"),
        "uint32" | "UInt32" => Is("u32"),
        "int8" => Is("i8"),
        "int16" => Is("i16"),
        "int32" => Is("i32"),
        "uint256" | "u256" | "U256" | "uint128" | "Uint128" => Is("u128"),
        "int256" | "i256" | "int128" => Is("i128"),
        "String" | "str" | "Str" | "varchar" | "VARCHAR" | "TEXT" | "Text" | "CharField"
        | "char" | "Char" | "nvarchar" => Is("string<64>"),
        "Bool" | "boolean" | "Boolean" | "BOOLEAN" | "BOOL" => Is("bool"),
        "float" | "double" | "Float" | "Double" | "f32" | "real" | "REAL" | "float64" => Is("f64"),
        "Decimal" | "numeric" | "money" | "Money" => {
            Say("count in the smallest unit, as in `type Cents = u64`")
        }
        "Bytes" | "BLOB" | "Buffer" | "binary" | "bytea" | "bytes32" | "Uint8Array" => {
            Is("bytes<32>")
        }
        "address" | "Address" | "Principal" | "Pubkey" | "UUID" | "Uuid" | "ObjectId" => {
            Say("an id is a `u64`, or `bytes<32>` where it comes from outside")
        }
        "Vec" | "List" | "array" | "Array" | "slice" | "Seq" | "ArrayList" | "vector"
        | "Vector" => Of("list<", ", 100>"),
        "Set" | "HashSet" | "BTreeSet" | "TreeSet" => Of("set<", ", 100>"),
        "Option" | "Optional" | "Maybe" | "Nullable" => Of("", "?"),
        "Map" | "HashMap" | "Dict" | "dict" | "mapping" | "BTreeMap" | "Record" | "Object"
        | "object" | "json" | "JSON" | "Dictionary" => {
            Say("a few keys with values are a `map<K, V, 100>`, any number a `table`")
        }
        "Result" | "Either" => {
            Say("say the value's type alone; failures are declared by `fails` in the header")
        }
        "any" | "Any" | "unknown" | "dyn" => Say("one of several forms is an `enum`"),
        "void" | "Void" | "unit" | "None" | "null" | "never" => {
            Say("what gives nothing has no `->`")
        }
        "DateTime" | "Timestamp" | "timestamp" | "Date" | "Time" | "datetime" | "TIMESTAMP"
        | "timestamptz" | "Instant" | "date" => Is("time"),
        "Duration" | "Interval" | "interval" | "TimeSpan" | "timedelta" => Is("duration"),
        _ => return None,
    })
}
