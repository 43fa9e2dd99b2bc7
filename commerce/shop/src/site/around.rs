//! What a page has around it: who looks at it, where it is, and what was done just before.

use commons::{ids, notice};
use identity::{
    account::{self, Account},
    business,
    session::Session,
};
use pages::{
    Frame, Language, Moment,
    shop::{Merchant, Notice, Person, ShopFrame, Visitor},
};
use store::Failure;

pub(super) use crate::browser::{tell, tell_refusal};
use crate::{
    acting::live,
    browser::{self, Told},
    refusal::Refusal,
    visit::Visit,
};

/// The merchant of every page.
static MERCHANT: Merchant<'static> = Merchant::FICTIONAL;

/// What a page has around it.
#[derive(Debug)]
pub(crate) struct Around {
    language: Language,
    here: String,
    now: Moment,
    person: Option<Known>,
    told: Option<Told>,
}

/// Somebody who is signed in.
#[derive(Debug)]
struct Known {
    name: String,
    unread: u64,
    is_business: bool,
    is_operator: bool,
}

impl Around {
    /// Of a page that somebody looks at, who may be signed in.
    pub(crate) async fn of(visit: &Visit, session: Option<&Session>) -> Result<Self, Refusal> {
        let mut around = Self::of_nobody(visit);
        if let Some(session) = session {
            let reader = visit.db()?.read();
            let account = account::find(&reader, session.account).await?;
            let business = business::of_account(&reader, session.account).await?;
            if let Some(account) = &account {
                speak(visit, account).await?;
            }
            let unread = notice::unread(&reader, ids::Person(session.account.0)).await?;
            around.person = account.map(|account| Known {
                name: account.name,
                unread,
                is_business: business.is_some(),
                is_operator: account.is_operator,
            });
        }
        around.told = browser::take_told(visit);
        Ok(around)
    }

    /// The same, of whoever looks.
    pub(crate) fn of_nobody(visit: &Visit) -> Self {
        let now = visit.db().map_or(0, |db| db.now().0);
        Self {
            language: visit.language(),
            here: visit.here(),
            now: Moment(u64::try_from(now).unwrap_or_default()),
            person: None,
            told: None,
        }
    }

    pub(crate) fn frame(&self) -> ShopFrame<'_> {
        let visitor = match &self.person {
            None => Visitor::Guest,
            Some(known) => Visitor::Person(Person {
                name: &known.name,
                unread: known.unread,
                is_business: known.is_business,
                is_operator: known.is_operator,
            }),
        };
        ShopFrame {
            page: Frame { language: self.language, here: &self.here },
            now: self.now,
            visitor,
            notice: self.told.as_ref().map(|told| Notice { code: &told.code, is_bad: told.is_bad }),
            merchant: &MERCHANT,
        }
    }
}

/// Has somebody written to in the language that they chose on a page of ours.
async fn speak(visit: &Visit, account: &Account) -> Result<(), Refusal> {
    let Some(chosen) = visit.chosen_language().filter(|chosen| *chosen != account.language) else {
        return Ok(());
    };
    let written = visit.db()?.write(async |tx| {
        let live = live(tx, account.id).await?;
        account::set_language(tx, &live, chosen).await?;
        Ok::<_, Failure<Refusal>>(())
    });
    Ok(written.await?)
}
