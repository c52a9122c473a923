//! Parses files and prints what was found; for looking at messages and speed by hand.
use rc_diagnostics::render;
use rc_source::Sources;
fn main() {
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut sources = Sources::new();
        let file = sources.add(path, text.as_str());
        let start = std::time::Instant::now();
        let parsed = rc_syntax::parse(file, &text);
        let took = start.elapsed();
        print!("{}", render::short(&sources, &parsed.diagnostics));
        for d in &parsed.diagnostics { if let Some(h) = &d.hint { println!("   hint {}: {h}", d.code); } }
        println!("{} items, {} diagnostics, {:.1} MB/s, {took:?}", parsed.file.items.len(), parsed.diagnostics.len(), text.len() as f64 / took.as_secs_f64() / 1e6);
    }
}
