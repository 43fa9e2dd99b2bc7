//! Kakao and Google, asked over `OpenID` Connect: where a browser is sent, and what its code is good for.
//!
//! Owns the calls and what of the answers is believed. Refuses to know accounts. Always true: the code is
//! exchanged with the verifier of its own sign-in; nothing is told of a person but what the provider signed
//! for this shop and this sign-in, or told under the access token that came with that. An address whose
//! verification the token does not tell, as Kakao's does not, is asked for.

use std::{fmt, sync::Arc, time::Duration};

use base::moment::Clock;
use form_urlencoded::Serializer;
use hyper::header::AUTHORIZATION;
use outbound::{
    AnswerBound, Call, FoundKey, KeyKeeper, KeyKeeperOptions, KeySource, KeySourceOptions, Options,
    Reach, Secret, Target, TargetError, Trust,
};
use serde::Deserialize;

use super::{
    exchange::{Exchange, ExchangeError, Proof},
    id_token::{Expected, Unread},
    keys::Departure,
    model::{Claims, Provider},
};
use crate::limits::{
    PROVIDER_ANSWER_BYTES_MAX, PROVIDER_DEADLINE, PROVIDER_KEYS_FRESH_MAX, PROVIDER_KEYS_PAUSE,
    PROVIDER_KEYS_STALE_MAX,
};

/// How a provider is reached, and as whom.
#[derive(Clone, Debug)]
pub struct ProviderOptions {
    /// Which one.
    pub provider: Provider,
    /// The shop's id there.
    pub client: String,
    /// Its secret.
    pub secret: Secret,
    /// Where people come back to, exactly as the provider knows it.
    pub redirect: String,
    /// The one server where all of it is, instead of the provider's own: a double.
    pub url: Option<String>,
    /// How long a call may take.
    pub deadline: Duration,
    /// The shortest pause between two readings of its keys for an unknown one.
    pub keys_pause: Duration,
    /// Whose certificates it may have.
    pub trust: Trust,
    /// Which addresses it may have.
    pub reach: Reach,
}

impl ProviderOptions {
    /// The real one.
    pub const fn new(provider: Provider, client: String, secret: Secret, redirect: String) -> Self {
        Self {
            provider,
            client,
            secret,
            redirect,
            url: None,
            deadline: PROVIDER_DEADLINE,
            keys_pause: PROVIDER_KEYS_PAUSE,
            trust: Trust::System,
            reach: Reach::Public,
        }
    }
}

/// Where the parts of a provider are, each a host and a path on it.
struct Places {
    /// The `iss` of its tokens.
    issuers: &'static [&'static str],
    page: (&'static str, &'static str),
    token: (&'static str, &'static str),
    keys: (&'static str, &'static str),
    profile: (&'static str, &'static str),
    /// What the shop asks to know of a person.
    scope: &'static str,
}

const KAKAO: Places = Places {
    issuers: &["https://kauth.kakao.com"],
    page: ("https://kauth.kakao.com", "/oauth/authorize"),
    token: ("https://kauth.kakao.com", "/oauth/token"),
    keys: ("https://kauth.kakao.com", "/.well-known/jwks.json"),
    profile: ("https://kapi.kakao.com", "/v1/oidc/userinfo"),
    scope: "openid profile_nickname account_email",
};

const GOOGLE: Places = Places {
    // Both, by its own documents.
    issuers: &["https://accounts.google.com", "accounts.google.com"],
    page: ("https://accounts.google.com", "/o/oauth2/v2/auth"),
    token: ("https://oauth2.googleapis.com", "/token"),
    keys: ("https://www.googleapis.com", "/oauth2/v3/certs"),
    profile: ("https://openidconnect.googleapis.com", "/v1/userinfo"),
    scope: "openid profile email",
};

/// The providers that people can sign in with.
#[derive(Debug)]
pub struct Providers {
    clock: Arc<dyn Clock>,
    all: Vec<Client>,
}

struct Client {
    options: ProviderOptions,
    issuers: Vec<String>,
    page: String,
    scope: &'static str,
    token: Target,
    profile: Target,
    keys: Arc<KeyKeeper>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.options.provider).finish()
    }
}

/// What a code is exchanged for.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    id_token: Option<String>,
}

/// Why it is not (RFC 6749, 5.2).
#[derive(Deserialize)]
struct Denied {
    error: String,
}

/// What is told of a person under an access token.
#[derive(Deserialize)]
struct Profile {
    sub: String,
    email: Option<String>,
    email_verified: Option<bool>,
}

impl Providers {
    /// Prepares calls. A provider that is not among them signs nobody in.
    ///
    /// # Errors
    ///
    /// If one cannot be called as configured.
    pub fn new(
        options: impl IntoIterator<Item = ProviderOptions>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TargetError> {
        let all = options.into_iter().map(Client::new).collect::<Result<_, _>>()?;
        Ok(Self { clock, all })
    }

    /// Which there are.
    pub fn known(&self) -> impl Iterator<Item = Provider> {
        self.all.iter().map(|client| client.options.provider)
    }

    /// The page of a provider to which a browser is sent; `None` if nobody signs in with it.
    pub fn page(&self, provider: Provider, departure: &Departure) -> Option<String> {
        Some(self.client(provider)?.page(departure))
    }

    fn client(&self, provider: Provider) -> Option<&Client> {
        self.all.iter().find(|client| client.options.provider == provider)
    }
}

impl Exchange for Providers {
    async fn exchange(&self, proof: Proof<'_>) -> Result<Claims, ExchangeError> {
        let client = self.client(proof.provider).ok_or(ExchangeError::Unavailable)?;
        client.exchange(proof, &*self.clock).await
    }
}

impl Client {
    fn new(options: ProviderOptions) -> Result<Self, TargetError> {
        let places = match options.provider {
            Provider::Kakao => KAKAO,
            Provider::Google => GOOGLE,
        };
        let url = options.url.as_deref().map(|url| url.trim_end_matches('/').to_owned());
        let place =
            |(host, path): (&str, &str)| format!("{}{path}", url.as_deref().unwrap_or(host));
        let target = |at| {
            Target::new(
                &place(at),
                Options {
                    answer: AnswerBound::Whole { bytes_max: PROVIDER_ANSWER_BYTES_MAX },
                    trust: options.trust.clone(),
                    reach: options.reach,
                    ..Options::new(options.deadline)
                },
            )
        };
        let source = KeySource::new(KeySourceOptions {
            place: place(places.keys),
            fresh_max: PROVIDER_KEYS_FRESH_MAX,
            deadline: options.deadline,
            trust: options.trust.clone(),
            reach: options.reach,
        })?;
        let keeping = KeyKeeperOptions {
            stale_max: PROVIDER_KEYS_STALE_MAX,
            unknown_pause: options.keys_pause,
            sign: "a sign-in provider's tokens",
            without: "nobody can sign in with it",
        };
        let issuers = places.issuers.iter().map(|issuer| (*issuer).to_owned());
        Ok(Self {
            issuers: url.clone().map_or_else(|| issuers.collect(), |url| vec![url]),
            page: place(places.page),
            scope: places.scope,
            token: target(places.token)?,
            profile: target(places.profile)?,
            keys: Arc::new(KeyKeeper::new(source, keeping)),
            options,
        })
    }

    fn page(&self, departure: &Departure) -> String {
        let query = Serializer::new(String::new())
            .extend_pairs([
                ("client_id", self.options.client.as_str()),
                ("redirect_uri", &self.options.redirect),
                ("response_type", "code"),
                ("scope", self.scope),
                ("state", &departure.state),
                ("nonce", &departure.nonce),
                ("code_challenge", &departure.challenge),
                ("code_challenge_method", "S256"),
            ])
            .finish();
        format!("{}?{query}", self.page)
    }

    async fn exchange(&self, proof: Proof<'_>, clock: &dyn Clock) -> Result<Claims, ExchangeError> {
        let granted = self.redeem(&proof).await?;
        let not_genuine = || self.refused("its token is not genuine, or not of this sign-in");
        let text = granted.id_token.as_deref();
        let unread = text.and_then(Unread::split).ok_or_else(not_genuine)?;
        let key = match self.keys.key_when_fresh(unread.key_id()).await {
            FoundKey::Key(key) => key,
            FoundKey::Unknown => return Err(not_genuine()),
            FoundKey::Unavailable => return Err(ExchangeError::Unavailable),
        };
        let expected =
            Expected { issuers: &self.issuers, client: &self.options.client, nonce: proof.nonce };
        let token = unread.read(&key).filter(|token| token.is_for(&expected, clock.now()));
        let token = token.ok_or_else(not_genuine)?;
        let name = token.name().map(str::to_owned);
        let (email, is_verified) = match (token.email, token.email_verified) {
            (Some(_), None) => self.address_of(&token.sub, granted.access_token).await?,
            (email, is_verified) => (email, is_verified.unwrap_or_default()),
        };
        let is_verified = is_verified && self.speaks_for(email.as_deref(), token.hd.is_some());
        Ok(Claims {
            provider: self.options.provider,
            subject: token.sub,
            email,
            email_verified: is_verified,
            name,
        })
    }

    /// Whether the provider can say of an address whose it is now. Google can of its own addresses and of
    /// those of organisations that it hosts. Any other was somebody's when Google verified it, and may have
    /// changed hands; Kakao asks for such again.
    fn speaks_for(&self, email: Option<&str>, is_hosted: bool) -> bool {
        match self.options.provider {
            Provider::Kakao => true,
            Provider::Google => {
                is_hosted || email.is_some_and(|email| email.to_lowercase().ends_with("@gmail.com"))
            }
        }
    }

    /// Exchanges the code.
    async fn redeem(&self, proof: &Proof<'_>) -> Result<Granted, ExchangeError> {
        let ProviderOptions { client, secret, redirect, .. } = &self.options;
        let call = Call::post("").form(&[
            ("grant_type", "authorization_code"),
            ("client_id", client),
            ("client_secret", secret.expose()),
            ("redirect_uri", redirect),
            ("code", proof.code),
            ("code_verifier", proof.verifier),
        ]);
        let answer = self.token.send(call).await.map_err(|error| self.unavailable(error))?;
        let status = answer.status.as_u16();
        if answer.status.is_success() {
            return answer.json().map_err(|error| self.unavailable(error));
        }
        let denied = answer.json::<Denied>().map(|denied| denied.error);
        match denied.as_deref() {
            Ok("invalid_grant") => Err(ExchangeError::Refused),
            // A wrong secret, or a server in trouble: not the person's doing.
            Ok(_) | Err(_) => {
                Err(self.unavailable(format!("its token endpoint answered {status}")))
            }
        }
    }

    /// The address of a person, and whether the provider has verified it.
    async fn address_of(
        &self,
        subject: &str,
        access: String,
    ) -> Result<(Option<String>, bool), ExchangeError> {
        let call = Call::get("").secret(AUTHORIZATION, "Bearer", &Secret::new(access));
        let answer = self.profile.send(call).await.map_err(|error| self.unavailable(error))?;
        if !answer.status.is_success() {
            let status = answer.status.as_u16();
            return Err(self.unavailable(format!("its profiles answered {status}")));
        }
        let Profile { sub, email, email_verified } =
            answer.json().map_err(|error| self.unavailable(error))?;
        if sub != subject {
            return Err(self.refused("its profile is of another person than its token"));
        }
        Ok((email, email_verified.unwrap_or_default()))
    }

    fn unavailable(&self, why: impl fmt::Display) -> ExchangeError {
        let provider = self.options.provider.label();
        tracing::warn!(provider, %why, "a provider of sign-ins did not do its part");
        ExchangeError::Unavailable
    }

    fn refused(&self, why: &str) -> ExchangeError {
        let provider = self.options.provider.label();
        tracing::warn!(provider, why, "what a provider of sign-ins told was not believed");
        ExchangeError::Refused
    }
}
