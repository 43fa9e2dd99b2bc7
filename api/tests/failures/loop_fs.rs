//! An ext4 file system of its own in a file: it can lose its power, and it can be full.
//!
//! Needs root and loop devices; without them the test fails and says what is missing. Whatever
//! happens, the file system is unmounted and its loop device given back at the end.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// `EXT4_IOC_SHUTDOWN` of Linux's `fs/ext4/ext4.h`: `_IOR('X', 125, __u32)`.
const SHUTDOWN: rustix::ioctl::Opcode = 0x8004_587d;
/// `EXT4_GOING_FLAGS_NOLOGFLUSH`: not even the file system's own journal is flushed.
const NO_LOG_FLUSH: u32 = 2;

/// A mounted file system.
#[derive(Debug)]
pub(crate) struct LoopFs {
    directory: TempDir,
    mounted: bool,
}

impl LoopFs {
    /// Makes and mounts a file system of `mebibytes`.
    pub(crate) fn new(mebibytes: u64) -> Self {
        assert!(rustix::process::getuid().is_root(), "needs root, to mount a loop file system");
        let control = Path::new("/dev/loop-control");
        assert!(control.exists(), "needs loop devices: {} is missing", control.display());
        let directory = tempfile::tempdir().unwrap();
        let image = directory.path().join("image");
        File::create(&image).unwrap().set_len(mebibytes << 20).unwrap();
        std::fs::create_dir(directory.path().join("mount")).unwrap();
        run("mkfs.ext4", ["-q".as_ref(), "-F".as_ref(), image.as_path()]);
        let mut made = Self { directory, mounted: false };
        made.mount();
        made
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("mount")
    }

    /// Cuts the power: what was synced stays, all else is gone. Files can only be closed now.
    pub(crate) fn cut_power(&self) {
        let root = File::open(self.path()).unwrap();
        shut_down(&root).unwrap();
    }

    /// Mounts it again, as after a reboot. Nobody may use it.
    pub(crate) fn reboot(&mut self) {
        self.unmount();
        self.mount();
    }

    fn mount(&mut self) {
        let image = self.directory.path().join("image");
        run("mount", ["-o".as_ref(), "loop".as_ref(), image.as_path(), &self.path()]);
        self.mounted = true;
    }

    fn unmount(&mut self) {
        run("umount", [self.path()]);
        self.mounted = false;
    }
}

impl Drop for LoopFs {
    fn drop(&mut self) {
        if self.mounted {
            // Lazily: a process that is about to end may still have files open.
            let umount = Command::new("umount").arg("-l").arg(self.path()).status();
            if !umount.is_ok_and(|status| status.success()) {
                eprintln!("cannot unmount {}", self.path().display());
            }
        }
    }
}

#[expect(unsafe_code, reason = "no safe call shuts a file system down")]
fn shut_down(root: &File) -> io::Result<()> {
    // SAFETY: the opcode says that it reads one u32 through the pointer, and that is what it gets.
    let call = unsafe { rustix::ioctl::Setter::<SHUTDOWN, u32>::new(NO_LOG_FLUSH) };
    // SAFETY: the descriptor is open, and the call changes no memory of this process.
    unsafe { rustix::ioctl::ioctl(root, call) }?;
    Ok(())
}

fn run<A: AsRef<std::ffi::OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) {
    let mut command = Command::new(program);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    let output = command.args(arguments).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("needs the program {program}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} failed: {said}");
}
