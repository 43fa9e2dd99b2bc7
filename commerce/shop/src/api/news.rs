//! What a person follows, what they were told, and where they are told of it.

use axum::http::Method;
use base::cursor::{Cursor, Wanted};
use commons::{
    ids::{NoticeId, Person},
    label::Label,
    notice::{self, Channels},
};
use identity::{device::PushToken, ids::SessionId, session};
use store::{Failure, Refusing as _, refused};
use trade::alert::{self, Alerts};
use web::respond;

use crate::{
    acting::live,
    answer::{Answer, json},
    authority::Shopper,
    input::{Json, Listed},
    refusal::Refusal,
    routes::Routes,
    visit::Visit,
    wire::{
        List,
        account::DeviceRequest,
        news::{
            AlertsObject, AlertsRequest, ChannelsObject, ChannelsRequest, InboxObject,
            NoticeObject, PushDeviceObject, ReadRequest,
        },
    },
};

const ALERTS: &str = "/v1/me/alerts";
const DEVICES: &str = "/v1/me/devices";

/// What people are told of, by the beginning of the kinds of notices.
const TOPICS: [(&str, Label); 1] = [("deal", DEALS)];
/// The topic of deals.
pub(crate) const DEALS: Label = Label::new("deal");

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .on(Method::GET, ALERTS, alerts)
        .on(Method::PUT, ALERTS, set_alerts)
        .on(Method::GET, "/v1/me/notifications", inbox)
        .on(Method::POST, "/v1/me/notifications/read", read)
        .on(Method::GET, "/v1/me/channels", channels)
        .on(Method::PUT, "/v1/me/channels/{topic}", choose)
        .on(Method::GET, DEVICES, devices)
        .on(Method::POST, DEVICES, register_device)
        .on(Method::DELETE, "/v1/me/devices/{device}", forget_device)
}

async fn alerts(visit: Visit, by: Shopper, (): ()) -> Answer {
    let known = alert::of_account(&visit.db()?.read(), by.account()).await?;
    Ok(json(&AlertsObject::of(&known)))
}

async fn set_alerts(visit: Visit, by: Shopper, input: Json<AlertsRequest>) -> Answer {
    let wanted = input.value.alerts()?;
    save(&visit, &by, &wanted, None).await?;
    Ok(json(&AlertsObject::of(&wanted)))
}

/// Has an account follow these and nothing else, and be told of deals in this way.
pub(crate) async fn save(
    visit: &Visit,
    by: &Shopper,
    alerts: &Alerts,
    channels: Option<Channels>,
) -> Result<(), Refusal> {
    let saved = visit.db()?.write(async |tx| {
        let live = live(tx, by.account()).await?;
        alert::set(tx, &live, alerts).await?;
        if let Some(channels) = channels {
            notice::choose(tx, Person(by.account().0), &DEALS, channels).await?;
        }
        Ok::<_, Failure<Refusal>>(())
    });
    Ok(saved.await?)
}

async fn inbox(visit: Visit, by: Shopper, listed: Listed) -> Answer {
    listed.only(&["unread"])?;
    let (reader, person) = (visit.db()?.read(), Person(by.account().0));
    let page = match listed.parameter("unread") {
        None | Some("false") => notice::inbox(&reader, person, listed.wanted).await?,
        Some("true") => notice::inbox_unread(&reader, person, listed.wanted).await?,
        Some(_) => {
            return Err(Refusal::field(
                "unread",
                "unread_invalid",
                "true, false 가운데 하나여야 합니다.",
                "true or false",
            ));
        }
    };
    let now = pages::Moment(u64::try_from(visit.db()?.now().0).unwrap_or_default());
    let items = page.items.iter().map(|one| NoticeObject::of(one, now, visit.language()));
    Ok(json(&InboxObject {
        items: items.collect(),
        next_cursor: page.next.map(Cursor::encode),
        unread: notice::unread(&reader, person).await?,
    }))
}

/// Marks notices as read: all of those that are named, or nothing.
async fn read(visit: Visit, by: Shopper, input: Json<ReadRequest>) -> Answer {
    let person = Person(by.account().0);
    let unread = match &input.value {
        ReadRequest::All => read_up_to(&visit, &by, None).await?,
        ReadRequest::These(ids) => {
            let marked = visit.db()?.write(async |tx| {
                live(tx, by.account()).await?;
                for &id in ids {
                    if !notice::read(tx, person, id).await? {
                        return refused(Refusal::NoticeUnknown);
                    }
                }
                Ok(notice::unread(tx, person).await?)
            });
            marked.await?
        }
    };
    Ok(json(&serde_json::json!({ "unread": unread })))
}

/// Marks notices as read up to one, or all there are, and says how many are unread then.
pub(crate) async fn read_up_to(
    visit: &Visit,
    by: &Shopper,
    up_to: Option<NoticeId>,
) -> Result<u64, Refusal> {
    let person = Person(by.account().0);
    let marked = visit.db()?.write(async |tx| {
        live(tx, by.account()).await?;
        let latest = notice::inbox(tx, person, Wanted::default()).await?;
        let latest = latest.items.first().map(|notice| notice.id);
        if let Some(last) = up_to.or(latest) {
            notice::read_all(tx, person, last).await?;
        }
        Ok::<_, Failure<Refusal>>(notice::unread(tx, person).await?)
    });
    Ok(marked.await?)
}

async fn channels(visit: Visit, by: Shopper, (): ()) -> Answer {
    let (reader, person) = (visit.db()?.read(), Person(by.account().0));
    let mut all = Vec::new();
    for (name, topic) in TOPICS {
        all.push(ChannelsObject::of(name, notice::channels(&reader, person, &topic).await?));
    }
    Ok(json(&List::whole(all)))
}

async fn choose(visit: Visit, by: Shopper, input: Json<ChannelsRequest>) -> Answer {
    let asked: String = visit.captured("topic")?;
    let known = TOPICS.into_iter().find(|(name, _)| *name == asked);
    let (name, topic) = known.ok_or(Refusal::NotFound)?;
    let wanted = input.value.0;
    let chosen = visit.db()?.write(async |tx| {
        live(tx, by.account()).await?;
        notice::choose(tx, Person(by.account().0), &topic, wanted).await?;
        Ok::<_, Failure<Refusal>>(())
    });
    chosen.await?;
    Ok(json(&ChannelsObject::of(name, wanted)))
}

async fn devices(visit: Visit, by: Shopper, (): ()) -> Answer {
    let (reader, now) = (visit.db()?.read(), visit.db()?.now());
    let sessions = session::list(&reader, by.account(), now).await?;
    let all = session::devices(&reader, by.account(), now).await?;
    let shown = all.iter().map(|device| PushDeviceObject::of(device, &sessions, by.here()));
    Ok(json(&List::whole(shown.collect())))
}

async fn register_device(visit: Visit, by: Shopper, input: Json<DeviceRequest>) -> Answer {
    let asked = input.value;
    let token = PushToken::parse(&asked.token).ok_or_else(|| {
        Refusal::field(
            "token",
            "push_token_invalid",
            "알림 토큰의 형식이 잘못되었습니다.",
            "1 to 1024 visible ASCII characters",
        )
    })?;
    visit
        .db()?
        .write(async |tx| {
            let live = live(tx, by.account()).await?;
            session::register_device(tx, &live, by.here(), asked.platform, &token)
                .await
                .refusing(Refusal::from)
        })
        .await?;
    Ok(respond::no_content())
}

async fn forget_device(visit: Visit, by: Shopper, (): ()) -> Answer {
    let device: SessionId = visit.captured("device")?;
    let gone = visit.db()?.write(async |tx| {
        let live = live(tx, by.account()).await?;
        session::forget_device(tx, &live, device).await.refusing(Refusal::from)
    });
    gone.await?;
    Ok(respond::no_content())
}
