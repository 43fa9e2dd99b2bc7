//! Refresh tokens: a session and a generation, under a MAC.

use super::model::Refresh;
use crate::mac::{Macs, Secrets};

const USAGE: &str = "refresh";

/// What makes refresh tokens and knows them again.
#[derive(Clone, Debug)]
pub struct Refresher(Macs);

impl Refresher {
    /// From the secret that all nodes share.
    pub fn new(secrets: &Secrets) -> Self {
        Self(Macs::new("rushgate 2026-11-30 refresh token", secrets))
    }

    /// The token, as a client keeps it.
    pub fn token(&self, refresh: Refresh) -> String {
        self.0.own().seal(USAGE, &format!("{}.{}", refresh.session, refresh.generation))
    }

    /// Reads what a client shows. A token that was not made here is `None`.
    pub fn read(&self, token: &str) -> Option<Refresh> {
        let (session, generation) = self.0.open(USAGE, token)?.split_once('.')?;
        Some(Refresh { session: session.parse().ok()?, generation: generation.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use base::moment::Moment;

    use super::*;
    use crate::ids::SessionId;

    #[test]
    fn a_refresh_token_says_its_session_and_its_generation() {
        let refresher =
            Refresher::new(&Secrets::new(b"a secret that all nodes of this test share"));
        let session = SessionId::new(Moment(1_800_000_000_000));
        let refresh = Refresh { session, generation: 7 };
        let token = refresher.token(refresh);
        assert_eq!(refresher.read(&token), Some(refresh));
        assert_eq!(Refresher::new(&Secrets::new(b"another secret")).read(&token), None);
        assert_eq!(refresher.read(&token.replacen(".7.", ".8.", 1)), None);
    }
}
