//! One place to ask all doubles what came to them, and to say what goes wrong next.
//!
//! `GET /mail?to=` and `GET /push?token=` list what was sent, the oldest first; `POST /faults` takes
//! `{service, call, fault, times}`.

use std::{fmt, io, sync::Arc};

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    Asked, Fault, Faults, Setting,
    mail::{Mail, MailReader},
    push::{PushReader, Pushed},
    server::{Reply, Server, Site, bind, json},
};

/// Faults that one call may ask for.
const TIMES_MAX: u64 = 1_000;

/// The faults by the names that a call has for them.
const FAULTS: [(&str, Fault); 5] = [
    ("delay", Fault::Late),
    ("drop_reply", Fault::LostAfter),
    ("error", Fault::Refused),
    ("duplicate", Fault::Doubled),
    ("never", Fault::Silent),
];

/// A running control.
#[derive(Debug)]
pub struct Control(Server);

struct Desk {
    mails: MailReader,
    pushes: PushReader,
    faults: Vec<(&'static str, Faults)>,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("faults", &self.faults).finish_non_exhaustive()
    }
}

impl Control {
    /// Starts it over the doubles that run.
    ///
    /// # Errors
    ///
    /// If its address cannot be listened at.
    pub(crate) async fn start(
        setting: Setting,
        mails: MailReader,
        pushes: PushReader,
        faults: Vec<(&'static str, Faults)>,
    ) -> io::Result<Self> {
        let bound = bind(&setting).await?;
        let desk = Arc::new(Desk { mails, pushes, faults });
        Ok(Self(Server::start(bound, desk, setting.faults)))
    }

    /// Where it is asked.
    pub fn url(&self) -> &str {
        &self.0.url
    }
}

impl Site for Desk {
    /// None: what it is asked for is no call of the shop's.
    fn operation(&self, _asked: &Asked) -> Option<&'static str> {
        None
    }

    fn answer(&self, asked: &Asked) -> Reply {
        match (&asked.method, asked.path.as_str()) {
            (&Method::GET, "/mail") => list(&self.mails_to(asked.query_value("to").as_deref())),
            (&Method::GET, "/push") => list(&self.pushes_to(asked.query_value("token").as_deref())),
            // No double takes text messages yet.
            (&Method::GET, "/sms") => list(&[]),
            (&Method::POST, "/faults") => self.script(&asked.json()),
            _ => refuse(StatusCode::NOT_FOUND, "GET /mail, /sms and /push, POST /faults"),
        }
    }
}

impl Desk {
    fn mails_to(&self, to: Option<&str>) -> Vec<Value> {
        let is_wanted = |mail: &Mail| {
            to.is_none_or(|wanted| mail.to.iter().any(|to| to.eq_ignore_ascii_case(wanted)))
        };
        let mails = (self.mails)();
        let wanted = mails.iter().filter(|mail| is_wanted(mail));
        wanted
            .map(|mail| {
                json!({
                    "to": mail.to, "from": mail.from, "id": mail.message_id(),
                    "subject": mail.subject(), "text": mail.text(), "html": mail.html(),
                    "link": mail.link("http"),
                })
            })
            .collect()
    }

    fn pushes_to(&self, token: Option<&str>) -> Vec<Value> {
        let pushes = (self.pushes)();
        let is_wanted = |pushed: &&Pushed| token.is_none_or(|wanted| pushed.device == wanted);
        let wanted = pushes.iter().filter(is_wanted);
        wanted.map(|pushed| json!({ "token": pushed.device, "message": pushed.message })).collect()
    }

    fn script(&self, asked: &Value) -> Reply {
        let services = self.faults.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let service = self.faults.iter().find(|(name, _)| asked["service"] == **name);
        let Some((_, faults)) = service else {
            return refuse(
                StatusCode::UNPROCESSABLE_ENTITY,
                &format!("service is one of {services}"),
            );
        };
        let Some(call) = asked["call"].as_str() else {
            return refuse(
                StatusCode::UNPROCESSABLE_ENTITY,
                "call names an operation of the service",
            );
        };
        let Some((_, fault)) = FAULTS.iter().find(|(name, _)| asked["fault"] == **name) else {
            let words = FAULTS.map(|(name, _)| name).join(", ");
            return refuse(StatusCode::UNPROCESSABLE_ENTITY, &format!("fault is one of {words}"));
        };
        for _ in 0..asked["times"].as_u64().unwrap_or(1).min(TIMES_MAX) {
            faults.next(call, Some(*fault));
        }
        json(StatusCode::OK, &json!({}))
    }
}

fn list(items: &[Value]) -> Reply {
    json(StatusCode::OK, &json!({ "items": items }))
}

fn refuse(status: StatusCode, allowed: &str) -> Reply {
    json(status, &json!({ "error": "refused", "allowed": allowed }))
}
