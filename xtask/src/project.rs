//! Where the workspace is and where its output goes.
//!
//! Owns the two paths and the `cargo` to call; refuses to know what is built. Both paths are
//! absolute, and the target directory is cargo's own answer, so `CARGO_TARGET_DIR` and
//! `.cargo/config.toml` are respected.

use std::path::PathBuf;

use serde_json::Value;

use crate::{failure::Failure, process::Call};

/// The workspace this binary was built from.
#[derive(Debug)]
pub(crate) struct Project {
    /// The directory of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds.
    pub(crate) target: PathBuf,
}

impl Project {
    /// Asks cargo, from wherever inside the workspace the chore was called.
    pub(crate) fn find() -> Result<Self, Failure> {
        let call = Call::new(cargo()).args(["metadata", "--format-version=1", "--no-deps"]);
        let metadata = call.read_json()?;
        let path = |key: &str| {
            metadata.get(key).and_then(Value::as_str).map(PathBuf::from).ok_or_else(|| {
                Failure::Unexpected {
                    call: call.spelled(),
                    what: format!("no {key} in its answer"),
                }
            })
        };
        Ok(Self { root: path("workspace_root")?, target: path("target_directory")? })
    }

    /// A call of this project's cargo, in the root of the workspace.
    pub(crate) fn cargo<const N: usize>(&self, args: [&str; N]) -> Call {
        Call::new(cargo()).args(args).within(&self.root)
    }

    /// A call of another program, in the root of the workspace.
    pub(crate) fn call<const N: usize>(&self, program: &str, args: [&str; N]) -> Call {
        Call::new(program).args(args).within(&self.root)
    }

    /// Where `cargo build --release` leaves a binary.
    pub(crate) fn release_binary(&self, name: &str) -> PathBuf {
        self.target.join("release").join(name)
    }

    /// Where `cargo build --profile=dist` leaves a binary.
    pub(crate) fn dist_binary(&self, name: &str) -> PathBuf {
        self.target.join("dist").join(name)
    }
}

/// The cargo that runs us names itself, so that `cargo +toolchain xtask` means what it says.
fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}
