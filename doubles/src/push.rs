//! Firebase Cloud Messaging, HTTP v1: push messages to browsers and telephones.
//!
//! Owns `messages:send`, the tokens of devices, and the token endpoint where a service account proves
//! itself. Refuses topics and conditions: the shop pushes to devices.

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base::moment::{Clock, Moment};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    Asked, Faults, Setting,
    server::{Reply, Server, Site, bind, json},
    signer::Signer,
    token,
};

/// What an assertion of a service account asks for.
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Seconds for which an access token is good.
const ACCESS_SECONDS: i64 = 3_600;

/// A message that reached a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Pushed {
    /// The device's token.
    pub device: String,
    /// The message as it was sent, without the token.
    pub message: Value,
}

/// A running double.
#[derive(Debug)]
pub struct Push {
    server: Server,
    service: Arc<Service>,
}

struct Service {
    project: String,
    url: String,
    account: String,
    clock: Arc<dyn Clock>,
    signer: Signer,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Devices that are registered, and whether they still are.
    devices: BTreeMap<String, bool>,
    pushed: Vec<Pushed>,
    access: BTreeMap<String, Moment>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Push {
    /// Starts it for a project.
    ///
    /// # Errors
    ///
    /// If its address cannot be listened at.
    pub async fn start(setting: Setting, project: &str) -> io::Result<Self> {
        let bound = bind(&setting).await?;
        let service = Arc::new(Service {
            project: project.to_owned(),
            url: bound.url.clone(),
            account: format!("shop@{project}.iam.gserviceaccount.com"),
            clock: setting.clock,
            signer: Signer::new()?,
            state: Mutex::default(),
        });
        let server = Server::start(bound, Arc::clone(&service), setting.faults);
        Ok(Self { server, service })
    }

    /// The base URL of the API.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// The file of a service account, as Google's console gives it.
    pub fn service_account(&self) -> Value {
        json!({
            "type": "service_account",
            "project_id": self.service.project,
            "client_email": self.service.account,
            "private_key": Signer::pem(),
            "token_uri": self.service.token_uri(),
        })
    }

    /// An assertion as the service account signs it, for tests of the token endpoint.
    pub fn assertion(&self) -> String {
        let now = self.service.clock.now().0 / 1_000;
        self.service.signer.token(&json!({
            "iss": self.service.account, "aud": self.service.token_uri(), "scope": SCOPE,
            "iat": now, "exp": now + ACCESS_SECONDS,
        }))
    }

    /// Its faults: `token` and `send` are the operations.
    pub fn faults(&self) -> &Faults {
        &self.server.faults
    }

    /// What it was asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.server.asked()
    }

    /// A device registers: its token.
    pub fn register(&self) -> String {
        let device = format!("device-{}", token::random(32));
        self.service.lock().devices.insert(device.clone(), true);
        device
    }

    /// A device forgets the shop: pushing to it answers `UNREGISTERED` from now on.
    pub fn unregister(&self, device: &str) {
        self.service.lock().devices.insert(device.to_owned(), false);
    }

    /// What reached devices, in order.
    pub fn pushed(&self) -> Vec<Pushed> {
        self.service.lock().pushed.clone()
    }
}

impl Site for Service {
    fn operation(&self, asked: &Asked) -> Option<&'static str> {
        match asked.path.as_str() {
            "/token" => Some("token"),
            path if path == format!("/v1/projects/{}/messages:send", self.project) => Some("send"),
            _ => None,
        }
    }

    fn answer(&self, asked: &Asked) -> Reply {
        let is_post = asked.method == Method::POST;
        match self.operation(asked).filter(|_| is_post) {
            Some("token") => self.token(asked),
            Some(_) => self.send(asked),
            None => error(StatusCode::NOT_FOUND, "NOT_FOUND", "no such method", None),
        }
    }

    fn refusal(&self) -> Reply {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        error(status, "UNAVAILABLE", "The service is currently unavailable.", Some("UNAVAILABLE"))
    }
}

impl Service {
    fn token_uri(&self) -> String {
        format!("{}/token", self.url)
    }

    fn token(&self, asked: &Asked) -> Reply {
        let now = self.clock.now();
        let assertion = asked.form_value("assertion").unwrap_or_default();
        let claims = self.signer.claims(&assertion).unwrap_or_default();
        let is_right = asked.form_value("grant_type").as_deref() == Some(GRANT)
            && claims["iss"] == self.account
            && claims["aud"] == self.token_uri()
            && claims["scope"] == SCOPE
            && claims["exp"].as_i64().is_some_and(|exp| exp > now.0 / 1_000);
        if !is_right {
            let body = json!({ "error": "invalid_grant", "error_description": "Invalid JWT." });
            return json(StatusCode::BAD_REQUEST, &body);
        }
        let access = token::random(40);
        let until = Moment(now.0.saturating_add(ACCESS_SECONDS * 1_000));
        self.lock().access.insert(access.clone(), until);
        let body =
            json!({ "access_token": access, "expires_in": ACCESS_SECONDS, "token_type": "Bearer" });
        json(StatusCode::OK, &body)
    }

    fn send(&self, asked: &Asked) -> Reply {
        let mut state = self.lock();
        let until = asked.bearer().and_then(|access| state.access.get(access));
        if until.is_none_or(|until| self.clock.now() >= *until) {
            let words = "Request had invalid authentication credentials.";
            return error(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", words, None);
        }
        let mut message = asked.json()["message"].take();
        let device = message["token"].as_str().map(str::to_owned);
        let has_text = message["notification"].is_object() || message["data"].is_object();
        let Some(device) = device.filter(|_| has_text) else {
            let words = "The request has no token or no message.";
            return error(
                StatusCode::BAD_REQUEST,
                "INVALID_ARGUMENT",
                words,
                Some("INVALID_ARGUMENT"),
            );
        };
        match state.devices.get(&device) {
            Some(true) => {}
            Some(false) => {
                let words = "Requested entity was not found.";
                return error(StatusCode::NOT_FOUND, "NOT_FOUND", words, Some("UNREGISTERED"));
            }
            None => {
                let words = "The registration token is not a valid FCM registration token";
                let status = StatusCode::BAD_REQUEST;
                return error(status, "INVALID_ARGUMENT", words, Some("INVALID_ARGUMENT"));
            }
        }
        if let Some(fields) = message.as_object_mut() {
            fields.remove("token");
        }
        state.pushed.push(Pushed { device, message });
        let name = format!("projects/{}/messages/{}", self.project, token::random(20));
        json(StatusCode::OK, &json!({ "name": name }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn error(status: StatusCode, name: &str, words: &str, code: Option<&str>) -> Reply {
    let details = code.map(|code| {
        json!([{
            "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code,
        }])
    });
    let body = json!({ "error": {
        "code": status.as_u16(), "message": words, "status": name, "details": details,
    } });
    json(status, &body)
}
