//! `rcc new NAME`: a small package that passes its tests. Always true: nothing that exists is written over.

use crate::output::{Failure, say};
use rc_syntax::{WORDS, Word};
use std::fs;
use std::path::PathBuf;

/// Makes a folder with a small working package in it.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  rcc new shop\n  cd shop && rcc test")]
pub struct Arguments {
    /// The package's name: lower-case letters, digits and `_`. The folder gets the name too, unless --dir says otherwise.
    name: String,
    /// The folder to make.
    #[arg(long)]
    dir: Option<PathBuf>,
}

const SOURCE: &str = r#"//! Counters by name.
package NAME

table Counter {
    key name: string<32>
    value: u64 = 0
}

error Counting {
    NoCounter
}

event Counted { name: string<32>, value: u64 }

command create(name: string<32>) allow anyone {
    Counter.insert({ name })
}

/// Adds `by` and returns the new value.
command add(name: string<32>, by: u64) -> u64 fails Counting allow anyone {
    let counter = Counter.get(name) else fail NoCounter
    counter.value += by
    emit Counted { name, value: counter.value }
    counter.value
}

query value(name: string<32>) -> u64 fails Counting allow anyone {
    let counter = Counter.get(name) else fail NoCounter
    counter.value
}

test "counters count" {
    create("visits")
    assert add("visits", 2) == 2
    assert add("visits", 3) == 5
    assert value("visits") == 5
    expect NoCounter from add("nothing", 1)
}

property "the value is the sum" (steps: list<u32, 20>) {
    create("sum")
    var sum: u64 = 0
    for step in steps {
        sum += step as u64
        assert add("sum", step as u64) == sum
    }
    assert value("sum") == sum
}
"#;

const MANIFEST: &str = r#"name = "NAME"
edition = 1
# Who may call the commands and queries that do not say it themselves: "anyone", or roles as in ["treasurer", "auditor"].
# allow = "anyone"
"#;

const IGNORED: &str = ".rc-data/\n*.rcm\n";

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let name = &arguments.name;
    let sound = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.len() <= 64
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !sound {
        let text = format!(
            "`{name}` is no package name; use lower-case letters, digits and `_`, a letter first"
        );
        return Err(Failure::new(text));
    }
    if WORDS.contains(&(name.as_str(), Word::Hard)) {
        return Err(Failure::new(format!(
            "`{name}` is a keyword of the language and cannot name a package"
        )));
    }
    let folder = arguments.dir.clone().unwrap_or_else(|| PathBuf::from(name));
    let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", folder.display()));
    if fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::new(format!("{} is not empty", folder.display())));
    }
    fs::create_dir_all(&folder).map_err(failed)?;
    let files = [
        (format!("{name}.rc"), SOURCE),
        ("rc.toml".to_owned(), MANIFEST),
        (".gitignore".to_owned(), IGNORED),
    ];
    for (file, text) in files {
        fs::write(folder.join(file), text.replace("NAME", name)).map_err(failed)?;
    }
    let shown = folder.display();
    say(format!(
        "made {shown}: a package with a table, two commands, a query, a test and a property"
    ));
    say(format!(
        "next:\n  rcc test {shown}\n  rcc cost {shown}\n  rcc dev {shown}"
    ));
    Ok(())
}
