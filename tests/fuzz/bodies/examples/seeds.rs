//! Writes what a target starts from into a folder, for cargo-fuzz: `seeds TARGET FOLDER`.

use std::fs;
use std::path::Path;

fn main() {
    let mut words = std::env::args().skip(1);
    let (Some(target), Some(folder)) = (words.next(), words.next()) else {
        return eprintln!("usage: seeds TARGET FOLDER");
    };
    let seeds = fuzz_bodies::seeds::seeds(&target).expect("the tree can be read");
    fs::create_dir_all(&folder).expect("the folder can be made");
    for (number, seed) in seeds.iter().enumerate() {
        let path = Path::new(&folder).join(format!("seed_{number:04}"));
        fs::write(path, seed).expect("the folder is writable");
    }
    println!("{} seeds of {target} in {folder}", seeds.len());
}
