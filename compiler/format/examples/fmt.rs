fn main() {
    for path in std::env::args().skip(1) {
        match rc_format::format(&std::fs::read_to_string(&path).unwrap()) {
            Ok(t) => print!("{t}"),
            Err(e) => println!("{e:?}"),
        }
    }
}
