//! Signing up, verifying the address, and the way back for whoever forgot the password.

use axum::http::{Method, StatusCode, header::HeaderValue, header::LOCATION};
use identity::{
    account::{self, ProofRefusal},
    membership::{self, SignUp},
    proof::Purpose,
};
use store::Refusing as _;
use web::respond::{self, Cache};

use crate::{
    acting::{live, send_quietly},
    answer::{Answer, accepted},
    authority::{Anyone, Shopper},
    input::Json,
    refusal::Refusal,
    routes::Routes,
    typed::{Faults, email, name, password},
    visit::Visit,
    wire::account::{AccountObject, EmailRequest, ResetRequest, SignUpRequest, TokenRequest},
};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .on(Method::POST, "/v1/accounts", sign_up)
        .on(Method::POST, "/v1/accounts/verify", verify)
        .on(Method::POST, "/v1/accounts/verify/resend", resend)
        .on(Method::POST, "/v1/password-resets", begin_reset)
        .on(Method::POST, "/v1/password-resets/complete", complete_reset)
}

/// No key makes this one call: a hash of its body would be one of the password.
async fn sign_up(visit: Visit, _: Anyone, input: Json<SignUpRequest>) -> Answer {
    let asked = input.value;
    let mut faults = Faults::default();
    let email = faults.note(email(&asked.email));
    let password = faults.note(password("password", &asked.password));
    let name = faults.note(name(&asked.name));
    let (Some(email), Some(password), Some(name)) = (email, password, name) else {
        return Err(faults.refusal());
    };
    let db = visit.db()?;
    visit.shop().limits().newcomer(visit.client())?;
    let password = visit.shop().sign_ups().hash(&password).await?;
    let sign_up = SignUp { email, password, name };
    let (prover, language) = (visit.shop().prover(), visit.said_language());
    let account = db
        .write(async |tx| {
            let live = membership::sign_up(tx, &sign_up).await.refusing(Refusal::from)?;
            if let Some(language) = language {
                account::set_language(tx, &live, language).await?;
            }
            send_quietly(tx, prover, &live, Purpose::VerifyEmail).await?;
            Ok::<_, store::Failure<Refusal>>(live.account().clone())
        })
        .await?;
    let mut response =
        respond::json(StatusCode::CREATED, Cache::NoStore, &AccountObject::of(&account, None));
    response.headers_mut().insert(LOCATION, HeaderValue::from_static("/v1/me"));
    Ok(response)
}

/// A proof counts for whoever is signed in to its account: a stranger who signed up with somebody else's
/// address cannot have them verify it by a mere click.
async fn verify(visit: Visit, by: Shopper, input: Json<TokenRequest>) -> Answer {
    take_proof(&visit, &by, &input.value.token).await?;
    Ok(respond::no_content())
}

/// Takes the token of a mail.
pub(crate) async fn take_proof(visit: &Visit, by: &Shopper, token: &str) -> Result<(), Refusal> {
    let proof = visit.shop().prover().read(token, Purpose::VerifyEmail);
    let proof = proof.ok_or(ProofRefusal::Invalid)?;
    let verified = visit.db()?.write(async |tx| {
        let live = live(tx, by.account()).await?;
        account::verify(tx, &live, proof).await.refusing(Refusal::from)
    });
    Ok(verified.await?)
}

/// The answer is the same whether there is such an account or not.
async fn resend(visit: Visit, _: Anyone, input: Json<EmailRequest>) -> Answer {
    send(&visit, &input.value, Purpose::VerifyEmail).await
}

async fn begin_reset(visit: Visit, _: Anyone, input: Json<EmailRequest>) -> Answer {
    send(&visit, &input.value, Purpose::ResetPassword).await
}

async fn send(visit: &Visit, asked: &EmailRequest, purpose: Purpose) -> Answer {
    mail(visit, &asked.email, purpose).await?;
    Ok(accepted())
}

/// Has a mail sent to the account of an address, if there is one that wants it.
pub(crate) async fn mail(visit: &Visit, address: &str, purpose: Purpose) -> Result<(), Refusal> {
    let address = email(address).map_err(|fault| Refusal::Invalid(vec![fault]))?;
    visit.shop().limits().newcomer(visit.client())?;
    let db = visit.db()?;
    let found = account::by_email(&db.read(), &address).await?;
    let wanted = found.filter(|found| purpose == Purpose::ResetPassword || !found.is_verified);
    let prover = visit.shop().prover();
    if let Some(account) = wanted {
        db.write(async |tx| {
            let live = live(tx, account.id).await?;
            send_quietly(tx, prover, &live, purpose).await?;
            Ok::<_, store::Failure<Refusal>>(())
        })
        .await?;
    }
    Ok(())
}

async fn complete_reset(visit: Visit, _: Anyone, input: Json<ResetRequest>) -> Answer {
    let asked = input.value;
    replace_password(&visit, &asked.token, &asked.password).await?;
    Ok(respond::no_content())
}

/// Replaces a password by the token of a mail.
pub(crate) async fn replace_password(visit: &Visit, token: &str, new: &str) -> Result<(), Refusal> {
    let password = password("password", new).map_err(|fault| Refusal::Invalid(vec![fault]))?;
    let proof = visit.shop().prover().read(token, Purpose::ResetPassword);
    let proof = proof.ok_or(ProofRefusal::Invalid)?;
    let password = visit.shop().sign_ups().hash(&password).await?;
    let db = visit.db()?;
    db.write(async |tx| membership::reset_password(tx, proof, &password).await).await?;
    Ok(())
}
