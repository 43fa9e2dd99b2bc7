//! What is done about media later.

use serde::{Deserialize, Serialize};
use store::task::Task;

use crate::ids::MediaId;

/// Remove what was uploaded, which nobody reads any more, and all else if it was not completed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Expire {
    pub(crate) media: MediaId,
}

/// Remove the files of a picture, and then its row.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Remove {
    pub(crate) media: MediaId,
}

impl Task for Expire {
    const KIND: &'static str = "media.expire";

    fn key(&self) -> String {
        self.media.to_string()
    }
}

impl Task for Remove {
    const KIND: &'static str = "media.remove";

    fn key(&self) -> String {
        self.media.to_string()
    }
}
