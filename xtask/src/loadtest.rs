//! How the chores call `loadtest`.

use crate::{process::Call, project::Project};

/// These runs judge promises, not speed, and share the machine with whatever else it does: that
/// the generator was late on a busy one is no reason to fail.
pub(crate) const SCHEDULE_ERROR_P99_MAX_MS: &str = "10000";

/// A flash sale by the release build.
pub(crate) fn flash_sale(project: &Project) -> Call {
    Call::new(project.release_binary("loadtest")).args(["flash-sale"]).within(&project.root)
}
