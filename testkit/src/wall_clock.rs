//! A wall clock of one program's own, which a test steps while the program runs.
//!
//! Owns a library that is compiled by the machine's C compiler and loaded before the program, and the file in
//! which it finds how far the clock is from the true one. The monotonic clock is left alone.

use std::{fs, io, process::Command};

use tempfile::TempDir;

/// A program's wall clock.
#[derive(Debug)]
pub struct WallClock {
    folder: TempDir,
}

impl WallClock {
    /// A clock that is so far ahead of the true one.
    ///
    /// # Errors
    ///
    /// If the library cannot be compiled: `cc` is in Debian's package gcc.
    pub fn ahead_by(offset_ms: i64) -> io::Result<Self> {
        let clock = Self { folder: tempfile::tempdir()? };
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/wall_clock.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O2", "-o", &clock.path("wall_clock.so"), source]);
        let ended = compiler.status().map_err(|error| {
            io::Error::new(error.kind(), format!("cc, of Debian's package gcc: {error}"))
        })?;
        if !ended.success() {
            return Err(io::Error::other("cc cannot compile the clock's library"));
        }
        clock.step_to(offset_ms)?;
        Ok(clock)
    }

    /// Sets it so far ahead of the true one.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn step_to(&self, offset_ms: i64) -> io::Result<()> {
        // Renamed into place, so that it is never read half written.
        fs::write(self.path("next"), offset_ms.to_string())?;
        fs::rename(self.path("next"), self.path("offset"))
    }

    /// What a program has in its environment that is to go by this clock.
    pub fn environment(&self) -> [(&'static str, String); 2] {
        [("LD_PRELOAD", self.path("wall_clock.so")), ("RUSHGATE_TEST_CLOCK", self.path("offset"))]
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}
