//! News on the wire: what a person follows, what they were told, and where.

use commons::{
    ids::NoticeId,
    notice::{Channels, Notice},
};
use identity::{
    device::{Device, Platform},
    ids::SessionId,
    session::Session,
};
use pages::{Language, Moment, shop::News};
use serde::Serialize;
use trade::alert::{Alerts, AlertsRefusal, Keyword};
use web::fields::Fields;

use super::time;
use crate::{
    input::Object,
    refusal::{Fault, Refusal},
};

/// What an account follows.
#[derive(Debug, Serialize)]
pub(crate) struct AlertsObject {
    categories: Vec<&'static str>,
    keywords: Vec<String>,
}

impl AlertsObject {
    pub(crate) fn of(alerts: &Alerts) -> Self {
        let words = alerts.keywords().iter().map(Keyword::as_str);
        Self {
            categories: alerts.categories().iter().map(|category| category.code()).collect(),
            keywords: words.map(str::to_owned).collect(),
        }
    }
}

/// `PUT /v1/me/alerts`.
#[derive(Debug)]
pub(crate) struct AlertsRequest {
    categories: Vec<String>,
    keywords: Vec<String>,
}

impl Object for AlertsRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let categories = fields.texts("categories", "a list of categories");
        let categories = fields.required("categories", "a list of categories", categories);
        let keywords = fields.texts("keywords", "a list of texts");
        let keywords = fields.required("keywords", "a list of texts", keywords);
        Some(Self { categories: categories?, keywords: keywords? })
    }
}

impl AlertsRequest {
    pub(crate) fn alerts(&self) -> Result<Alerts, Refusal> {
        let categories: Vec<&str> = self.categories.iter().map(String::as_str).collect();
        let keywords: Vec<&str> = self.keywords.iter().map(String::as_str).collect();
        alerts(&categories, &keywords)
    }
}

/// What somebody typed to follow, or what is wrong with each field.
pub(crate) fn alerts(categories: &[&str], keywords: &[&str]) -> Result<Alerts, Refusal> {
    Alerts::parse(categories, keywords)
        .map_err(|faults| Refusal::Invalid(faults.into_iter().map(fault).collect()))
}

#[rustfmt::skip]
fn fault(refusal: AlertsRefusal) -> Fault {
    let code = refusal.code();
    match refusal {
        AlertsRefusal::Categories => Fault::new("categories", code, "fashion, beauty, food, appliance, sports, living, pet, travel 가운데에서 골라 주세요.", "allowed are fashion, beauty, food, appliance, sports, living, pet and travel"),
        AlertsRefusal::Keywords => Fault::new("keywords", code, "한 낱말은 2자에서 20자까지 적을 수 있습니다.", "a keyword has 2 to 20 characters on one line"),
        AlertsRefusal::TooMany => Fault::new("keywords", code, "낱말은 20개까지 적을 수 있습니다.", "an account follows at most 20 keywords"),
    }
}

/// What a person was told, in the words of their language.
#[derive(Debug, Serialize)]
pub(crate) struct NoticeObject {
    notification: String,
    kind: String,
    subject_kind: String,
    subject: String,
    title: String,
    text: String,
    read: bool,
    created_at: String,
}

impl NoticeObject {
    pub(crate) fn of(notice: &Notice, now: Moment, language: Language) -> Self {
        let (title, text) =
            news(notice).map_or_else(Default::default, |news| news.said(now, language));
        Self {
            notification: notice.id.to_string(),
            kind: notice.kind.to_string(),
            subject_kind: notice.subject.kind.to_string(),
            subject: notice.subject.id.to_string(),
            title,
            text,
            read: notice.read_at.is_some(),
            created_at: time(notice.made_at()),
        }
    }
}

/// What a notice tells, if there are words for it.
pub(crate) fn news(notice: &Notice) -> Option<News<'_>> {
    let value = |name: &str| notice.values.get(name).map(String::as_str);
    News::of(notice.kind.as_str(), value)
}

/// A page of what a person was told, and how much of all they have not read.
#[derive(Debug, Serialize)]
pub(crate) struct InboxObject {
    pub(crate) items: Vec<NoticeObject>,
    pub(crate) next_cursor: Option<String>,
    pub(crate) unread: u64,
}

/// `POST /v1/me/notifications/read`.
#[derive(Debug)]
pub(crate) enum ReadRequest {
    /// Those.
    These(Vec<NoticeId>),
    /// All there are.
    All,
}

/// How many are marked as read by one call, at most.
const READ_MAX: usize = 100;

impl Object for ReadRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let has_ids = !fields.is_null("ids");
        let ids = fields.texts("ids", "a list of ids");
        let all = fields.bool("all");
        match (ids, all) {
            (Some(ids), None) if has_ids => {
                let known: Option<Vec<NoticeId>> = ids.iter().map(|id| id.parse().ok()).collect();
                let known = known.filter(|known| (1..=READ_MAX).contains(&known.len()));
                if known.is_none() {
                    fields.note("ids", "another list", "1 to 100 ids of notifications");
                }
                known.map(Self::These)
            }
            (None, Some(true)) => Some(Self::All),
            _ => {
                if !fields.has_problem("ids") && !fields.has_problem("all") {
                    fields.note("ids", "no list, or both", "`ids`, or `all` as true");
                }
                None
            }
        }
    }
}

/// Where a person is told of a topic, beside the inbox.
#[derive(Debug, Serialize)]
pub(crate) struct ChannelsObject {
    topic: &'static str,
    push: bool,
    mail: bool,
}

impl ChannelsObject {
    pub(crate) const fn of(topic: &'static str, channels: Channels) -> Self {
        Self { topic, push: channels.push, mail: channels.mail }
    }
}

/// `PUT /v1/me/channels/{topic}`.
#[derive(Debug)]
pub(crate) struct ChannelsRequest(pub(crate) Channels);

impl Object for ChannelsRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let push = fields.bool("push");
        let push = fields.required("push", "true or false", push);
        let mail = fields.bool("mail");
        let mail = fields.required("mail", "true or false", mail);
        Some(Self(Channels { push: push?, mail: mail? }))
    }
}

/// A device that pushes are sent to. What the push service knows it by is a secret.
#[derive(Debug, Serialize)]
pub(crate) struct PushDeviceObject {
    device: String,
    platform: &'static str,
    name: String,
    here: bool,
    seen_at: String,
}

impl PushDeviceObject {
    /// A device, as it is shown in this session.
    pub(crate) fn of(device: &Device, sessions: &[Session], here: SessionId) -> Self {
        let session = sessions.iter().find(|session| session.id == device.session);
        Self {
            device: device.session.to_string(),
            platform: match device.platform {
                Platform::Web => "web",
                Platform::Android => "android",
                Platform::Ios => "ios",
            },
            name: session.map(|session| session.device.clone()).unwrap_or_default(),
            here: device.session == here,
            seen_at: time(device.seen_at),
        }
    }
}
