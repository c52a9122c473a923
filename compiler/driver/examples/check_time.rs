//! Checks a folder and prints how long each stage took: the figure behind `rcc check` on large packages.

fn main() {
    let path = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "examples/ledger".to_string());
    let package = match rc_driver::Package::load(path.as_ref()) {
        Ok(package) => package,
        Err(error) => return eprintln!("{error}"),
    };
    let checked = rc_driver::check_only(&package);
    for diagnostic in checked.diagnostics.iter().take(5) {
        println!("{} {}", diagnostic.code, diagnostic.message);
    }
    println!(
        "{} messages, parse {:?}, check {:?}",
        checked.diagnostics.len(),
        checked.timings.parse,
        checked.timings.check
    );
}
