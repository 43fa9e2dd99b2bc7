//! How a connection is made: its name is resolved, TCP is connected and TLS agreed, in time or not at
//! all.

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use hyper::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use rustls::RootCertStore;
use tokio::{net::TcpStream, time::timeout};
use tower_service::Service;

use crate::{Reach, Trust, client_config, limits::CONNECT_MAX, resolve::Resolver};

/// Makes connections to a target.
#[derive(Clone)]
pub(crate) struct Connector {
    inner: HttpsConnector<HttpConnector<Resolver>>,
    /// How long all of it may take. Nothing was sent by then.
    patience: Duration,
}

impl Connector {
    /// A connector to a host that speaks TLS if `is_https`, or why the certificates to trust cannot be
    /// read. They are only read when they will be looked at.
    pub(crate) fn new(
        host: &str,
        is_https: bool,
        trust: Trust,
        reach: Reach,
        deadline: Duration,
    ) -> Result<Self, String> {
        let roots = if is_https { trust.roots() } else { Ok(RootCertStore::empty()) };
        let config = roots.and_then(client_config)?;
        let patience = patience(deadline);
        let mut http = HttpConnector::new_with_resolver(Resolver::new(host, reach));
        http.enforce_http(false);
        http.set_nodelay(true);
        // Shared by the host's addresses, so that a dead one leaves time for the next.
        http.set_connect_timeout(Some(patience));
        let builder = HttpsConnectorBuilder::new().with_tls_config(config);
        // An https server is never spoken to in plain text, whatever it says.
        let builder = if is_https { builder.https_only() } else { builder.https_or_http() };
        Ok(Self { inner: builder.enable_http1().wrap_connector(http), patience })
    }
}

/// How long connecting may take of a deadline.
pub(crate) fn patience(deadline: Duration) -> Duration {
    CONNECT_MAX.min(deadline / 2)
}

type Failure = Box<dyn Error + Send + Sync>;

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Failure>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, patience) = (self.inner.call(uri), self.patience);
        Box::pin(async move {
            let in_time = timeout(patience, connecting).await;
            in_time.unwrap_or_else(|_| {
                Err(format!("no connection within {} ms", patience.as_millis()).into())
            })
        })
    }
}
