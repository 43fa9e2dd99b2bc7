//! Paying for what is reserved: the checkout, the way to the provider.
//!
//! Units that are held in the room have no order before somebody has said where they go: their checkout is known
//! by the purchase, and makes the order with the payment. An order whose payment did not begin then has one of
//! its own, which asks for no address any more.

use axum::http::{HeaderValue, Method, header::REFRESH};
use base::id::Id;
use identity::address::{self, Postal, Typed};
use pages::shop::{Address, CheckoutPage, Field, GoPage, Going, Tick, to};
use store::Failure;
use trade::{
    deal::{self, Deal},
    gateway::Provider,
    ids::OrderId,
    order::{self, Bought, Order},
    payment, till,
};
use web::respond;

use super::{
    around::Around,
    business::moment,
    forms::{Wrong, done, page, refused},
    goods::{Basket, gateway, money},
};
use crate::{
    acting::live,
    answer::Answer,
    authority::Shopper,
    buying::{self, Again},
    input::{Form, Pairs},
    refusal::{Fault, Refusal},
    routes::Routes,
    typed::Faults,
    visit::Visit,
    wire::{self, order::GATEWAYS},
};

const HELD: &str = "/shop/checkout/{deal}/{purchase}";
const PAY: &str = "/shop/orders/{order}/pay";
/// How soon the page leads on to the provider.
const ON_SECONDS: u32 = 1;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, HELD, show_held)
        .page(Method::POST, HELD, order_held)
        .page(Method::POST, "/shop/checkout/{deal}/{purchase}/cancel", give_up_held)
        .page(Method::GET, PAY, show_order)
        .page(Method::POST, PAY, pay_order)
        .page(Method::GET, "/shop/orders/{order}/go", go)
}

/// Units that are held in the room.
struct Held {
    deal: Deal,
    purchase: String,
    bought: Bought,
}

/// What a purchase of the room is by now.
enum Found {
    Held(Box<Held>),
    /// It was ordered.
    Ordered(OrderId),
}

async fn held(visit: &Visit, by: &Shopper) -> Result<Found, Refusal> {
    let (deal, purchase): (String, String) = (visit.captured("deal")?, visit.captured("purchase")?);
    let deal = buying::deal(visit, &deal).await?;
    if let Some(named) = buying::door(visit)?.in_full(deal.id, &purchase).await? {
        let known = order::of_purchase(&visit.db()?.read(), &named).await?;
        if let Some(known) = known.filter(|order| order.account == by.account()) {
            return Ok(Found::Ordered(known.id));
        }
    }
    let bought = buying::in_room(visit, by.account(), &deal, &purchase).await?;
    Ok(Found::Held(Box::new(Held { deal, purchase, bought })))
}

async fn show_held(visit: Visit, by: Shopper, _: Pairs) -> Answer {
    match held(&visit, &by).await? {
        Found::Held(held) => held_page(&visit, &by, &held, None, &Wrong::default()).await,
        Found::Ordered(order) => Ok(respond::see_other(&to::pay(&order.to_string()))),
    }
}

async fn order_held(visit: Visit, by: Shopper, form: Form) -> Answer {
    let held = match held(&visit, &by).await? {
        Found::Held(held) => held,
        Found::Ordered(order) => return Ok(respond::see_other(&to::pay(&order.to_string()))),
    };
    let placed = async {
        let (provider, postal) = wanted(&visit, &by, &form).await?;
        let keeps = form.get("address") == "new" && form.has("keeps");
        let written = visit.db()?.write(async |tx| {
            if keeps {
                let live = live(tx, by.account()).await?;
                match address::add(tx, &live, &postal).await {
                    // As many as there may be are kept already: the order has its copy.
                    Ok(_) | Err(Failure::Refused(_)) => {}
                    Err(Failure::Store(error)) => return Err(Failure::Store(error)),
                }
            }
            buying::place(tx, &held.deal, &held.bought, &postal, Again::SameOrder).await
        });
        Ok::<_, Refusal>((written.await?, provider))
    };
    match placed.await {
        Ok((order, provider)) => begin(&visit, &by, order, provider, &form).await,
        Err(refusal) => held_page(&visit, &by, &held, Some(&form), &Wrong::of(refusal)?).await,
    }
}

async fn give_up_held(visit: Visit, by: Shopper, _: Form) -> Answer {
    let held = match held(&visit, &by).await? {
        Found::Held(held) => held,
        Found::Ordered(order) => return Ok(respond::see_other(&to::order(&order.to_string()))),
    };
    buying::door(&visit)?.give_up(by.account(), held.deal.id, &held.purchase).await?;
    Ok(done(&visit, "order_cancelled", &to::room(&held.deal.id.to_string())))
}

async fn show_order(visit: Visit, by: Shopper, _: Pairs) -> Answer {
    let order = buying::own(&visit, by.account()).await?;
    match way_on(&visit, &order).await? {
        Some(way) => Ok(respond::see_other(&way)),
        None => order_page(&visit, &by, &order, None, &Wrong::default()).await,
    }
}

async fn pay_order(visit: Visit, by: Shopper, form: Form) -> Answer {
    let order = buying::own(&visit, by.account()).await?;
    if let Some(way) = way_on(&visit, &order).await? {
        return Ok(respond::see_other(&way));
    }
    match agreed(&form) {
        Ok(provider) => begin(&visit, &by, order.id, provider, &form).await,
        Err(faults) => {
            let wrong = Wrong::of(faults.refusal())?;
            order_page(&visit, &by, &order, Some(&form), &wrong).await
        }
    }
}

/// Where somebody is sent who has nothing to choose any more.
async fn way_on(visit: &Visit, order: &Order) -> Result<Option<String>, Refusal> {
    let db = visit.db()?;
    let id = order.id.to_string();
    if !order.state.is_pending() {
        return Ok(Some(to::order(&id)));
    }
    let kept = payment::of_order(&db.read(), order.id).await?;
    let is_begun = kept.is_some_and(|kept| kept.payment.reference().is_some());
    Ok(is_begun.then(|| to::go(&id)))
}

/// Begins the payment, and leads to the provider.
async fn begin(
    visit: &Visit,
    by: &Shopper,
    id: OrderId,
    provider: Provider,
    form: &Form,
) -> Answer {
    let (db, till) = (visit.db()?, &visit.shop().selling()?.till);
    match till::begin(db, till, by.account(), id, provider).await {
        Ok(_) => Ok(respond::see_other(&to::go(&id.to_string()))),
        Err(failure) => {
            let wrong = Wrong::of(failure.into())?;
            let found = order::find(&db.read(), by.account(), id).await?;
            let order = found.ok_or(Refusal::OrderUnknown)?;
            order_page(visit, by, &order, Some(form), &wrong).await
        }
    }
}

async fn go(visit: Visit, by: Shopper, _: Pairs) -> Answer {
    let order = buying::own(&visit, by.account()).await?;
    let db = visit.db()?;
    let kept = payment::of_order(&db.read(), order.id).await?.ok_or(Refusal::Internal)?;
    let (Some(href), Some(provider)) = (kept.payment.page(db.now()), kept.provider) else {
        return Ok(respond::see_other(&to::result(&order.id.to_string())));
    };
    let around = Around::of(&visit, Some(&by.session)).await?;
    let going = Going::Pay { gateway: gateway(provider), amount: money(&order.total) };
    let mut answer = page(GoPage { frame: around.frame(), going, href }.html());
    if let Ok(on) = HeaderValue::try_from(format!("{ON_SECONDS}; url={href}")) {
        answer.headers_mut().insert(REFRESH, on);
    }
    Ok(answer)
}

/// What the form of a checkout says: how it is paid, and where it goes.
async fn wanted(visit: &Visit, by: &Shopper, form: &Form) -> Result<(Provider, Postal), Refusal> {
    let postal = match form.get("address") {
        "new" => {
            let typed = Typed {
                receiver: form.get("receiver"),
                phone: form.get("phone"),
                zip: form.get("zip"),
                road: form.get("road"),
                detail: form.get("detail"),
            };
            Postal::parse(&typed)
                .map_err(|all| all.into_iter().map(wire::address::fault).collect::<Vec<_>>())
        }
        id => match buying::postal(visit, by.account(), id).await {
            Ok(postal) => Ok(postal),
            Err(Refusal::Address(_)) => Err(vec![unknown_address()]),
            Err(other) => return Err(other),
        },
    };
    match (agreed(form), postal) {
        (Ok(provider), Ok(postal)) => Ok((provider, postal)),
        (agreed, postal) => {
            let mut faults = agreed.err().unwrap_or_default();
            faults.add(postal.err().unwrap_or_default());
            Err(faults.refusal())
        }
    }
}

/// How it is paid, by somebody who agrees to the terms.
fn agreed(form: &Form) -> Result<Provider, Faults> {
    let mut faults = Faults::default();
    let found = GATEWAYS.iter().find(|(word, _)| *word == form.get("gateway"));
    let provider = found.map(|(_, provider)| *provider).ok_or_else(|| {
        let words = ("결제 수단을 골라 주세요.", "choose a way to pay");
        Fault::new("gateway", "gateway_invalid", words.0, words.1)
    });
    let provider = faults.note(provider);
    let agrees = form.has("agrees").then_some(()).ok_or_else(|| {
        let words = ("구매 조건에 동의해 주세요.", "consent is needed");
        Fault::new("agrees", "agreement_missing", words.0, words.1)
    });
    faults.note(agrees);
    match provider {
        Some(provider) if faults.are_none() => Ok(provider),
        Some(_) | None => Err(faults),
    }
}

fn unknown_address() -> Fault {
    Fault::new("address", "address_unknown", "그런 배송지가 없습니다.", "there is no such address")
}

async fn held_page(
    visit: &Visit,
    by: &Shopper,
    held: &Held,
    typed: Option<&Form>,
    wrong: &Wrong,
) -> Answer {
    let title = held.deal.terms.title.as_str();
    let items = held.bought.items().iter();
    let kinds: Vec<_> = items.map(|item| (title, item.quantity, item.unit)).collect();
    let deal = held.deal.id.to_string();
    let form = to::checkout(&deal, &held.purchase);
    let all = address::list(&visit.db()?.read(), by.account()).await?;
    let addresses =
        all.iter().map(|one| Shown::of(one.id.to_string(), &one.postal, one.is_default));
    let checkout = Checkout {
        basket: Basket::of(deal, Some(&held.deal), &kinds),
        until: held.bought.expires_at(),
        give_up: format!("{form}/cancel"),
        form,
        addresses: addresses.collect(),
        is_fixed: false,
    };
    checkout.answer(visit, by, typed, wrong).await
}

async fn order_page(
    visit: &Visit,
    by: &Shopper,
    order: &Order,
    typed: Option<&Form>,
    wrong: &Wrong,
) -> Answer {
    let deal = deal::find(&visit.db()?.read(), order.deal).await?;
    let id = order.id.to_string();
    let checkout = Checkout {
        basket: Basket::of_order(order, deal.as_ref()),
        until: order.pay_by,
        form: to::pay(&id),
        give_up: format!("{}/cancel", to::order(&id)),
        addresses: vec![Shown::of(String::new(), &order.postal, true)],
        is_fixed: true,
    };
    checkout.answer(visit, by, typed, wrong).await
}

/// An address, as the page takes it.
pub(super) struct Shown<'a> {
    id: String,
    phone: String,
    postal: &'a Postal,
    is_default: bool,
}

impl<'a> Shown<'a> {
    pub(super) fn of(id: String, postal: &'a Postal, is_default: bool) -> Self {
        Self { id, phone: postal.phone().grouped(), postal, is_default }
    }

    pub(super) fn address(&self) -> Address<'_> {
        Address {
            address: &self.id,
            receiver: self.postal.receiver(),
            phone: &self.phone,
            zip: self.postal.zip(),
            road: self.postal.road(),
            detail: self.postal.detail(),
            is_default: self.is_default,
        }
    }
}

/// What a checkout is drawn from.
struct Checkout<'a> {
    basket: Basket,
    until: base::moment::Moment,
    form: String,
    give_up: String,
    addresses: Vec<Shown<'a>>,
    is_fixed: bool,
}

impl Checkout<'_> {
    async fn answer(
        &self,
        visit: &Visit,
        by: &Shopper,
        typed: Option<&Form>,
        wrong: &Wrong,
    ) -> Answer {
        let around = Around::of(visit, Some(&by.session)).await?;
        let db = visit.db()?;
        let providers = &visit.shop().selling()?.till.providers;
        let offered = GATEWAYS.iter().filter(|(_, provider)| providers.has(*provider));
        let gateways: Vec<_> = offered.map(|(_, provider)| gateway(*provider)).collect();
        let key = Id::new(db.now()).to_string();
        let field =
            |name| Field { value: typed.map_or("", |form| form.get(name)), error: wrong.at(name) };
        let tick =
            |name| Tick { is_on: typed.is_some_and(|form| form.has(name)), error: wrong.at(name) };
        let html = CheckoutPage {
            frame: around.frame(),
            form: &self.form,
            give_up: &self.give_up,
            lines: self.basket.lines(),
            sums: self.basket.sums(),
            held_until: moment(self.until),
            held_seconds: self.until.since(db.now()).as_secs().max(900),
            addresses: self.addresses.iter().map(Shown::address).collect(),
            is_fixed: self.is_fixed,
            address: field("address"),
            receiver: field("receiver"),
            phone: field("phone"),
            zip: field("zip"),
            road: field("road"),
            detail: field("detail"),
            keeps: tick("keeps"),
            gateways: &gateways,
            gateway: field("gateway"),
            agrees: tick("agrees"),
            refusal: wrong.code,
            key: &key,
        }
        .html();
        let is_right = wrong.code.is_none() && wrong.fields.is_empty();
        Ok(if is_right { page(html) } else { refused(wrong.status, html) })
    }
}
