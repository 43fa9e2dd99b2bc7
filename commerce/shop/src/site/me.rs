//! One's own pages: profile, sign-in, addresses.

use axum::{
    body::Body,
    http::{
        Method, Response,
        header::{HeaderValue, REFRESH},
    },
};
use identity::{
    account,
    address::{self, Postal, Typed},
    ids::AddressId,
    membership,
    password::{Password, Verdict},
    phone::Phone,
    session, social,
};
use pages::{
    Moment,
    shop::{
        Address, AddressPage, AddressesPage, Field, GoPage, Going, Link, MePage, ProfilePage,
        Provider, SessionRow, Tick, WithdrawPage, to,
    },
};
use store::{Failure, Refusing as _};
use trade::ties::TradeTies;

use super::{
    around::Around,
    entry::{PROVIDERS, return_to},
    forms::{Wrong, done, page, refused},
};
use crate::{
    acting::live,
    answer::Answer,
    api,
    authority::Shopper,
    browser,
    input::{Form, Pairs},
    refusal::{Fault, Refusal},
    routes::Routes,
    typed::Faults,
    visit::Visit,
    wire,
};

const NEW: &str = "/shop/me/addresses/new";
const ONE: &str = "/shop/me/addresses/{address}";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, to::ME, show)
        .page(Method::GET, to::PROFILE, show_profile)
        .page(Method::POST, to::PROFILE, save_profile)
        .page(Method::POST, "/shop/me/profile/email", save_email)
        .page(Method::POST, "/shop/me/profile/password", save_password)
        .page(Method::POST, "/shop/me/profile/links", link)
        .page(Method::POST, "/shop/me/profile/links/{link}/remove", unlink)
        .page(Method::POST, "/shop/me/profile/sessions/{session}/end", end_session)
        .page(Method::GET, to::ADDRESSES, addresses)
        .page(Method::GET, NEW, new_address)
        .page(Method::POST, NEW, add_address)
        .page(Method::GET, ONE, show_address)
        .page(Method::POST, ONE, change_address)
        .page(Method::POST, "/shop/me/addresses/{address}/default", make_default)
        .page(Method::POST, "/shop/me/addresses/{address}/remove", remove_address)
        .page(Method::GET, to::WITHDRAW, show_withdraw)
        .page(Method::POST, to::WITHDRAW, withdraw)
}

async fn show(visit: Visit, by: Shopper, _: Pairs) -> Answer {
    let around = Around::of(&visit, Some(&by.session)).await?;
    let account = account::find(&visit.db()?.read(), by.account()).await?;
    let account = account.ok_or(Refusal::NotFound)?;
    let html = MePage {
        frame: around.frame(),
        email: account.email.as_deref(),
        is_verified: account.is_verified,
    }
    .html();
    Ok(page(html))
}

async fn show_profile(visit: Visit, by: Shopper, _: Pairs) -> Answer {
    profile(&visit, &by, None, &Wrong::default()).await
}

/// The page, with what was typed in place of what is kept.
async fn profile(visit: &Visit, by: &Shopper, typed: Option<&Form>, wrong: &Wrong) -> Answer {
    let around = Around::of(visit, Some(&by.session)).await?;
    let db = visit.db()?;
    let data = membership::personal_data(&db.read(), by.account(), db.now()).await?;
    let data = data.ok_or(Refusal::NotFound)?;
    let has_password = account::password_of(&db.read(), by.account()).await?.is_some();
    let kept_phone = data.account.phone.as_ref().map(Phone::grouped).unwrap_or_default();
    // As `membership::unlink` counts: a password is of no use without an address.
    let has_own = data.account.is_verified || (has_password && data.account.email.is_some());
    let ways = data.links.len() + usize::from(has_own);
    let ids: Vec<(String, String)> = {
        let links = data.links.iter().map(|link| link.id.to_string());
        let sessions = data.sessions.iter().map(|session| session.id.to_string());
        links.map(|id| (id, String::new())).chain(sessions.map(|id| (String::new(), id))).collect()
    };
    let (link_ids, session_ids) = ids.split_at(data.links.len());
    let links = data.links.iter().zip(link_ids).map(|(link, (id, _))| Link {
        link: id,
        provider: match link.provider {
            social::Provider::Kakao => Provider::Kakao,
            social::Provider::Google => Provider::Google,
        },
        since: moment(link.linked_at),
        can_go: ways > 1,
    });
    let sessions = data.sessions.iter().zip(session_ids).map(|(session, (_, id))| SessionRow {
        session: id,
        device: &session.device,
        seen_at: moment(session.refreshed_at),
        is_this: session.id == by.here(),
    });
    let value = |name: &str, kept: &str| -> String {
        typed
            .filter(|form| form.has(name))
            .map_or_else(|| kept.to_owned(), |form| form.get(name).to_owned())
    };
    let (name, phone) = (value("name", &data.account.name), value("phone", &kept_phone));
    let email = value("email", data.account.email.as_deref().unwrap_or_default());
    let html = ProfilePage {
        frame: around.frame(),
        email: data.account.email.as_deref(),
        is_verified: data.account.is_verified,
        new_email: Field { value: &email, error: wrong.at("email") },
        name: Field { value: &name, error: wrong.at("name") },
        phone: Field { value: &phone, error: wrong.at("phone") },
        has_password,
        current_password: Field { value: "", error: wrong.at("password") },
        new_password: Field { value: "", error: wrong.at("new_password") },
        links: links.collect(),
        providers: &PROVIDERS,
        sessions: sessions.collect(),
        refusal: wrong.code,
    }
    .html();
    let is_right = wrong.code.is_none() && wrong.fields.is_empty();
    Ok(if is_right { page(html) } else { refused(wrong.status, html) })
}

fn moment(at: base::moment::Moment) -> Moment {
    Moment(u64::try_from(at.0).unwrap_or_default())
}

async fn save_profile(visit: Visit, by: Shopper, form: Form) -> Answer {
    let phone = Some(form.get("phone")).filter(|phone| !phone.trim().is_empty());
    let saved = api::me::set_profile(&visit, &by, form.get("name"), phone).await;
    match saved {
        Ok(()) => Ok(done(&visit, "profile_saved", to::PROFILE)),
        Err(refusal) => profile(&visit, &by, Some(&form), &Wrong::of(refusal)?).await,
    }
}

async fn save_email(visit: Visit, by: Shopper, form: Form) -> Answer {
    match api::me::set_email(&visit, &by, form.get("email")).await {
        Ok(()) => Ok(done(&visit, "mail_sent", to::VERIFY)),
        Err(refusal) => profile(&visit, &by, Some(&form), &Wrong::of(refusal)?).await,
    }
}

async fn save_password(visit: Visit, by: Shopper, form: Form) -> Answer {
    let old = form.has("current_password").then(|| form.get("current_password"));
    let new = form.get("new_password");
    match api::me::replace_password(&visit, &by, old, new).await {
        Ok(()) => Ok(done(&visit, "password_changed", to::PROFILE)),
        Err(refusal) => profile(&visit, &by, None, &Wrong::of(refusal)?).await,
    }
}

/// Sends somebody to a provider, to link the account there. Only our page can have it begun, and only for
/// somebody who signed in lately. The answer leads on by itself, as a browser does not follow a form to
/// another site.
async fn link(visit: Visit, by: Shopper, form: Form) -> Answer {
    let shown = PROVIDERS.into_iter().find(|provider| provider.word() == form.get("provider"));
    let (Some(shown), Some(provider)) = (shown, social::Provider::of(form.get("provider"))) else {
        return Err(Refusal::NotFound);
    };
    by.is_fresh(visit.db()?.now())?;
    let (purpose, back) = (social::Purpose::Link(by.here()), social::ReturnTo::of(to::PROFILE));
    let href = api::oidc::depart(&visit, provider, purpose, back)?;
    let around = Around::of(&visit, Some(&by.session)).await?;
    let going = Going::Link(shown);
    let html = GoPage { frame: around.frame(), going, href: &href }.html();
    let mut response = page(html);
    if let Ok(refresh) = HeaderValue::try_from(format!("0; url={href}")) {
        response.headers_mut().insert(REFRESH, refresh);
    }
    Ok(response)
}

async fn unlink(visit: Visit, by: Shopper, _: Form) -> Answer {
    let link = visit.captured("link")?;
    if let Err(refusal) = by.is_fresh(visit.db()?.now()) {
        return profile(&visit, &by, None, &Wrong::of(refusal)?).await;
    }
    let gone = visit.db()?.write(async |tx| {
        let live = live(tx, by.account()).await?;
        membership::unlink(tx, &live, link, by.here()).await.refusing(Refusal::from)
    });
    match gone.await {
        Ok(()) => Ok(done(&visit, "link_removed", to::PROFILE)),
        Err(failure) => profile(&visit, &by, None, &Wrong::of(failure.into())?).await,
    }
}

async fn end_session(visit: Visit, by: Shopper, _: Form) -> Answer {
    let session = visit.captured("session")?;
    let ended = visit.db()?.write(async |tx| {
        let live = live(tx, by.account()).await?;
        session::end_own(tx, &live, session).await.refusing(Refusal::from)
    });
    match ended.await {
        Ok(()) => Ok(done(&visit, "session_ended", to::PROFILE)),
        Err(failure) => profile(&visit, &by, None, &Wrong::of(failure.into())?).await,
    }
}

async fn addresses(visit: Visit, by: Shopper, _: Pairs) -> Answer {
    let around = Around::of(&visit, Some(&by.session)).await?;
    let all = address::list(&visit.db()?.read(), by.account()).await?;
    let ids: Vec<(String, String)> =
        all.iter().map(|one| (one.id.to_string(), one.postal.phone().grouped())).collect();
    let rows = all.iter().zip(&ids).map(|(one, (id, phone))| Address {
        address: id,
        receiver: one.postal.receiver(),
        phone,
        zip: one.postal.zip(),
        road: one.postal.road(),
        detail: one.postal.detail(),
        is_default: one.is_default,
    });
    let can_add =
        u64::try_from(all.len()).is_ok_and(|count| count < identity::limits::ADDRESSES_MAX);
    let html = AddressesPage { frame: around.frame(), addresses: rows.collect(), can_add }.html();
    Ok(page(html))
}

/// The form of an address: what was typed, and where people go afterwards.
struct AddressForm<'a> {
    id: Option<&'a str>,
    typed: Typed<'a>,
    is_default: bool,
    return_to: &'a str,
}

impl<'a> AddressForm<'a> {
    fn of(form: &'a Form, id: Option<&'a str>, return_to: &'a str) -> Self {
        let typed = Typed {
            receiver: form.get("receiver"),
            phone: form.get("phone"),
            zip: form.get("zip"),
            road: form.get("road"),
            detail: form.get("detail"),
        };
        Self { id, typed, is_default: form.has("is_default"), return_to }
    }

    fn html(&self, around: &Around, wrong: &Wrong) -> String {
        let field = |name, value| Field { value, error: wrong.at(name) };
        AddressPage {
            frame: around.frame(),
            address: self.id,
            receiver: field("receiver", self.typed.receiver),
            phone: field("phone", self.typed.phone),
            zip: field("zip", self.typed.zip),
            road: field("road", self.typed.road),
            detail: field("detail", self.typed.detail),
            is_default: Tick { is_on: self.is_default, error: None },
            refusal: wrong.code,
            return_to: self.return_to,
        }
        .html()
    }

    fn postal(&self) -> Result<Postal, Refusal> {
        let faults = Postal::parse(&self.typed);
        faults.map_err(|all| Refusal::Invalid(all.into_iter().map(wire::address::fault).collect()))
    }

    async fn refused(&self, visit: &Visit, by: &Shopper, refusal: Refusal) -> Answer {
        let wrong = Wrong::of(refusal)?;
        let around = Around::of(visit, Some(&by.session)).await?;
        Ok(refused(wrong.status, self.html(&around, &wrong)))
    }
}

async fn new_address(visit: Visit, by: Shopper, asked: Pairs) -> Answer {
    let around = Around::of(&visit, Some(&by.session)).await?;
    let return_to = return_to(asked.get("return_to").unwrap_or_default());
    let form = Form::default();
    Ok(page(AddressForm::of(&form, None, &return_to).html(&around, &Wrong::default())))
}

async fn add_address(visit: Visit, by: Shopper, form: Form) -> Answer {
    let return_to = return_to(form.get("return_to"));
    let typed = AddressForm::of(&form, None, &return_to);
    let added = async {
        let postal = typed.postal()?;
        let is_default = typed.is_default;
        let written = visit.db()?.write(async |tx| {
            let live = live(tx, by.account()).await?;
            let id = address::add(tx, &live, &postal).await.refusing(Refusal::from)?;
            if is_default {
                address::set_default(tx, &live, id).await.refusing(Refusal::from)?;
            }
            Ok::<_, Failure<Refusal>>(())
        });
        Ok::<_, Refusal>(written.await?)
    };
    match added.await {
        Ok(()) => Ok(saved(&visit, &return_to)),
        Err(refusal) => typed.refused(&visit, &by, refusal).await,
    }
}

fn saved(visit: &Visit, return_to: &str) -> Response<Body> {
    done(visit, "address_saved", if return_to.is_empty() { to::ADDRESSES } else { return_to })
}

async fn show_address(visit: Visit, by: Shopper, asked: Pairs) -> Answer {
    let id: AddressId = visit.captured("address")?;
    let around = Around::of(&visit, Some(&by.session)).await?;
    let found = address::find(&visit.db()?.read(), by.account(), id).await?;
    let found = found.ok_or(Refusal::NotFound)?;
    let return_to = return_to(asked.get("return_to").unwrap_or_default());
    let (id, phone) = (id.to_string(), found.postal.phone().grouped());
    let typed = Typed {
        receiver: found.postal.receiver(),
        phone: &phone,
        zip: found.postal.zip(),
        road: found.postal.road(),
        detail: found.postal.detail(),
    };
    let is_default = found.is_default;
    let form = AddressForm { id: Some(&id), typed, is_default, return_to: &return_to };
    Ok(page(form.html(&around, &Wrong::default())))
}

async fn change_address(visit: Visit, by: Shopper, form: Form) -> Answer {
    let id: AddressId = visit.captured("address")?;
    let return_to = return_to(form.get("return_to"));
    let text = id.to_string();
    let typed = AddressForm::of(&form, Some(&text), &return_to);
    let changed = async {
        let postal = typed.postal()?;
        let is_default = typed.is_default;
        let written = visit.db()?.write(async |tx| {
            let live = live(tx, by.account()).await?;
            address::change(tx, &live, id, &postal).await.refusing(Refusal::from)?;
            if is_default {
                address::set_default(tx, &live, id).await.refusing(Refusal::from)?;
            }
            Ok::<_, Failure<Refusal>>(())
        });
        Ok::<_, Refusal>(written.await?)
    };
    match changed.await {
        Ok(()) => Ok(saved(&visit, &return_to)),
        Err(refusal) => typed.refused(&visit, &by, refusal).await,
    }
}

async fn make_default(visit: Visit, by: Shopper, _: Form) -> Answer {
    let id: AddressId = visit.captured("address")?;
    let set = visit.db()?.write(async |tx| {
        let live = live(tx, by.account()).await?;
        address::set_default(tx, &live, id).await.refusing(Refusal::from)
    });
    set.await?;
    Ok(done(&visit, "address_saved", to::ADDRESSES))
}

async fn remove_address(visit: Visit, by: Shopper, _: Form) -> Answer {
    let id: AddressId = visit.captured("address")?;
    let removed = visit.db()?.write(async |tx| {
        let live = live(tx, by.account()).await?;
        address::remove(tx, &live, id).await.refusing(Refusal::from)
    });
    removed.await?;
    Ok(done(&visit, "address_removed", to::ADDRESSES))
}

async fn show_withdraw(visit: Visit, by: Shopper, _: Pairs) -> Answer {
    withdraw_page(&visit, &by, &Wrong::default()).await
}

async fn withdraw_page(visit: &Visit, by: &Shopper, wrong: &Wrong) -> Answer {
    let around = Around::of(visit, Some(&by.session)).await?;
    let has_password = account::password_of(&visit.db()?.read(), by.account()).await?.is_some();
    let html = WithdrawPage {
        frame: around.frame(),
        open_orders: 0,
        is_selling: false,
        has_password,
        password: Field { value: "", error: wrong.at("password") },
        agrees: Tick { is_on: false, error: wrong.at("agrees") },
        refusal: wrong.code,
        export: Some("/v1/me/export"),
    }
    .html();
    let is_right = wrong.code.is_none() && wrong.fields.is_empty();
    Ok(if is_right { page(html) } else { refused(wrong.status, html) })
}

async fn withdraw(visit: Visit, by: Shopper, form: Form) -> Answer {
    match withdrawn(&visit, &by, &form).await {
        Ok(()) => {
            browser::forget(&visit);
            Ok(done(&visit, "withdrawn", to::SIGN_IN))
        }
        Err(refusal) => withdraw_page(&visit, &by, &Wrong::of(refusal)?).await,
    }
}

async fn withdrawn(visit: &Visit, by: &Shopper, form: &Form) -> Result<(), Refusal> {
    let (shop, db) = (visit.shop(), visit.db()?);
    by.is_fresh(db.now())?;
    let mut faults = Faults::default();
    let missing =
        || Fault::new("agrees", "consent_missing", "동의가 필요합니다.", "consent is needed");
    faults.note(if form.has("agrees") { Ok(()) } else { Err(missing()) });
    let kept = account::password_of(&db.read(), by.account()).await?;
    if kept.is_some() {
        shop.limits().attempt(visit.client(), &by.account().to_string())?;
        let attempt = Password::attempt(form.get("password"));
        let is_wrong = shop.sign_ins().check(&attempt, kept.as_ref()).await? == Verdict::Wrong;
        faults.note(if is_wrong { Err(api::me::wrong_password()) } else { Ok(()) });
    }
    if !faults.are_none() {
        return Err(faults.refusal());
    }
    let withdrawn = db.write(async |tx| {
        let live = live(tx, by.account()).await?;
        membership::withdraw(tx, &live, &TradeTies).await.refusing(Refusal::from)
    });
    Ok(withdrawn.await?)
}
