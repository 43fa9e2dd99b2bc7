//! How a connection is made: a name is resolved once, and what it resolved to is checked and used.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
    vec,
};

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{HttpConnector, dns::Name};
use rustls::RootCertStore;
use tower_service::Service;

use crate::{Reach, Trust, client_config, limits::CONNECT_MAX};

/// Makes connections to a target.
pub(crate) type Connector = HttpsConnector<HttpConnector<Resolver>>;

/// A connector that speaks TLS if `is_https`, or why the certificates to trust cannot be read. They are
/// only read when they will be looked at.
pub(crate) fn connector(
    is_https: bool,
    trust: Trust,
    reach: Reach,
    deadline: Duration,
) -> Result<Connector, String> {
    let roots = if is_https { trust.roots() } else { Ok(RootCertStore::empty()) };
    let config = roots.and_then(client_config)?;
    let mut http = HttpConnector::new_with_resolver(Resolver(reach));
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT_MAX.min(deadline / 2)));
    let builder = HttpsConnectorBuilder::new().with_tls_config(config);
    // An https server is never spoken to in plain text, whatever it says.
    let builder = if is_https { builder.https_only() } else { builder.https_or_http() };
    Ok(builder.enable_http1().wrap_connector(http))
}

/// Resolves names to those of their addresses that may be called. The connector connects to what it is
/// given here, so a name cannot mean one address when it is checked and another when it is used. It
/// does not ask for addresses written out; [`Target`](crate::Target) checks those.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resolver(Reach);

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = self.0;
        // The connector puts the port of the URL in the place of this one.
        Box::pin(async move { Ok(resolve(name.as_str(), 0, reach).await?.into_iter()) })
    }
}

/// The addresses of a host that may be called.
pub(crate) async fn resolve(host: &str, port: u16, reach: Reach) -> io::Result<Vec<SocketAddr>> {
    let found = tokio::net::lookup_host((host, port)).await?;
    let allowed: Vec<_> = found.filter(|found| reach.allows(found.ip())).collect();
    if allowed.is_empty() {
        return Err(io::Error::other("the host has none but private or reserved addresses"));
    }
    Ok(allowed)
}
