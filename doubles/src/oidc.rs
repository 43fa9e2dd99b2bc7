//! Sign-in by `OpenID` Connect, as Kakao and Google offer it: a page where a person is chosen, the token
//! endpoint with PKCE, the key set, and the profile.
//!
//! Owns the code flow (RFC 6749, RFC 7636, `OpenID` Connect Core 1.0) and what differs between the two.
//! Refuses every other flow. Always true: a code is good once, for ten minutes, for the client and the
//! address it was made for.

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base::moment::{Clock, Moment};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    Asked, Setting,
    page::{Choice, Language, render, wrong},
    server::{Reply, Server, Site, bind, json, see_other, tells_of_its_server},
    signer::{self, Signer},
    token,
};

mod brand;
mod grant;
mod person;

use self::grant::{Grant, Refusal, Request};
pub use self::{
    brand::Brand,
    person::{ClientOptions, Person},
};

/// A running double.
#[derive(Debug)]
pub struct Oidc {
    server: Server,
    provider: Arc<Provider>,
}

struct Provider {
    brand: Brand,
    url: String,
    clock: Arc<dyn Clock>,
    /// The key that signs, and the one after it.
    signers: [Signer; 2],
    client: ClientOptions,
    state: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    people: Vec<Person>,
    grants: BTreeMap<String, Grant>,
    /// Access tokens, and whose they are until when.
    access: BTreeMap<String, (Grant, Moment)>,
    has_next_key: bool,
    is_forging: bool,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("url", &self.url).finish_non_exhaustive()
    }
}

tells_of_its_server!(
    Oidc,
    "`token`, `keys`, `userinfo`, `profile` and `discovery` are the operations"
);

impl Oidc {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// If its address cannot be listened at.
    pub async fn start(
        setting: Setting,
        brand: Brand,
        client: ClientOptions,
        people: Vec<Person>,
    ) -> io::Result<Self> {
        let bound = bind(&setting).await?;
        let provider = Arc::new(Provider {
            brand,
            url: bound.url.clone(),
            clock: setting.clock,
            signers: [Signer::new()?, Signer::next()?],
            client,
            state: Mutex::new(Kept { people, ..Kept::default() }),
        });
        let server = Server::start(bound, Arc::clone(&provider), setting.faults);
        Ok(Self { server, provider })
    }

    /// The issuer: its discovery document is below.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// Adds a person, or changes the one with that subject.
    pub fn put(&self, person: Person) {
        let mut state = self.provider.lock();
        state.people.retain(|other| other.subject != person.subject);
        state.people.push(person);
    }

    /// Signs with another key from now on, which the key set has beside the old one.
    pub fn change_key(&self) {
        self.provider.lock().has_next_key = true;
    }

    /// Has somebody else sign from now on, in the name of its key.
    pub fn forge(&self) {
        self.provider.lock().is_forging = true;
    }

    /// Does what a person does on the page at `url`, to which the shop sent the browser: signs in as
    /// this subject, or refuses with `None`. Says where the browser goes then.
    ///
    /// # Errors
    ///
    /// The words of the page, if the shop sent the browser wrongly.
    pub fn sign_in(&self, url: &str, subject: Option<&str>) -> Result<String, String> {
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let request = Request::of(query, &self.provider.client)?;
        Ok(self.provider.decide(&request, subject.unwrap_or(DENY)))
    }
}

/// What the page's button to refuse says to the double.
const DENY: &str = "deny";

impl Site for Provider {
    fn operation(&self, asked: &Asked) -> Option<&'static str> {
        let paths = self.brand.paths();
        match asked.path.as_str() {
            "/.well-known/openid-configuration" => Some("discovery"),
            path if path == paths.token => Some("token"),
            path if path == paths.keys => Some("keys"),
            path if path == paths.userinfo => Some("userinfo"),
            path if Some(path) == paths.profile => Some("profile"),
            _ => None,
        }
    }

    fn answer(&self, asked: &Asked) -> Reply {
        match self.operation(asked) {
            Some("discovery") => json(StatusCode::OK, &self.brand.discovery(&self.url)),
            Some("keys") => json(StatusCode::OK, &json!({ "keys": self.keys() })),
            Some("token") => match self.token(asked) {
                Ok(answer) => json(StatusCode::OK, &answer),
                Err(refusal) => refusal.reply(),
            },
            Some(operation) => self.tell(asked, operation == "profile"),
            None if asked.path == self.brand.paths().authorise => self.page(asked),
            None => json(StatusCode::NOT_FOUND, &json!({ "error": "not_found" })),
        }
    }
}

impl Provider {
    fn page(&self, asked: &Asked) -> Reply {
        let request = match Request::of(&asked.query, &self.client) {
            Ok(request) => request,
            // Nobody is sent to an address that is not the shop's.
            Err(why) => return wrong(asked, &why),
        };
        if asked.method == Method::POST {
            let choice = asked.form_value("choice").unwrap_or_default();
            return see_other(&self.decide(&request, &choice));
        }
        let language = Language::of(asked);
        let people = self.lock().people.clone();
        let mut choices: Vec<_> =
            people.into_iter().map(|person| (person.subject, person.name)).collect();
        choices.push((DENY.to_owned(), language.say("동의하지 않음", "Refuse").to_owned()));
        let choice = Choice {
            title: self.brand.title(language).to_owned(),
            note: language.say("누구로 로그인할까요?", "Who do you want to sign in as?"),
            facts: vec![(language.say("서비스", "Service"), self.client.id.clone())],
            choices,
        };
        render(asked, language, &choice)
    }

    /// Where the browser goes with what a person decided.
    fn decide(&self, request: &Request, choice: &str) -> String {
        let mut state = self.lock();
        let person = state.people.iter().find(|person| person.subject == choice).cloned();
        let Some(person) = person else { return request.back("error", "access_denied") };
        let code = token::random(40);
        let grant = Grant::new(request, person, self.clock.now());
        state.grants.insert(code.clone(), grant);
        request.back("code", &code)
    }

    fn token(&self, asked: &Asked) -> Result<Value, Refusal> {
        let form = |name: &str| asked.form_value(name).unwrap_or_default();
        let in_header = if self.brand.takes_basic() { basic(asked) } else { None };
        let (id, secret) = in_header.unwrap_or_else(|| (form("client_id"), form("client_secret")));
        if asked.method != Method::POST || (id, secret) != self.client() {
            return Err(Refusal::CLIENT);
        }
        if form("grant_type") != "authorization_code" {
            return Err(Refusal::TYPE);
        }
        let now = self.clock.now();
        let mut state = self.lock();
        // Taken whatever comes of it: a code is good once.
        let grant = state.grants.remove(&form("code")).ok_or(Refusal::GRANT)?;
        grant.redeem(&form("redirect_uri"), &form("code_verifier"), now)?;
        let access = token::random(40);
        let until = now.after(grant::ACCESS_TTL);
        let mut answer = json!({
            "access_token": access,
            "token_type": "bearer",
            "expires_in": grant::ACCESS_TTL.as_secs(),
            "scope": grant.scope(),
        });
        // Without this scope it is OAuth alone.
        if grant.asks_for("openid") {
            let claims = self.brand.claims(&self.url, &self.client.id, &grant, now);
            let own = &self.signers[usize::from(state.has_next_key)];
            let other = &self.signers[usize::from(!state.has_next_key)];
            let signer = if state.is_forging { other } else { own };
            answer["id_token"] = json!(signer.token_named(own, &claims));
        }
        state.access.insert(access, (grant, until));
        drop(state);
        Ok(answer)
    }

    fn client(&self) -> (String, String) {
        (self.client.id.clone(), self.client.secret.clone())
    }

    /// Tells of the person of an access token what its scopes allow: in the provider's own form, or as
    /// claims.
    fn tell(&self, asked: &Asked, is_profile: bool) -> Reply {
        let access = asked.bearer().unwrap_or_default();
        let state = self.lock();
        match state.access.get(access).filter(|(_, until)| self.clock.now() < *until) {
            Some((grant, _)) if is_profile => json(StatusCode::OK, &Brand::profile(grant)),
            Some((grant, _)) => json(StatusCode::OK, &self.brand.userinfo(grant)),
            None => self.brand.unauthorised(),
        }
    }

    fn keys(&self) -> Vec<Value> {
        let known = 1 + usize::from(self.lock().has_next_key);
        self.signers[..known].iter().map(Signer::key).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Id and secret of HTTP Basic authentication.
fn basic(asked: &Asked) -> Option<(String, String)> {
    let encoded = asked.header("authorization")?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// A challenge of PKCE for a verifier, as the shop makes it.
pub fn challenge(verifier: &str) -> String {
    signer::sha256_url(verifier)
}
