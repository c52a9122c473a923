//! Prints a file's tree and its messages.

fn main() {
    let text = std::fs::read_to_string(std::env::args().nth(1).expect("a file")).expect("text");
    let parsed = rc_syntax::parse(rc_source::FileId(0), &text);
    println!("{}", rc_syntax::dump::dump(&parsed.file));
    for found in parsed.diagnostics.iter() {
        println!("{found:?}");
    }
}
