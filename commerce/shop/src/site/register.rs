//! Registering a deal and changing one: a form with pictures, and the hours that are free.
//!
//! A picture is taken before the form is judged, so that it is still there when the form comes back.

use axum::http::Method;
use base::calendar::{DAY_HOURS, Day};
use commons::{
    ids::MediaId,
    media::{self, Stage, Visibility},
};
use pages::shop::{DealForm, DealFormPage, Field, Hour, Upload};
use store::{
    Failure, Id, Refusing as _,
    kept::{Answer as Kept, Request},
};
use trade::{
    deal::{self, Deal, EditRefusal, Terms, Typed},
    ids::DealId,
    slot,
};

use super::{
    around::Around,
    cards::{moment, money},
    forms::{Wrong, done, page, refused},
    own_deals::LIST,
};
use crate::{
    acting::approved,
    answer::Answer,
    api::{
        deals::{is_ahead, showing},
        own_deals::write,
    },
    authority::Seller,
    input::{Form, Pairs},
    refusal::{DealRefusal, Fault, Refusal},
    routes::Routes,
    shown::Showing,
    uploads::{self, Uploaded},
    visit::Visit,
    wire,
};

const NEW: &str = "/shop/business/deals/new";
const ONE: &str = "/shop/business/deals/{deal}";

/// Days that hours can be chosen of at once.
const DAYS: u16 = 7;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, NEW, new)
        .page(Method::POST, NEW, register)
        .page(Method::GET, ONE, edit)
        .page(Method::POST, ONE, change)
}

/// What stands in the form.
#[derive(Debug, Default)]
struct Entered {
    id: Option<DealId>,
    /// Whether its hours are booked.
    is_published: bool,
    texts: [String; 7],
    pictures: Vec<MediaId>,
    day: Option<Day>,
    hours: Vec<u8>,
    key: String,
}

/// The fields of the form in the order of [`Entered::texts`].
const FIELDS: [&str; 7] =
    ["title", "description", "category", "price", "percent", "stock", "per_person"];

impl Entered {
    /// An empty form.
    fn blank(showing: &Showing<'_>) -> Self {
        let mut entered = Self { key: Id::new(showing.now()).to_string(), ..Self::default() };
        "5".clone_into(&mut entered.texts[6]);
        entered
    }

    /// What a deal says now.
    fn of(showing: &Showing<'_>, deal: &Deal) -> Self {
        let (terms, calendar) = (&deal.terms, &showing.selling.policy.calendar);
        let day = calendar.day_of(terms.hours.starts_at());
        let within = |hour: &u8| {
            let at = calendar.at_hour(day, *hour);
            at.is_some_and(|at| at >= terms.hours.starts_at() && at < terms.hours.ends_at())
        };
        Self {
            id: Some(deal.id),
            is_published: deal.published_at.is_some(),
            texts: [
                terms.title.clone(),
                terms.description.clone(),
                terms.category.code().to_owned(),
                terms.price.minor.to_string(),
                (terms.discount.basis_points() / 100).to_string(),
                terms.stock.to_string(),
                terms.per_shopper_max.to_string(),
            ],
            pictures: terms.media.iter().copied().map(MediaId).collect(),
            day: Some(day),
            hours: (0..DAY_HOURS).filter(within).collect(),
            key: String::new(),
        }
    }

    /// What somebody typed; the pictures that came along are not in it yet.
    fn typed(form: &Form, known: Option<&Deal>) -> Self {
        let is_removed = |media: &str| form.all("remove").any(|removed| removed == media);
        let media = form.all("media").filter(|media| !is_removed(media));
        Self {
            id: known.map(|deal| deal.id),
            is_published: known.is_some_and(|deal| deal.published_at.is_some()),
            texts: FIELDS.map(|name| form.get(name).to_owned()),
            pictures: media.filter_map(|media| media.parse().ok()).collect(),
            day: form.get("day").parse().ok(),
            hours: form.all("hour").filter_map(|hour| hour.parse().ok()).collect(),
            key: form.get("key").to_owned(),
        }
    }

    /// The terms, or what is wrong with each field. A deal that was published keeps its hours.
    fn terms(&self, showing: &Showing<'_>, known: Option<&Deal>) -> Result<Terms, Refusal> {
        let policy = &showing.selling.policy;
        let kept = known.filter(|deal| deal.published_at.is_some()).map(|deal| deal.terms.hours);
        let (opens_at, closes_at) = match kept {
            Some(hours) => (hours.starts_at(), hours.ends_at()),
            None => self.window(showing)?,
        };
        let [title, description, category, price, percent, stock, per_person] = &self.texts;
        // What is no number is out of every range.
        let number = |text: &String| text.trim().replace(',', "").parse().unwrap_or(-1);
        let media: Vec<String> = self.pictures.iter().map(ToString::to_string).collect();
        let media: Vec<&str> = media.iter().map(String::as_str).collect();
        wire::deal::parsed(
            policy,
            &Typed {
                title,
                description,
                category,
                price: number(price),
                discount_percent: if percent.trim().is_empty() { 0 } else { number(percent) },
                stock: number(stock),
                per_shopper_max: number(per_person),
                opens_at,
                closes_at,
                media: &media,
            },
        )
    }

    /// When it opens and closes, by the hours that were chosen.
    fn window(
        &self,
        showing: &Showing<'_>,
    ) -> Result<(base::moment::Moment, base::moment::Moment), Refusal> {
        let calendar = &showing.selling.policy.calendar;
        let missing =
            || Refusal::field("hours", "slot_missing", "시간을 골라 주세요.", "choose the hours");
        let mut hours = self.hours.clone();
        hours.sort_unstable();
        hours.dedup();
        let (first, last) = hours.first().zip(hours.last()).ok_or_else(missing)?;
        if usize::from(last - first) + 1 != hours.len() {
            return Err(Refusal::field(
                "hours",
                "slot_gap",
                "고른 시간이 이어져 있지 않습니다.",
                "the hours are not in a row",
            ));
        }
        let day = self.day.ok_or_else(missing)?;
        let window = calendar.at_hour(day, *first).zip(calendar.at_hour(day, last + 1));
        window.ok_or_else(missing)
    }
}

async fn new(visit: Visit, by: Seller, asked: Pairs) -> Answer {
    let showing = showing(&visit, Some(&by.session))?;
    let mut entered = Entered::blank(&showing);
    entered.day = asked.get("day").and_then(|day| day.parse().ok());
    form(&visit, &by, &entered, &Wrong::default()).await
}

async fn edit(visit: Visit, by: Seller, _: Pairs) -> Answer {
    let showing = showing(&visit, Some(&by.session))?;
    let known = own(&visit, &by).await?;
    form(&visit, &by, &Entered::of(&showing, &known), &Wrong::default()).await
}

/// The deal of the path, if it is the seller's.
async fn own(visit: &Visit, by: &Seller) -> Result<Deal, Refusal> {
    let id: DealId = visit.captured("deal")?;
    let business = crate::api::own_deals::business_of(visit, by).await?;
    let found = deal::find(&visit.db()?.read(), id).await?;
    Ok(found.filter(|deal| deal.business == business.id).ok_or(EditRefusal::Unknown)?)
}

async fn register(visit: Visit, by: Seller, sent: Uploaded) -> Answer {
    taken(&visit, &by, &sent, None).await
}

async fn change(visit: Visit, by: Seller, sent: Uploaded) -> Answer {
    let known = own(&visit, &by).await?;
    taken(&visit, &by, &sent, Some(&known)).await
}

async fn taken(visit: &Visit, by: &Seller, sent: &Uploaded, known: Option<&Deal>) -> Answer {
    let mut entered = Entered::typed(&sent.form, known);
    for file in sent.files.iter().filter(|file| file.field == "picture") {
        match uploads::take(visit, by.session.account, file, Visibility::Public).await {
            Ok(picture) => entered.pictures.push(picture.id),
            Err(refusal) => return form(visit, by, &entered, &at_pictures(refusal)?).await,
        }
    }
    if let Ok(day) = sent.form.get("show_day").parse() {
        if entered.day != Some(day) {
            entered.hours.clear();
        }
        entered.day = Some(day);
        return form(visit, by, &entered, &Wrong::default()).await;
    }
    let is_draft = sent.form.has("draft");
    match written(visit, by, &entered, known, is_draft).await {
        Ok(code) => Ok(done(visit, code, LIST)),
        Err(refusal) => {
            let wrong = at_pictures(refusal)?;
            form(visit, by, &entered, &wrong).await
        }
    }
}

/// What the form shows of a refusal; what is the matter with a picture or the hours stands beside those.
fn at_pictures(refusal: Refusal) -> Result<Wrong, Refusal> {
    let code = refusal.row().facts.code;
    let is_of_hours = matches!(refusal, Refusal::Deal(DealRefusal::Publish(_)));
    let is_of_pictures = code.starts_with("picture_") || code.starts_with("upload");
    let field = if is_of_hours { Some("hours") } else { is_of_pictures.then_some("picture") };
    let mut wrong = Wrong::of(refusal)?;
    if let Some(field) = field {
        wrong.fields.push(Fault::new(field, code, "", ""));
        wrong.code = None;
    }
    Ok(wrong)
}

/// Writes what was typed, and says what was done.
async fn written(
    visit: &Visit,
    by: &Seller,
    entered: &Entered,
    known: Option<&Deal>,
    is_draft: bool,
) -> Result<&'static str, Refusal> {
    let showing = showing(visit, Some(&by.session))?;
    let terms = entered.terms(&showing, known)?;
    let account = by.session.account;
    let Some(known) = known else {
        let work = async |tx: &store::Tx| {
            let approved = approved(tx, account).await?;
            let id = write(tx, &showing, &approved, &terms, is_draft).await?;
            Ok::<_, Failure<Refusal>>(Kept {
                status: 201,
                location: Some(id.to_string()),
                body: Vec::new(),
            })
        };
        // Sent twice, the form registers once.
        match Request::new(&account, NEW, &entered.key, [0; 32]) {
            Some(request) => drop(showing.db.once(&request, work).await?),
            None => drop(showing.db.write(work).await?),
        }
        return Ok(if is_draft { "deal_drafted" } else { "deal_registered" });
    };
    let publishes = known.published_at.is_none() && !is_draft;
    let changed = showing.db.write(async |tx| {
        let approved = approved(tx, account).await?;
        deal::edit(tx, &approved, known.id, &terms).await.refusing(Refusal::from)?;
        if publishes {
            let policy = &showing.selling.policy;
            deal::publish(tx, policy, &approved, known.id).await.refusing(Refusal::from)?;
        }
        Ok::<_, Failure<Refusal>>(())
    });
    changed.await?;
    Ok(if publishes { "deal_registered" } else { "deal_saved" })
}

/// The page with the form.
async fn form(visit: &Visit, by: &Seller, entered: &Entered, wrong: &Wrong) -> Answer {
    let around = Around::of(visit, Some(&by.session)).await?;
    let showing = showing(visit, Some(&by.session))?;
    let (policy, now) = (&showing.selling.policy, showing.now());
    let on = showing.db.read();
    let today = policy.calendar.day_of(now);
    let shown_day = entered.day.unwrap_or_else(|| today.plus(1));
    let mut days = Vec::with_capacity(usize::from(DAYS));
    for ahead in 0..DAYS {
        let day = today.plus(ahead);
        let taken = slot::day(&on, policy, day).await?;
        let taken = taken.iter().filter(|taken| **taken >= policy.capacity).count();
        let at = moment(policy.calendar.start_of(day));
        days.push((at, u64::try_from(taken).unwrap_or_default()));
    }
    let taken = slot::day(&on, policy, shown_day).await?;
    let hours = taken.into_iter().zip(0..).map(|(taken, hour)| Hour {
        hour,
        is_taken: taken >= policy.capacity || !is_ahead(&policy.calendar, shown_day, hour, now),
        is_chosen: entered.hours.contains(&hour),
    });
    let links = pictures(visit, by, &entered.pictures).await?;
    let id = entered.id.map(|id| id.to_string());
    let rent = policy.plan.hourly();
    let field = |at: usize, told: &str| Field { value: &entered.texts[at], error: wrong.at(told) };
    let hours_error = ["hours", "opens_at", "closes_at"].into_iter().find_map(|at| wrong.at(at));
    let html = DealFormPage {
        frame: around.frame(),
        deal: id.as_deref(),
        is_published: entered.is_published,
        form: DealForm {
            title: field(0, "title"),
            description: field(1, "description"),
            category: field(2, "category"),
            price: field(3, "price"),
            percent: field(4, "discount_percent"),
            stock: field(5, "stock"),
            per_person: field(6, "per_shopper_max"),
            pictures_error: wrong.at("picture").or_else(|| wrong.at("media")),
            hours_error,
        },
        uploads: links.iter().map(|(media, src)| Upload { media, src }).collect(),
        sold_at: None,
        days,
        day: moment(policy.calendar.start_of(shown_day)),
        hours: hours.collect(),
        rent: money(rent.minor, &rent),
        refusal: wrong.code,
        key: &entered.key,
    }
    .html();
    let is_right = wrong.code.is_none() && wrong.fields.is_empty();
    Ok(if is_right { page(html) } else { refused(wrong.status, html) })
}

/// Pictures of a seller that are ready, with where they are had.
async fn pictures(
    visit: &Visit,
    by: &Seller,
    all: &[MediaId],
) -> Result<Vec<(String, String)>, Refusal> {
    let (db, selling) = (visit.db()?, visit.shop().selling()?);
    let mut links = Vec::with_capacity(all.len());
    for id in all {
        let found = media::find(&db.read(), *id).await?;
        let own = found.filter(|media| media.person.0 == by.session.account.0);
        let ready = own.filter(|media| media.stage == Stage::Ready);
        let file =
            ready.as_ref().and_then(|media| Some((media, media.shape.as_ref()?.at_least(400)?)));
        if let Some((media, file)) = file {
            links.push((id.to_string(), selling.uploads.link(media, file, db)));
        }
    }
    Ok(links)
}
