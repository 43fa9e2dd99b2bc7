//! A server that takes everything: where tests let notices go.

use std::{io, sync::Arc};

use hyper::StatusCode;

use crate::{
    Asked, Faults, Setting,
    server::{Reply, Server, Site, bind, json},
};

/// A running inbox.
#[derive(Debug)]
pub struct Inbox(Server);

struct Taking;

impl Inbox {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// If its address cannot be listened at.
    pub async fn start(setting: Setting) -> io::Result<Self> {
        let bound = bind(&setting).await?;
        Ok(Self(Server::start(bound, Arc::new(Taking), setting.faults)))
    }

    /// Where it takes things.
    pub fn url(&self) -> String {
        format!("{}/inbox", self.0.url)
    }

    /// Its faults: `take` is the operation.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// What came, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.0.asked()
    }
}

impl Site for Taking {
    fn operation(&self, _asked: &Asked) -> Option<&'static str> {
        Some("take")
    }

    fn answer(&self, _asked: &Asked) -> Reply {
        json(StatusCode::OK, &serde_json::json!({}))
    }
}
