//! What bytes say about folders: packages `p0`, `p1`, …, side by side, with files, links and manifests, and a folder
//! outside of all of them. Always true: bytes that have ended read as zero, so that each input is a plan.

use super::SECRET;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

/// Packages at most.
const PACKAGES_MAX: u8 = 6;
/// Files of a package at most.
const FILES_MAX: u8 = 4;
/// Lines of `uses` of a manifest at most.
const USES_MAX: u8 = 4;
/// Bytes of a raw manifest at most.
const RAW_BYTES_MAX: usize = 200;

pub struct Plan {
    packages: Vec<PackagePlan>,
    /// Whether what loads is checked as well, which takes longer.
    pub checked: bool,
}

struct PackagePlan {
    files: Vec<FilePlan>,
    manifest: ManifestPlan,
}

enum FilePlan {
    /// A sound file; whether it uses this package.
    Text(Option<u8>),
    Bytes(Vec<u8>),
    /// A link to a file outside.
    Out,
    /// A link to this file of the same package.
    Beside(u8),
    /// A link to a file of this package.
    Other(u8),
    Dangling,
    ToItself,
    Folder,
    Pipe,
}

enum ManifestPlan {
    Absent,
    /// The package's name is that of this package, mostly its own.
    Sound {
        name: u8,
        uses: Vec<(u8, String)>,
    },
    Raw(Vec<u8>),
    /// A link to a manifest outside.
    Out,
    Dangling,
    Folder,
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn below(&mut self, end: u8) -> u8 {
        self.byte() % end
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = usize::from(self.byte()).min(most).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken.to_vec()
    }
}

impl Plan {
    pub fn of(bytes: &[u8]) -> Plan {
        let mut reader = Reader(bytes);
        let head = reader.byte();
        let packages = (0..=head % PACKAGES_MAX)
            .map(|number| package(&mut reader, number))
            .collect();
        Plan {
            packages,
            checked: head >= 0xc0,
        }
    }

    /// Writes the folders below an empty one.
    pub fn write(&self, root: &Path) -> io::Result<()> {
        let outside = root.join("outside");
        fs::create_dir(&outside)?;
        fs::write(outside.join("a.rc"), format!("package {SECRET}\n"))?;
        fs::write(outside.join("rc.toml"), format!("name = \"{SECRET}\"\n"))?;
        for number in 0..self.packages.len() {
            fs::create_dir(root.join(format!("p{number}")))?;
            symlink(format!("p{number}"), root.join(format!("link{number}")))?;
        }
        for (number, package) in self.packages.iter().enumerate() {
            let folder = root.join(format!("p{number}"));
            for (at, file) in package.files.iter().enumerate() {
                file.write(&folder, number, at)?;
            }
            package.manifest.write(&folder)?;
        }
        Ok(())
    }
}

fn package(reader: &mut Reader, number: u8) -> PackagePlan {
    let files = 1 + reader.below(FILES_MAX);
    let mut files: Vec<FilePlan> = (0..files).map(|_| file(reader)).collect();
    let manifest = match reader.below(16) {
        0 => ManifestPlan::Absent,
        1 => ManifestPlan::Raw(reader.bytes(RAW_BYTES_MAX)),
        2 => ManifestPlan::Out,
        3 => ManifestPlan::Dangling,
        4 => ManifestPlan::Folder,
        5 => {
            // No sources at all.
            files.clear();
            ManifestPlan::Absent
        }
        6 => sound(reader, number.wrapping_add(1)),
        _ => sound(reader, number),
    };
    PackagePlan { files, manifest }
}

fn file(reader: &mut Reader) -> FilePlan {
    match reader.below(24) {
        0 => FilePlan::Bytes(reader.bytes(RAW_BYTES_MAX)),
        1 => FilePlan::Out,
        2 => FilePlan::Beside(reader.below(FILES_MAX)),
        3 => FilePlan::Other(reader.below(PACKAGES_MAX)),
        4 => FilePlan::Dangling,
        5 => FilePlan::ToItself,
        6 => FilePlan::Folder,
        7 => FilePlan::Pipe,
        8..16 => FilePlan::Text(Some(reader.below(PACKAGES_MAX))),
        _ => FilePlan::Text(None),
    }
}

fn sound(reader: &mut Reader, name: u8) -> ManifestPlan {
    let uses = (0..reader.below(USES_MAX + 1)).map(|_| {
        let name = reader.below(PACKAGES_MAX);
        let place = match reader.below(16) {
            0 => ".".to_string(),
            1 => "..".to_string(),
            2 => "missing".to_string(),
            3 => "../outside".to_string(),
            4 => format!("../link{name}"),
            5 => format!("../p{name}/../p{name}"),
            6 => format!("../p{}", reader.below(PACKAGES_MAX)),
            7 => format!("../p{name}/f0.rc"),
            _ => format!("../p{name}"),
        };
        (name, place)
    });
    let mut uses: Vec<(u8, String)> = uses.collect();
    uses.sort();
    uses.dedup_by_key(|(name, _)| *name);
    ManifestPlan::Sound { name, uses }
}

impl FilePlan {
    fn write(&self, folder: &Path, package: usize, at: usize) -> io::Result<()> {
        let name = format!("f{at}.rc");
        let path = folder.join(&name);
        match self {
            FilePlan::Text(used) => {
                let mut text = format!("package p{package}\n\n");
                if let Some(used) = used {
                    text.push_str(&format!("use p{used}\n\n"));
                }
                text.push_str(&format!("fn f{package}_{at}(a: u64) -> u64 {{ a }}\n"));
                fs::write(path, text)
            }
            FilePlan::Bytes(bytes) => fs::write(path, bytes),
            FilePlan::Out => symlink("../outside/a.rc", path),
            FilePlan::Beside(other) => symlink(format!("f{other}.rc"), path),
            FilePlan::Other(other) => symlink(format!("../p{other}/f0.rc"), path),
            FilePlan::Dangling => symlink("nothing.rc", path),
            FilePlan::ToItself => symlink(name, path),
            FilePlan::Folder => fs::create_dir(path),
            FilePlan::Pipe => {
                mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).map_err(Into::into)
            }
        }
    }
}

impl ManifestPlan {
    fn write(&self, folder: &Path) -> io::Result<()> {
        let path = folder.join("rc.toml");
        match self {
            ManifestPlan::Absent => Ok(()),
            ManifestPlan::Sound { name, uses } => {
                let mut text = format!("name = \"p{name}\"\n\n[uses]\n");
                for (name, place) in uses {
                    text.push_str(&format!("p{name} = \"{place}\"\n"));
                }
                fs::write(path, text)
            }
            ManifestPlan::Raw(bytes) => fs::write(path, bytes),
            ManifestPlan::Out => symlink("../outside/rc.toml", path),
            ManifestPlan::Dangling => symlink("nothing.toml", path),
            ManifestPlan::Folder => fs::create_dir(path),
        }
    }
}
