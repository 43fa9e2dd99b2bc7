//! What a person can see and change of their own account.

use axum::http::Method;
use identity::{
    account::{self, Live, Profile},
    business,
    email::Email,
    ids::LinkId,
    membership,
    name::Name,
    password::{Password, Verdict},
    proof::{IssueRefusal, Prover, Purpose},
    social,
};
use store::{Failure, Refusing as _, Tx};
use trade::ties::TradeTies;
use web::respond;

use crate::{
    acting::{self, live, send_quietly},
    answer::{Answer, json},
    authority::Shopper,
    browser,
    input::Json,
    refusal::{Fault, Refusal},
    routes::Routes,
    typed::{Faults, email, name, password, phone},
    visit::Visit,
    wire::{
        List,
        account::{
            AccountObject, Change, ExportObject, LinkObject, PasswordRequest, ProfileRequest,
        },
    },
};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .on(Method::GET, "/v1/me", show)
        .on(Method::PATCH, "/v1/me", change)
        .on(Method::DELETE, "/v1/me", withdraw)
        .on(Method::GET, "/v1/me/export", export)
        .on(Method::PUT, "/v1/me/password", set_password)
        .on(Method::GET, "/v1/me/links", links)
        .on(Method::DELETE, "/v1/me/links/{link}", unlink)
}

async fn show(visit: Visit, by: Shopper, (): ()) -> Answer {
    shown(&visit, &by).await
}

async fn shown(visit: &Visit, by: &Shopper) -> Answer {
    let reader = visit.db()?.read();
    let account = account::find(&reader, by.account()).await?.ok_or(Refusal::NotFound)?;
    let business = business::of_account(&reader, by.account()).await?;
    Ok(json(&AccountObject::of(&account, business.as_ref())))
}

async fn change(visit: Visit, by: Shopper, input: Json<ProfileRequest>) -> Answer {
    let asked = input.value;
    let mut faults = Faults::default();
    let new_name = asked.name.as_deref().map(|text| faults.note(name(text)));
    let new_phone = match &asked.phone {
        Change::Keep => None,
        Change::Remove => Some(None),
        Change::To(text) => Some(faults.note(phone(text))),
    };
    let new_email = asked.email.as_deref().and_then(|text| faults.note(email(text)));
    if !faults.are_none() {
        return Err(faults.refusal());
    }
    let new_name = new_name.flatten();
    if new_email.is_some() {
        // Whoever reads the address can replace the password.
        by.is_fresh(visit.db()?.now())?;
    }
    let prover = visit.shop().prover();
    visit
        .db()?
        .write(async |tx| {
            let live = live(tx, by.account()).await?;
            if new_name.is_some() || new_phone.is_some() {
                let known = live.account();
                let name = new_name.clone().or_else(|| Name::parse(&known.name));
                let name = name.ok_or_else(|| Failure::Refused(name_missing()))?;
                let phone = new_phone.clone().unwrap_or_else(|| known.phone.clone());
                account::set_profile(tx, &live, &Profile { name, phone }).await?;
            }
            if let Some(email) = &new_email {
                replace_email(tx, prover, &live, email).await?;
            }
            Ok::<_, Failure<Refusal>>(())
        })
        .await?;
    shown(&visit, &by).await
}

/// Gives an account another address, which is to be verified.
async fn replace_email(
    tx: &Tx,
    prover: &Prover,
    live: &Live,
    email: &Email,
) -> Result<(), Failure<Refusal>> {
    membership::set_email(tx, live, email).await.refusing(Refusal::from)?;
    // Locked again with the key of the address, which the proof is made for.
    let live = acting::live(tx, live.id()).await?;
    Ok(send_quietly(tx, prover, &live, Purpose::VerifyEmail).await?)
}

/// Gives an account another address for whoever signed in lately: who reads it can replace the password.
pub(crate) async fn set_email(visit: &Visit, by: &Shopper, text: &str) -> Result<(), Refusal> {
    let email = email(text).map_err(|fault| Refusal::Invalid(vec![fault]))?;
    by.is_fresh(visit.db()?.now())?;
    let prover = visit.shop().prover();
    let replaced = visit.db()?.write(async |tx| {
        let live = live(tx, by.account()).await?;
        replace_email(tx, prover, &live, &email).await
    });
    Ok(replaced.await?)
}

/// Changes what somebody is called, and how.
pub(crate) async fn set_profile(
    visit: &Visit,
    by: &Shopper,
    new_name: &str,
    new_phone: Option<&str>,
) -> Result<(), Refusal> {
    let mut faults = Faults::default();
    let new_name = faults.note(name(new_name));
    let new_phone = new_phone.map(|text| faults.note(phone(text)));
    let (Some(name), true) = (new_name, faults.are_none()) else { return Err(faults.refusal()) };
    let profile = Profile { name, phone: new_phone.flatten() };
    let saved = visit.db()?.write(async |tx| {
        let live = live(tx, by.account()).await?;
        account::set_profile(tx, &live, &profile).await?;
        Ok::<_, Failure<Refusal>>(())
    });
    Ok(saved.await?)
}

fn name_missing() -> Refusal {
    Refusal::field("name", "name_invalid", "이름을 적어 주세요.", "the account has no name yet")
}

async fn withdraw(visit: Visit, by: Shopper, (): ()) -> Answer {
    let db = visit.db()?;
    by.is_fresh(db.now())?;
    db.write(async |tx| {
        let live = live(tx, by.account()).await?;
        membership::withdraw(tx, &live, &TradeTies).await.refusing(Refusal::from)
    })
    .await?;
    browser::forget(&visit);
    Ok(respond::no_content())
}

async fn export(visit: Visit, by: Shopper, (): ()) -> Answer {
    let db = visit.db()?;
    let data = membership::personal_data(&db.read(), by.account(), db.now()).await?;
    Ok(json(&ExportObject::of(&data.ok_or(Refusal::NotFound)?)))
}

async fn set_password(visit: Visit, by: Shopper, input: Json<PasswordRequest>) -> Answer {
    let asked = input.value;
    replace_password(&visit, &by, asked.password.as_deref(), &asked.new_password).await?;
    Ok(respond::no_content())
}

/// Replaces the password of somebody who knows the old one. Who has none signed in lately instead: it is
/// one more way in.
pub(crate) async fn replace_password(
    visit: &Visit,
    by: &Shopper,
    old: Option<&str>,
    new: &str,
) -> Result<(), Refusal> {
    let new = password("new_password", new).map_err(|fault| Refusal::Invalid(vec![fault]))?;
    let (shop, db) = (visit.shop(), visit.db()?);
    let kept = account::password_of(&db.read(), by.account()).await?;
    if kept.is_none() {
        by.is_fresh(db.now())?;
    } else {
        shop.limits().attempt(visit.client(), &by.account().to_string())?;
        let attempt = Password::attempt(old.unwrap_or_default());
        if shop.sign_ins().check(&attempt, kept.as_ref()).await? == Verdict::Wrong {
            return Err(Refusal::Invalid(vec![wrong_password()]));
        }
    }
    let new = shop.sign_ups().hash(&new).await?;
    db.write(async |tx| {
        let live = live(tx, by.account()).await?;
        // Somebody may have replaced it meanwhile.
        if account::password_of(tx, by.account()).await? != kept {
            return store::refused(Refusal::Invalid(vec![wrong_password()]));
        }
        if live.account().email.is_none() {
            return store::refused(IssueRefusal::NoAddress.into());
        }
        membership::set_password(tx, &live, &new, by.here()).await?;
        Ok(())
    })
    .await?;
    Ok(())
}

/// What is said of an old password that is wrong.
pub(crate) fn wrong_password() -> Fault {
    Fault::new(
        "password",
        "password_wrong",
        "비밀번호가 맞지 않습니다.",
        "the password is not the account's",
    )
}

async fn links(visit: Visit, by: Shopper, (): ()) -> Answer {
    let all = social::list(&visit.db()?.read(), by.account()).await?;
    Ok(json(&List::whole(all.iter().map(LinkObject::of).collect())))
}

async fn unlink(visit: Visit, by: Shopper, (): ()) -> Answer {
    let link: LinkId = visit.captured("link")?;
    let db = visit.db()?;
    by.is_fresh(db.now())?;
    db.write(async |tx| {
        let live = live(tx, by.account()).await?;
        membership::unlink(tx, &live, link, by.here()).await.refusing(Refusal::from)
    })
    .await?;
    Ok(respond::no_content())
}
