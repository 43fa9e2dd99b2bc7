//! A double's HTTP server: reads a request, lets a fault befall it, and remembers it.

use std::{
    collections::VecDeque,
    future::pending,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use tokio::{
    net::TcpListener,
    sync::oneshot,
    task::{JoinHandle, JoinSet},
    time::sleep,
};

use crate::{Asked, Fault, Faults, Setting, limits};

/// An answer.
pub(crate) type Reply = Response<Full<Bytes>>;

/// What a double answers. Its state is in memory, so nothing waits.
pub(crate) trait Site: Send + Sync + 'static {
    /// The name of the operation for faults; nothing for pages, which meet none.
    fn operation(&self, asked: &Asked) -> Option<&'static str>;

    /// Does what is asked.
    fn answer(&self, asked: &Asked) -> Reply;

    /// How it says that it cannot do anything now.
    fn refusal(&self) -> Reply {
        json(StatusCode::SERVICE_UNAVAILABLE, &serde_json::json!({ "error": "unavailable" }))
    }
}

/// A port that is taken, and the URL it is reached by.
#[derive(Debug)]
pub(crate) struct Bound {
    listener: TcpListener,
    pub(crate) url: String,
}

pub(crate) async fn bind(setting: &Setting) -> io::Result<Bound> {
    let listener = TcpListener::bind(setting.listen).await?;
    let own = format!("http://{}", listener.local_addr()?);
    let url = setting.public.clone().unwrap_or(own);
    Ok(Bound { listener, url: url.trim_end_matches('/').to_owned() })
}

/// A listening server; dropping it closes its port and its connections.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) faults: Faults,
    asked: Arc<Mutex<VecDeque<Asked>>>,
    serving: JoinHandle<()>,
}

impl Server {
    pub(crate) fn start(bound: Bound, site: Arc<impl Site>, faults: Faults) -> Self {
        let Bound { listener, url } = bound;
        let asked = Arc::<Mutex<VecDeque<Asked>>>::default();
        let late = Mutex::default();
        let serving = Serving { site, faults: faults.clone(), asked: Arc::clone(&asked), late };
        let serving = tokio::spawn(accept(listener, Arc::new(serving)));
        Self { url, faults, asked, serving }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Writes what every double with a server tells of it: its faults, by the operations that meet them, and
/// what it was asked.
macro_rules! tells_of_its_server {
    ($double:ty, $operations:literal) => {
        impl $double {
            #[doc = concat!("Its faults: ", $operations, ".")]
            pub fn faults(&self) -> &$crate::Faults {
                &self.server.faults
            }

            /// What it was asked, in order.
            pub fn asked(&self) -> Vec<$crate::Asked> {
                self.server.asked()
            }
        }
    };
}

pub(crate) use tells_of_its_server;

struct Serving<S> {
    site: Arc<S>,
    faults: Faults,
    asked: Arc<Mutex<VecDeque<Asked>>>,
    /// Calls whose effect is still to come, whether or not their clients wait for it.
    late: Mutex<JoinSet<()>>,
}

async fn accept<S: Site>(listener: TcpListener, serving: Arc<Serving<S>>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else { continue };
        let serving = Arc::clone(&serving);
        connections.spawn(async move {
            let service = service_fn(|request| serving.serve(request));
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new());
            // A client that went away is no failure of the server's.
            drop(http.serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

impl<S: Site> Serving<S> {
    /// An error closes the connection without an answer.
    async fn serve(&self, request: Request<Incoming>) -> Result<Reply, io::Error> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, limits::BODY_BYTES_MAX).collect().await;
        let body = body.map_err(io::Error::other)?.to_bytes();
        let mut asked = Asked {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers,
            body,
            fault: None,
        };
        let operation = self.site.operation(&asked);
        asked.fault = operation.and_then(|operation| self.faults.befall(operation));
        self.remember(asked.clone());
        let lost = || Err(io::Error::other("lost, as the fault says"));
        match asked.fault {
            None | Some(Fault::Doubled) => Ok(self.site.answer(&asked)),
            Some(Fault::Refused) => Ok(self.site.refusal()),
            Some(Fault::LostBefore) => lost(),
            Some(Fault::LostAfter) => {
                drop(self.site.answer(&asked));
                lost()
            }
            Some(Fault::Silent) => {
                drop(self.site.answer(&asked));
                pending().await
            }
            Some(Fault::Late) => {
                let reply = self.site.answer(&asked);
                sleep(self.faults.late()).await;
                Ok(reply)
            }
            Some(Fault::Overtaken) => self
                .answer_late(asked, operation.unwrap_or_default())
                .await
                .map_err(io::Error::other),
        }
    }

    /// Does what is asked after a while, even if the client has gone by then: a call that is under way
    /// cannot be taken back.
    fn answer_late(&self, asked: Asked, operation: &'static str) -> oneshot::Receiver<Reply> {
        let (sender, receiver) = oneshot::channel();
        let (site, faults) = (Arc::clone(&self.site), self.faults.clone());
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        while late.try_join_next().is_some() {}
        late.spawn(async move {
            sleep(faults.late()).await;
            // The client may have gone.
            let _heard = sender.send(site.answer(&asked));
            faults.arrived(operation);
        });
        receiver
    }

    fn remember(&self, asked: Asked) {
        let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == limits::ASKED_MAX {
            all.pop_front();
        }
        all.push_back(asked);
    }
}

pub(crate) fn json<T: Serialize + ?Sized>(status: StatusCode, body: &T) -> Reply {
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    bytes_of(status, "application/json;charset=UTF-8", bytes)
}

pub(crate) fn bytes_of(status: StatusCode, kind: &str, bytes: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(bytes.into()));
    *reply.status_mut() = status;
    with(reply, CONTENT_TYPE, kind)
}

/// Sends the browser elsewhere, by GET.
pub(crate) fn see_other(url: &str) -> Reply {
    with(bytes_of(StatusCode::SEE_OTHER, "text/plain", ""), LOCATION, url)
}

pub(crate) fn with(mut reply: Reply, name: HeaderName, value: &str) -> Reply {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
    reply
}
