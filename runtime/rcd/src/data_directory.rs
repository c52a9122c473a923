//! The node's folder on disk: log, checkpoints, events, token.
//!
//! ```text
//!   DATA/log/  segments    DATA/checkpoint/  pages and superblock    DATA/events/  segments    DATA/token  (0600)
//! ```
//!
//! Always true: one process owns the folder (the log's lock); the token is readable by its owner alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub struct DataDirectory {
    root: PathBuf,
}

impl DataDirectory {
    pub fn open(root: &Path) -> io::Result<DataDirectory> {
        fs::create_dir_all(root)?;
        fs::set_permissions(root, fs::Permissions::from_mode(0o700))?;
        Ok(DataDirectory {
            root: root.to_path_buf(),
        })
    }

    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    pub fn checkpoint(&self) -> PathBuf {
        self.root.join("checkpoint")
    }

    pub fn events(&self) -> PathBuf {
        self.root.join("events")
    }

    /// The node's token: made once, kept over restarts.
    pub fn token(&self) -> io::Result<String> {
        let path = self.root.join("token");
        match fs::read_to_string(&path) {
            Ok(token) if token.trim().len() >= 32 => Ok(token.trim().to_string()),
            Ok(_) => Err(io::Error::other(format!(
                "{} is damaged: remove it to get a new token",
                path.display()
            ))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let token = random_hex()?;
                write_private(&path, &token)?;
                Ok(token)
            }
            Err(error) => Err(error),
        }
    }
}

/// 32 random bytes in hexadecimal.
fn random_hex() -> io::Result<String> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A random number from the system, for the seeds of batches.
pub fn random_seed() -> io::Result<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Writes a file that only its owner can read, whole or not at all.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    // A name of its own: several nodes may start at once, and their addresses differ only behind the last dot.
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(part);
    let _ = fs::remove_file(&part);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&part, path)
}

/// Leaves the token where `rcc` looks for it by the node's address.
pub fn publish_token(host: &str, port: u16, token: &str) -> io::Result<()> {
    let configuration = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let Some(configuration) = configuration.or_else(home) else {
        return Err(io::Error::other("neither XDG_CONFIG_HOME nor HOME is set"));
    };
    let folder = configuration.join("re-current").join("tokens");
    fs::create_dir_all(&folder)?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
    write_private(&folder.join(format!("{host}_{port}")), token)
}
