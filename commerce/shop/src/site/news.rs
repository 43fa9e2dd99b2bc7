//! The inbox, and which news one gets.

use axum::http::Method;
use commons::{
    ids::{NoticeId, Person},
    notice::{self, Channels, Notice},
};
use identity::{account, session};
use pages::shop::{AlertsPage, Category, Field, InboxPage, NoticeKind, NoticeRow, to};
use store::Failure;
use trade::{alert, deal};
use web::respond;

use super::{
    around::Around,
    business::moment,
    forms::{Wrong, done, page, refused},
};
use crate::{
    acting::live,
    answer::Answer,
    api::news::{DEALS, read_up_to, save},
    authority::Shopper,
    input::{Form, Listed, Pairs},
    refusal::Refusal,
    routes::Routes,
    visit::Visit,
    wire::news::{alerts, news},
};

/// How many hours before a deal opens those who like it are told, as [`trade::reminder::Times`] says.
const REMINDED_HOURS: [u64; 3] = [24, 12, 1];

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, to::INBOX, inbox)
        .page(Method::POST, "/shop/inbox/read-all", read_all)
        .page(Method::GET, "/shop/inbox/{notice}", follow)
        .page(Method::GET, to::ALERTS, show)
        .page(Method::POST, to::ALERTS, change)
}

async fn inbox(visit: Visit, by: Shopper, listed: Listed) -> Answer {
    let around = Around::of(&visit, Some(&by.session)).await?;
    let (reader, person) = (visit.db()?.read(), Person(by.account().0));
    let only_unread = listed.parameter("unread") == Some("true");
    let found = if only_unread {
        notice::inbox_unread(&reader, person, listed.wanted).await?
    } else {
        notice::inbox(&reader, person, listed.wanted).await?
    };
    let said: Vec<(String, String, String)> = found
        .items
        .iter()
        .map(|one| {
            let (title, text) = news(one).map_or_else(Default::default, |told| {
                told.said(moment(reader_now(&visit)), visit.language())
            });
            (title, text, format!("{}/{}", to::INBOX, one.id))
        })
        .collect();
    let rows = found.items.iter().zip(&said).map(|(one, (title, text, href))| NoticeRow {
        kind: news(one).map_or(NoticeKind::Business, |told| told.kind()),
        title,
        text,
        href,
        at: moment(one.made_at()),
        is_read: one.read_at.is_some(),
    });
    let up_to = found.items.iter().find(|one| one.read_at.is_none()).map(|one| one.id.to_string());
    let showing = if only_unread { "unread=true&" } else { "" };
    let next = found.next.map(|next| format!("{}?{showing}cursor={}", to::INBOX, next.encode()));
    let html = InboxPage {
        frame: around.frame(),
        notices: rows.collect(),
        up_to: up_to.as_deref(),
        only_unread,
        next: next.as_deref(),
    }
    .html();
    Ok(page(html))
}

fn reader_now(visit: &Visit) -> base::moment::Moment {
    visit.db().map_or(base::moment::Moment(0), store::Db::now)
}

async fn read_all(visit: Visit, by: Shopper, form: Form) -> Answer {
    let up_to: Option<NoticeId> = form.get("up_to").parse().ok();
    read_up_to(&visit, &by, up_to).await?;
    Ok(done(&visit, "news_read", to::INBOX))
}

/// Goes to what a notice is about. Whoever follows it has read it.
async fn follow(visit: Visit, by: Shopper, _: Pairs) -> Answer {
    let id: NoticeId = visit.captured("notice")?;
    let (db, person) = (visit.db()?, Person(by.account().0));
    let found = notice::find(&db.read(), id).await?.filter(|one| one.person == person);
    let found = found.ok_or(Refusal::NoticeUnknown)?;
    if found.read_at.is_none() {
        let marked = db.write(async |tx| {
            live(tx, by.account()).await?;
            Ok::<_, Failure<Refusal>>(notice::read(tx, person, id).await?)
        });
        marked.await?;
    }
    Ok(respond::see_other(&about(&found)))
}

/// The page of what a notice is about.
fn about(notice: &Notice) -> String {
    if notice.subject.kind == deal::SUBJECT {
        to::deal(&notice.subject.id.to_string())
    } else {
        to::INBOX.to_owned()
    }
}

async fn show(visit: Visit, by: Shopper, _: Pairs) -> Answer {
    settings(&visit, &by, None, &Wrong::default()).await
}

/// The page, with what was typed in place of what is kept.
async fn settings(visit: &Visit, by: &Shopper, typed: Option<&Form>, wrong: &Wrong) -> Answer {
    let around = Around::of(visit, Some(&by.session)).await?;
    let (reader, now) = (visit.db()?.read(), visit.db()?.now());
    let account = account::find(&reader, by.account()).await?.ok_or(Refusal::NotFound)?;
    let kept = alert::of_account(&reader, by.account()).await?;
    let kept_words: Vec<&str> = kept.keywords().iter().map(alert::Keyword::as_str).collect();
    let kept_words = kept_words.join(", ");
    let channels = notice::channels(&reader, Person(by.account().0), &DEALS).await?;
    let devices = session::devices(&reader, by.account(), now).await?;
    let chosen: Vec<Category> = if let Some(form) = typed {
        form.all("category").filter_map(Category::of_word).collect()
    } else {
        let kept = kept.categories().iter();
        kept.filter_map(|category| Category::of_word(category.code())).collect()
    };
    let ticked = |name: &str, kept| typed.map_or(kept, |form| form.has(name));
    let html = AlertsPage {
        frame: around.frame(),
        categories: &chosen,
        keywords: Field {
            value: typed.map_or(&kept_words, |form| form.get("keywords")),
            error: wrong.at("keywords"),
        },
        hours: &REMINDED_HOURS,
        by_mail: ticked("mail", channels.mail) && account.is_verified,
        can_mail: account.is_verified,
        by_push: ticked("push", channels.push),
        devices: u64::try_from(devices.len()).unwrap_or(u64::MAX),
        refusal: wrong.code.or_else(|| wrong.at("categories")),
    }
    .html();
    let is_right = wrong.code.is_none() && wrong.fields.is_empty();
    Ok(if is_right { page(html) } else { refused(wrong.status, html) })
}

async fn change(visit: Visit, by: Shopper, form: Form) -> Answer {
    let categories: Vec<&str> = form.all("category").collect();
    let words = form.get("keywords").split(',').map(str::trim).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    let channels = Channels { push: form.has("push"), mail: form.has("mail") };
    let saved = async {
        let wanted = alerts(&categories, &words)?;
        save(&visit, &by, &wanted, Some(channels)).await
    };
    match saved.await {
        Ok(()) => Ok(done(&visit, "alerts_saved", to::ALERTS)),
        Err(refusal) => settings(&visit, &by, Some(&form), &Wrong::of(refusal)?).await,
    }
}
