//! Compiles a folder and prints its messages, stage times and costs: the driver's smallest user.

fn main() {
    let path = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "examples/ledger".to_string());
    let package = match rc_driver::Package::load(path.as_ref()) {
        Ok(package) => package,
        Err(error) => return eprintln!("{error}"),
    };
    let compiled = rc_driver::compile_with(
        &package,
        rc_driver::Options {
            with_tests: true,
            ..Default::default()
        },
    );
    print!(
        "{}",
        rc_diagnostics::render::human(&compiled.sources, &compiled.diagnostics, false)
    );
    println!("{:?}", compiled.timings);
    if let Some(lowered) = compiled.lowered {
        for command in &lowered.module.interface.commands {
            println!("{} {:?}", command.name, command.cost);
        }
        if let Err(error) = rc_bytecode::verify(lowered.module) {
            println!("does not verify: {error}");
        }
    }
}
