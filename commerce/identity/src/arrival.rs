//! Arrivals: people who come back from a provider.
//!
//! Owns what follows from what the provider says: who is signed in, whether an account is made, which two
//! accounts are linked. Has no table. Always true: an address joins nobody to an account unless both the
//! provider and this shop have verified it.
//!
//! ```text
//! subject linked ───────────────────────────────▶ that account
//!    │ not
//! verified address ─▶ of a verified account ────▶ that account, linked now; an operator links from within
//!    │ none           of an unverified account ─▶ handed over, emptied; one that is linked elsewhere
//!    ▼                                            │ gives the address up
//! new account, with the address if it is verified ◀
//! ```

mod model;

use store::{Db, Failure, Refusing as _, Tx, refused};

pub use self::model::{Arrival, ArrivalRefusal, Returned};
use crate::{
    account::{self, Live, New},
    membership,
    session::{self, Role, SignIn, SignInRefusal},
    social::{
        self, Claims, Exchange, ExchangeError, Flow, FlowKeys, LinkRefusal, Person, Proof, Purpose,
    },
};

/// How often an arrival is written that meets another one of the same person.
const RUNS_MAX: u32 = 2;

/// Takes somebody back who was sent to a provider. The provider is asked between two writes: if the
/// process ends there, the person begins again.
///
/// # Errors
///
/// As [`ArrivalRefusal`] says. The flow is used up in any case.
pub async fn receive(
    db: &Db,
    providers: &impl Exchange,
    keys: &FlowKeys,
    returned: &Returned<'_>,
) -> Result<Arrival, Failure<ArrivalRefusal>> {
    let Some(begun) = keys.read(returned.state, returned.browser) else {
        return refused(ArrivalRefusal::Invalid);
    };
    let taken = db.write(async |tx| social::take(tx, &begun).await).await;
    taken.refusing(|_| ArrivalRefusal::Invalid)?;
    let flow = begun.flow();
    let proof = Proof {
        provider: flow.provider,
        code: returned.code,
        nonce: begun.nonce(),
        verifier: begun.verifier(),
    };
    let claims = match providers.exchange(proof).await {
        Ok(claims) => claims,
        Err(ExchangeError::Refused) => return refused(ArrivalRefusal::ProviderRefused),
        Err(ExchangeError::Unavailable) => return refused(ArrivalRefusal::ProviderUnavailable),
    };
    let Some(person) = person_of(&claims, flow) else {
        return refused(ArrivalRefusal::ProviderRefused);
    };
    let mut run = 1;
    loop {
        match db.write(async |tx| settle(tx, flow, &person, returned).await).await {
            // The same person may have arrived twice at once: by now the account is there.
            Err(Failure::Refused(ArrivalRefusal::LinkedElsewhere | ArrivalRefusal::EmailTaken))
                if run < RUNS_MAX && matches!(flow.purpose, Purpose::SignIn(_)) =>
            {
                run += 1;
            }
            done => return done,
        }
    }
}

/// The person of claims, if they are of the provider that the person was sent to.
fn person_of(claims: &Claims, flow: &Flow) -> Option<Person> {
    Person::of(claims).filter(|_| claims.provider == flow.provider)
}

async fn settle(
    tx: &Tx,
    flow: &Flow,
    person: &Person,
    returned: &Returned<'_>,
) -> Result<Arrival, Failure<ArrivalRefusal>> {
    let return_to = flow.return_to.clone();
    match flow.purpose {
        Purpose::SignIn(role) => {
            let live = arrive(tx, person).await?;
            let sign_in = SignIn { role, device: returned.device.clone() };
            let opened = session::open(tx, &live, &sign_in).await;
            let session = opened.refusing(|refusal| match refusal {
                SignInRefusal::NotAnOperator => ArrivalRefusal::NotAnOperator,
            })?;
            Ok(Arrival::SignedIn { session, return_to })
        }
        Purpose::Link(id) => {
            // Whoever signed out meanwhile does not mean it any more.
            let found = session::find(tx, id).await?;
            let Some(account) = found.map(|session| session.account) else {
                return refused(ArrivalRefusal::Invalid);
            };
            let live = account::live(tx, account).await.refusing(|_| ArrivalRefusal::Invalid)?;
            let session = session::find(tx, id).await?;
            let Some(session) = session.filter(|session| session.is_on(tx.now())) else {
                return refused(ArrivalRefusal::Invalid);
            };
            if !session.is_fresh(tx.now()) {
                return refused(ArrivalRefusal::SignInAgain);
            }
            // The link will sign in as an operator, so no lesser session makes it.
            if live.account().is_operator && session.role != Role::Operator {
                return refused(ArrivalRefusal::OperatorSessionNeeded);
            }
            social::link(tx, &live, person).await.refusing(of_link)?;
            Ok(Arrival::Linked { return_to })
        }
    }
}

/// The account of a person, which is made if there is none.
async fn arrive(tx: &Tx, person: &Person) -> Result<Live, Failure<ArrivalRefusal>> {
    if let Some(account) = social::account_of(tx, person).await? {
        let live = account::live(tx, account).await.refusing(|_| ArrivalRefusal::Invalid)?;
        if !social::note_used(tx, &live, person).await? {
            return refused(ArrivalRefusal::Invalid);
        }
        return Ok(live);
    }
    let email = person.verified_email();
    if let Some(email) = email
        && let Some(holder) = account::holder(tx, email).await?
    {
        if holder.account().is_operator {
            return refused(ArrivalRefusal::EmailTaken);
        }
        if holder.account().is_verified {
            social::link(tx, &holder, person).await.refusing(of_link)?;
            return Ok(holder);
        }
        if social::list(tx, holder.id()).await?.is_empty() {
            membership::hand_over(tx, &holder, person.name()).await?;
            social::link(tx, &holder, person).await.refusing(of_link)?;
            return account::live(tx, holder.id()).await.refusing(|_| ArrivalRefusal::Invalid);
        }
        account::release_address(tx, &holder).await?;
    }
    let new = New { email, is_verified: true, password: None, name: person.name() };
    let made = account::create(tx, &new).await;
    let live = made.refusing(|_| ArrivalRefusal::EmailTaken)?;
    social::link(tx, &live, person).await.refusing(of_link)?;
    Ok(live)
}

const fn of_link(refusal: LinkRefusal) -> ArrivalRefusal {
    match refusal {
        LinkRefusal::LinkedElsewhere => ArrivalRefusal::LinkedElsewhere,
        LinkRefusal::TooMany => ArrivalRefusal::TooManyLinks,
    }
}
