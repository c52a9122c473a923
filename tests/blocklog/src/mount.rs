//! The recorded disk's own mount, and a loop-mounted ext4 on it. A loop device is given back by the kernel when its mount
//! ends (autoclear).
//! Always true: what was mounted is unmounted when dropped, at the latest lazily.

use crash_test::failure::Failure;
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(25);

/// Runs a program of the system to its end.
fn run(program: &str, arguments: &[&OsStr]) -> Result<(), Failure> {
    run_with(program, arguments, Stdio::null())
}

fn run_with(program: &str, arguments: &[&OsStr], input: Stdio) -> Result<(), Failure> {
    let output = Command::new(program).args(arguments).stdin(input).output();
    let output = output.map_err(|error| Failure::Trouble(format!("{program}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Failure::trouble(format!("{program} {arguments:?}: {}", said.trim()))
}

/// Makes an empty ext4, whole at once: nothing is left for the kernel to initialise later.
pub fn format(disk: &Path) -> Result<(), Failure> {
    let options = "nodiscard,lazy_itable_init=0,lazy_journal_init=0";
    run(
        "mkfs.ext4",
        &[
            "-q".as_ref(),
            "-F".as_ref(),
            "-b".as_ref(),
            "4096".as_ref(),
            "-E".as_ref(),
            options.as_ref(),
            disk.as_ref(),
        ],
    )
}

/// Mounts what is served through an open `/dev/fuse`. The program that mounts has it as its file 0.
pub fn mount_fuse(device: &File, point: &Path) -> Result<(), Failure> {
    let device = device.try_clone();
    let device = device.map_err(|error| Failure::Trouble(format!("/dev/fuse: {error}")))?;
    run_with(
        "mount",
        &[
            "-i".as_ref(),
            "-t".as_ref(),
            "fuse".as_ref(),
            "-o".as_ref(),
            "fd=0,rootmode=40000,user_id=0,group_id=0".as_ref(),
            "re-current-blocklog".as_ref(),
            point.as_ref(),
        ],
        Stdio::from(device),
    )
}

/// On the way out; what remains ends with the mount namespace.
pub fn unmount_lazily(point: &Path) {
    let _ = run("umount", &["-l".as_ref(), point.as_ref()]);
}

pub struct Mount(PathBuf);

impl Mount {
    pub fn new(disk: &Path, point: &Path) -> Result<Mount, Failure> {
        run(
            "mount",
            &[
                "-t".as_ref(),
                "ext4".as_ref(),
                "-o".as_ref(),
                "loop".as_ref(),
                disk.as_ref(),
                point.as_ref(),
            ],
        )?;
        Ok(Mount(point.to_path_buf()))
    }

    pub fn point(&self) -> &Path {
        &self.0
    }

    /// Unmounts, and says so if it cannot: a process that was killed may take a moment to let go.
    pub fn end(self) -> Result<(), Failure> {
        let mut outcome = run("umount", &[self.0.as_ref()]);
        for _ in 0..TRIES {
            if outcome.is_ok() {
                std::mem::forget(self);
                return Ok(());
            }
            std::thread::sleep(PAUSE);
            outcome = run("umount", &[self.0.as_ref()]);
        }
        outcome
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        unmount_lazily(&self.0);
    }
}
