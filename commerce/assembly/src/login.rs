//! Signing in with Kakao and Google: who is asked, for somebody who comes back to which address.
//!
//! A provider is told one address to send people back to. Where no public origin is configured, that is the
//! one by which a browser reached this server, so there is a client for each.

use std::sync::{Arc, Mutex, PoisonError};

use identity::social::{
    Departure, Exchange as _, ExchangeError, Proof, Provider, ProviderOptions,
    Providers as IdentityProviders,
};
use outbound::{Reach, TargetError};
use shop::{Address, Departing, Exchanging, Providers};

use crate::{clock::WallClock, options::LoginOptions};

/// The clients that are kept: one for each provider and a few addresses of this server.
const CLIENTS_MAX: usize = 8;

/// A client and the address that it sends people back to.
type Client = (Provider, String, Arc<IdentityProviders>);

/// All providers that there is a contract with.
#[derive(Debug)]
pub(crate) struct Logins {
    options: Vec<LoginOptions>,
    /// The one that was used last is the last.
    clients: Mutex<Vec<Client>>,
}

impl Logins {
    /// # Errors
    ///
    /// If one can never be called as configured.
    pub(crate) fn new(options: Vec<LoginOptions>) -> Result<Self, TargetError> {
        for login in &options {
            client(login, "https://shop.invalid/")?;
        }
        Ok(Self { options, clients: Mutex::default() })
    }

    /// The client of a provider whose people come back to an address; `None` if there is no contract.
    fn client(&self, provider: Provider, back: &Address) -> Option<Arc<IdentityProviders>> {
        let login = self.options.iter().find(|login| login.provider == provider)?;
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let known = clients.iter().position(|(of, to, _)| *of == provider && *to == back.0);
        let entry = match known {
            Some(index) => clients.remove(index),
            // It was tried at the start.
            None => (provider, back.0.clone(), Arc::new(client(login, &back.0).ok()?)),
        };
        if clients.len() >= CLIENTS_MAX {
            clients.remove(0);
        }
        let found = Arc::clone(&entry.2);
        clients.push(entry);
        Some(found)
    }
}

fn client(login: &LoginOptions, back: &str) -> Result<IdentityProviders, TargetError> {
    let LoginOptions { provider, client, secret, url, deadline } = login.clone();
    let own = ProviderOptions::new(provider, client, secret, back.to_owned());
    // A server that the operator named may stand next door.
    let reach = if url.is_some() { Reach::Anywhere } else { own.reach };
    let options = ProviderOptions { url, deadline, reach, ..own };
    IdentityProviders::new([options], Arc::new(WallClock))
}

impl Providers for Logins {
    fn page(&self, provider: Provider, departure: &Departure, back: &Address) -> Departing {
        self.client(provider, back)?.page(provider, departure)
    }

    fn exchange<'a>(&'a self, proof: Proof<'a>, back: &'a Address) -> Exchanging<'a> {
        Box::pin(async move {
            let client = self.client(proof.provider, back).ok_or(ExchangeError::Refused)?;
            client.exchange(proof).await
        })
    }
}
