//! What is done about a notice after it is in the inbox.

use serde::{Deserialize, Serialize};
use store::task::Task;

use crate::ids::{DeviceId, NoticeId};

/// See where a notice is sent.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Deliver {
    pub(crate) notice: NoticeId,
}

/// Send it to a device.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Push {
    pub(crate) notice: NoticeId,
    pub(crate) device: DeviceId,
}

/// Send it by mail.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Mail {
    pub(crate) notice: NoticeId,
}

impl Task for Deliver {
    const KIND: &'static str = "notice.deliver";

    fn key(&self) -> String {
        self.notice.to_string()
    }
}

impl Task for Push {
    const KIND: &'static str = "notice.push";

    fn key(&self) -> String {
        format!("{}:{}", self.notice, self.device)
    }
}

impl Task for Mail {
    const KIND: &'static str = "notice.mail";

    fn key(&self) -> String {
        self.notice.to_string()
    }
}
