//! A server that takes everything: where tests let notices go.

use std::{io, sync::Arc};

use hyper::StatusCode;

use crate::{
    Asked, Setting,
    server::{Reply, Server, Site, bind, json, tells_of_its_server},
};

/// A running inbox.
#[derive(Debug)]
pub struct Inbox {
    server: Server,
}

struct Taking;

tells_of_its_server!(Inbox, "`take` is the operation");

impl Inbox {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// If its address cannot be listened at.
    pub async fn start(setting: Setting) -> io::Result<Self> {
        let bound = bind(&setting).await?;
        let server = Server::start(bound, Arc::new(Taking), setting.faults);
        Ok(Self { server })
    }

    /// Where it takes things.
    pub fn url(&self) -> String {
        format!("{}/inbox", self.server.url)
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
