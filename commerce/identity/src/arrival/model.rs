//! What somebody comes back with, and what comes of it.

use std::fmt;

use crate::{
    session::{DeviceName, Session},
    social::ReturnTo,
};

/// What somebody comes back with.
#[derive(Clone)]
pub struct Returned<'a> {
    /// `state` of the address.
    pub state: &'a str,
    /// The cookie of this browser; empty if it has none.
    pub browser: &'a str,
    /// `code` of the address.
    pub code: &'a str,
    /// What the person is shown of the device.
    pub device: DeviceName,
}

impl fmt::Debug for Returned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Returned(…)")
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Somebody is signed in.
    SignedIn {
        /// The new session.
        session: Session,
        /// Where the person goes now.
        return_to: ReturnTo,
    },
    /// An account has one more way to sign in.
    Linked {
        /// Where the person goes now.
        return_to: ReturnTo,
    },
}

store::refusals! {
    /// Why nothing came of it.
    pub ArrivalRefusal {
        /// It was used, is too old, is of another browser, or there never was such a sign-in.
        Invalid = "sign_in_flow_invalid":
            "the sign-in was begun too long ago or in another browser, or came back twice",
        /// The provider says that it knows nobody by this.
        ProviderRefused = "provider_refused": "the provider does not know the sign-in",
        /// The provider does not answer.
        ProviderUnavailable = "provider_unavailable": "the provider cannot be reached; try again",
        /// The address belongs to an account that is linked from within only.
        EmailTaken = "email_taken": "the address has an account; sign in to it and link it there",
        /// Another account is linked with the account elsewhere.
        LinkedElsewhere = "link_taken": "that account is linked with another account here",
        /// There are as many links as an account can have.
        TooManyLinks = "links_too_many": "an account is linked with at most 8 others",
        /// The session is not fresh, so it may be stolen.
        SignInAgain = "sign_in_again": "an account is linked within 15 minutes of signing in",
        /// The account runs the platform, and is signed in here as something else.
        OperatorSessionNeeded = "operator_session_needed":
            "who runs the platform links an account while signed in as an operator",
        /// The account does not run the platform.
        NotAnOperator = "not_an_operator": "the account does not run the platform",
    }
}
