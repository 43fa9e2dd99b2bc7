//! Whether the load generator keeps its own schedule: a figure of it means nothing if it does not.

use serde_json::Value;

use super::{Bench, scene::enter};
use crate::{drive_free, failure::Failure, process::Call};
