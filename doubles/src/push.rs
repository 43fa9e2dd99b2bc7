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
    Asked, Setting,
    server::{Reply, Server, Site, bind, json, tells_of_its_server},
    signer::Signer,
    token,
};

/// What an assertion of a service account asks for.
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Seconds for which an access token is good.
const ACCESS_SECONDS: i64 = 3_600;
/// Seconds for which an assertion may be good.
const ASSERTION_SECONDS_MAX: i64 = 3_600;
/// The longest message, in bytes.
const MESSAGE_BYTES_MAX: usize = 4_096;

/// A message that reached a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Pushed {
    /// The device's token.
    pub device: String,
    /// The message as it was sent, without the token.
    pub message: Value,
}

/// What reads the messages that reached the devices of a double.
pub(crate) type PushReader = Box<dyn Fn() -> Vec<Pushed> + Send + Sync>;

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

tells_of_its_server!(Push, "`token` and `send` are the operations");

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
        self.assertion_for(ASSERTION_SECONDS_MAX)
    }

    /// The same, good for so many seconds.
    pub fn assertion_for(&self, seconds: i64) -> String {
        let now = self.service.clock.now().0 / 1_000;
        self.service.signer.token(&json!({
            "iss": self.service.account, "aud": self.service.token_uri(), "scope": SCOPE,
            "iat": now, "exp": now + seconds,
        }))
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

    /// What reads the messages, for as long as anybody wants to.
    pub(crate) fn reader(&self) -> PushReader {
        let service = Arc::clone(&self.service);
        Box::new(move || service.lock().pushed.clone())
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
            && is_timely(&claims, now.0 / 1_000);
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
        let (device, mut message) = match message(asked) {
            Ok(right) => right,
            Err(words) => return invalid(words),
        };
        match state.devices.get(&device) {
            Some(true) => {}
            Some(false) => {
                let words = "Requested entity was not found.";
                return error(StatusCode::NOT_FOUND, "NOT_FOUND", words, Some("UNREGISTERED"));
            }
            None => {
                return invalid("The registration token is not a valid FCM registration token");
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

/// Whether an assertion is good now, and not for longer than it may be.
fn is_timely(claims: &Value, now: i64) -> bool {
    let (iat, exp) = (claims["iat"].as_i64(), claims["exp"].as_i64());
    iat.zip(exp).is_some_and(|(iat, exp)| {
        iat <= now && now < exp && exp.saturating_sub(iat) <= ASSERTION_SECONDS_MAX
    })
}

/// A device and its message, or what is wrong with them.
fn message(asked: &Asked) -> Result<(String, Value), &'static str> {
    let mut body = asked.json();
    let message = body.get_mut("message").map(Value::take).unwrap_or_default();
    let device = message["token"].as_str().ok_or("The request has no token.")?.to_owned();
    let (notification, data) = (&message["notification"], &message["data"]);
    if !notification.is_object() && !data.is_object() {
        return Err("The request has no message.");
    }
    let is_text = |data: &Value| {
        data.is_null() || data.as_object().is_some_and(|pairs| pairs.values().all(Value::is_string))
    };
    if !is_text(data) {
        return Err("Invalid value at 'message.data': it must be a map of strings.");
    }
    let bytes = [notification, data].into_iter().filter(|part| !part.is_null());
    if bytes.map(|part| part.to_string().len()).sum::<usize>() > MESSAGE_BYTES_MAX {
        return Err("Android message is too big");
    }
    Ok((device, message))
}

fn invalid(words: &str) -> Reply {
    error(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", words, Some("INVALID_ARGUMENT"))
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
