//! Signing in elsewhere: to the provider, and back.
//!
//! Both calls are of browsers. The session is kept in cookies, and the person goes on to a page of ours.

use axum::{
    body::Body,
    http::{Method, Response},
};
use identity::{
    arrival::{self, Arrival, Returned},
    session::Role,
    social::{Begun, Claims, Exchange, ExchangeError, Flow, Proof, Provider, Purpose, ReturnTo},
};
use pages::shop::to;
use web::respond;

use crate::{
    answer::Answer,
    authority::Anyone,
    browser,
    input::Pairs,
    refusal::Refusal,
    routes::Routes,
    shop::{Address, Providers},
    visit::Visit,
    wire::session::ROLES,
};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.on(Method::GET, "/v1/oidc/{provider}/start", start).on(
        Method::GET,
        "/v1/oidc/{provider}/callback",
        callback,
    )
}

pub(crate) async fn start(visit: Visit, _: Anyone, asked: Pairs) -> Answer {
    let provider = provider(&visit)?;
    let role = match asked.get("role") {
        None => Role::Shopper,
        Some(word) => {
            let known = ROLES.iter().find(|(known, _)| *known == word);
            known.map(|(_, role)| *role).ok_or_else(|| {
                Refusal::field(
                    "role",
                    "role_unknown",
                    "shopper, business, operator 가운데 하나여야 합니다.",
                    "shopper, business or operator",
                )
            })?
        }
    };
    let return_to = ReturnTo::of(asked.get("return_to").unwrap_or(to::HOME));
    let page = depart(&visit, provider, Purpose::SignIn(role), return_to)?;
    Ok(respond::see_other(&page))
}

/// Begins a flow in this browser: answers with the provider's page.
pub(crate) fn depart(
    visit: &Visit,
    provider: Provider,
    purpose: Purpose,
    return_to: ReturnTo,
) -> Result<String, Refusal> {
    let back = back(visit, provider)?;
    let flow = Flow { provider, purpose, return_to };
    let departure = visit.shop().flows().departure(&flow, visit.db()?.now());
    let page = visit.shop().providers().page(provider, &departure, &back);
    let page = page.ok_or(Refusal::ProviderUnknown)?;
    browser::keep_flow(visit, departure.browser);
    Ok(page)
}

async fn callback(visit: Visit, _: Anyone, asked: Pairs) -> Answer {
    let provider = provider(&visit)?;
    let flow = browser::take_flow(&visit);
    match arrive(&visit, provider, &flow, &asked).await {
        Ok(location) => Ok(respond::see_other(&location)),
        Err(refusal) if visit.wants_page() => Ok(begin_again(&visit, &flow, &asked, &refusal)),
        Err(refusal) => Err(refusal),
    }
}

/// Takes somebody back; answers with where they go now.
async fn arrive(
    visit: &Visit,
    provider: Provider,
    flow: &str,
    asked: &Pairs,
) -> Result<String, Refusal> {
    if asked.get("error").is_some() {
        return Err(Refusal::ProviderDenied);
    }
    let back = back(visit, provider)?;
    let providers = At { providers: visit.shop().providers(), back: &back };
    let returned = Returned {
        state: asked.get("state").unwrap_or_default(),
        browser: flow,
        code: asked.get("code").unwrap_or_default(),
        device: visit.device(),
    };
    let arrived =
        arrival::receive(visit.db()?, &providers, visit.shop().flows(), &returned).await?;
    Ok(match arrived {
        Arrival::SignedIn { session, return_to } => {
            browser::keep(visit, &session).await?;
            return_to.as_str().to_owned()
        }
        Arrival::Linked { return_to } => {
            browser::tell(visit, "link_added");
            return_to.as_str().to_owned()
        }
    })
}

/// Leads a person of whom nothing came back to where they began, and says there why.
fn begin_again(visit: &Visit, flow: &str, asked: &Pairs, refusal: &Refusal) -> Response<Body> {
    browser::tell_refusal(visit, refusal.row().facts.code);
    let begun = visit.shop().flows().read(asked.get("state").unwrap_or_default(), flow);
    let location = match begun.as_ref().map(Begun::flow) {
        Some(Flow { purpose: Purpose::Link(_), .. }) => to::PROFILE.to_owned(),
        Some(Flow { purpose: Purpose::SignIn(role), return_to, .. }) => format!(
            "{}?role={}&return_to={}",
            to::SIGN_IN,
            role.label(),
            to::encoded(return_to.as_str())
        ),
        None => to::SIGN_IN.to_owned(),
    };
    respond::see_other(&location)
}

/// The provider that the path names.
fn provider(visit: &Visit) -> Result<Provider, Refusal> {
    let word: String = visit.captured("provider")?;
    let known = Provider::ALL.into_iter().find(|provider| provider.label() == word);
    known.ok_or(Refusal::NotFound)
}

/// Where a provider sends people back to. It has to be one of the addresses that the provider was told.
fn back(visit: &Visit, provider: Provider) -> Result<Address, Refusal> {
    Ok(Address(format!("{}/v1/oidc/{}/callback", visit.origin()?, provider.label())))
}

/// The providers, for somebody who came back to an address.
struct At<'a> {
    providers: &'a dyn Providers,
    back: &'a Address,
}

impl Exchange for At<'_> {
    async fn exchange(&self, proof: Proof<'_>) -> Result<Claims, ExchangeError> {
        self.providers.exchange(proof, self.back).await
    }
}
