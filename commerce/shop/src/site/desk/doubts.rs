//! Payments that a person has to look at, and deciding about them.

use axum::http::Method;
use base::{cursor::{Cursor, LIMIT_MAX, Wanted}, moment::Moment};
use pages::shop::{Doubt as Row, DoubtKind, DoubtsPage, Verb};
use trade::{
    ids::{OrderId, PaymentId},
    order::{self, Order},
    payment::{self, Decision, Doubt, Doubtful, Kept, can_decide},
};

use super::{
    super::{
        around::Around,
        business::moment,
        forms::{Wrong, done},
        goods::{gateway, money},
        store::more,
    },
    Sent, wrong_of,
};
use crate::{
    answer::Answer,
    api::desk::{decide_doubt, looked_up, resolved},
    authority::Operator,
    input::{Form, Listed},
    refusal::Refusal,
    routes::Routes,
    visit::Visit,
    wire::desk::{decision, noted},
};

const LIST: &str = "/shop/desk/doubts";

/// What can be decided, and how pages and programs call it.
const VERBS: [(Decision, Verb); 3] = [
    (Decision::Accept, Verb::Accept),
    (Decision::Undo, Verb::Undo),
    (Decision::UnitsGone, Verb::UnitsGone),
];

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, LIST, list)
        .page(Method::POST, "/shop/desk/payments/{payment}/ask", ask)
        .page(Method::POST, "/shop/desk/payments/{payment}/settle", settle)
        .page(Method::POST, "/shop/desk/payments/{payment}/decide", decide)
}

pub(super) const fn kind(doubt: Doubt) -> DoubtKind {
    match doubt {
        Doubt::Amount => DoubtKind::Amount,
        Doubt::Back => DoubtKind::Back,
        Doubt::NotGivenBack => DoubtKind::NotGivenBack,
        Doubt::NotVoided => DoubtKind::NotVoided,
        Doubt::Unknown => DoubtKind::Unknown,
        Doubt::NoAnswer => DoubtKind::NoAnswer,
        Doubt::Vanished => DoubtKind::Vanished,
        Doubt::Units => DoubtKind::Units,
        Doubt::Unpaid => DoubtKind::Unpaid,
    }
}

/// A payment in doubt with all that its row needs.
struct Seen {
    doubtful: Doubtful,
    kept: Kept,
    order: Order,
    story: Vec<(Moment, &'static str)>,
    payment: String,
    id: String,
    title: String,
}

impl Seen {
    fn row(&self, now: Moment) -> Row<'_> {
        let payment = &self.kept.payment;
        let can = VERBS.iter().filter(|(decision, _)| can_decide(payment, *decision, now));
        Row {
            payment: &self.payment,
            order: &self.id,
            number: &self.order.number,
            title: &self.title,
            kind: kind(self.doubtful.doubt),
            since: moment(self.doubtful.since),
            gateway: self.kept.provider.map(gateway),
            due: money(&payment.due()),
            taken: money(&payment.taken()),
            back: money(&payment.back()),
            records: self.story.iter().map(|(at, step)| (moment(*at), *step)).collect(),
            verbs: can.map(|(_, verb)| *verb).collect(),
        }
    }
}

/// A page of the doubts, the oldest first, and where the next one begins.
async fn seen(visit: &Visit, wanted: Wanted) -> Result<(Vec<Seen>, Option<Cursor>), Refusal> {
    let reader = visit.db()?.read();
    let found = payment::desk(&reader, wanted).await?;
    let ids: Vec<OrderId> = found.items.iter().map(|one| one.order).collect();
    let mut orders = order::find_many(&reader, &ids).await?;
    let mut all = Vec::with_capacity(found.items.len());
    for doubtful in found.items {
        let place = orders.iter().position(|order| order.id == doubtful.order);
        let kept = payment::find(&reader, doubtful.payment).await?;
        let (Some(place), Some(kept)) = (place, kept) else { continue };
        let story = payment::story(&reader, kept.id).await?;
        let order = orders.swap_remove(place);
        all.push(Seen {
            payment: kept.id.to_string(),
            id: order.id.to_string(),
            title: order.title(),
            story: story.iter().map(|(at, step)| (*at, step.name())).collect(),
            doubtful,
            kept,
            order,
        });
    }
    Ok((all, found.next))
}

async fn list(visit: Visit, by: Operator, listed: Listed) -> Answer {
    let (all, next) = seen(&visit, listed.wanted).await?;
    let next = next.map(|next| more(&listed, LIST, &next.encode()));
    shown(&visit, &by, (&all, next.as_deref()), None).await
}

async fn shown(
    visit: &Visit,
    by: &Operator,
    (all, next): (&[Seen], Option<&str>),
    sent: Option<&Sent<'_>>,
) -> Answer {
    let around = Around::of(visit, Some(&by.session)).await?;
    let (now, wrong) = (visit.db()?.now(), wrong_of(sent));
    let html = DoubtsPage {
        frame: around.frame(),
        doubts: all.iter().map(|one| one.row(now)).collect(),
        typed: sent.map(Sent::typed),
        refusal: wrong.code,
        next,
    }
    .html();
    Ok(wrong.answer(html))
}

async fn ask(visit: Visit, by: Operator, form: Form) -> Answer {
    let id: PaymentId = visit.captured("payment")?;
    let asked = looked_up(&visit, &by, id).await;
    answered(&visit, &by, id, asked, ("asked_again", "ask", &form)).await
}

async fn settle(visit: Visit, by: Operator, form: Form) -> Answer {
    let id: PaymentId = visit.captured("payment")?;
    let settled = async { resolved(&visit, &by, id, &noted(form.get("reason"))?).await };
    let settled = settled.await;
    answered(&visit, &by, id, settled, ("settled", "settle", &form)).await
}

async fn decide(visit: Visit, by: Operator, form: Form) -> Answer {
    let id: PaymentId = visit.captured("payment")?;
    let word = form.get("decision");
    // Our own pages name one of them.
    let what = decision(word).ok_or(Refusal::BadRequest("no such decision"))?;
    let decided =
        async { decide_doubt(&visit, &by, id, what, &noted(form.get("reason"))?).await };
    let decided = decided.await;
    answered(&visit, &by, id, decided, ("doubt_decided", word, &form)).await
}

/// Goes on, or shows the payment with what was wrong; all of them if it is not in doubt any more.
async fn answered(
    visit: &Visit,
    by: &Operator,
    id: PaymentId,
    result: Result<(), Refusal>,
    (code, form, typed): (&'static str, &str, &Form),
) -> Answer {
    let Err(refusal) = result else { return Ok(done(visit, code, LIST)) };
    if payment::find(&visit.db()?.read(), id).await?.is_none() {
        return Err(refusal);
    }
    let sent = Sent { form, of: id.to_string(), typed, wrong: Wrong::of(refusal)? };
    let wanted = Wanted::new(LIMIT_MAX, None).unwrap_or_default();
    let (mut all, _) = seen(visit, wanted).await?;
    if all.iter().any(|one| one.kept.id == id) {
        all.retain(|one| one.kept.id == id);
    }
    shown(visit, by, (&all, None), Some(&sent)).await
}
