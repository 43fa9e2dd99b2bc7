//! What a page has around it: who looks at it, where it is, and what was done just before.

use identity::{account, business, session::Session};
use pages::{
    Frame, Language, Moment,
    shop::{Merchant, Notice, Person, ShopFrame, Visitor},
};
use web::cookies;

use crate::{refusal::Refusal, visit::Visit};

/// The cookie that brings the code of what was done to the next page.
const TOLD: &str = "rushgate-told";
/// How long the next page may take to be asked for.
const TOLD_SECONDS: u32 = 60;

/// Codes of what was done.
const CODES_MAX: usize = 40;

/// The merchant of every page.
static MERCHANT: Merchant<'static> = Merchant::FICTIONAL;

/// What a page has around it.
#[derive(Debug)]
pub(crate) struct Around {
    language: Language,
    here: String,
    now: Moment,
    person: Option<Known>,
    told: Option<String>,
}

/// Somebody who is signed in.
#[derive(Debug)]
struct Known {
    name: String,
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
            around.person = account.map(|account| Known {
                name: account.name,
                is_business: business.is_some(),
                is_operator: account.is_operator,
            });
        }
        around.told = take_told(visit);
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
                unread: 0,
                is_business: known.is_business,
                is_operator: known.is_operator,
            }),
        };
        ShopFrame {
            page: Frame { language: self.language, here: &self.here },
            now: self.now,
            visitor,
            notice: self.told.as_deref().map(|code| Notice { code, is_bad: false }),
            merchant: &MERCHANT,
        }
    }
}

/// Has the next page say what was done.
pub(super) fn tell(visit: &Visit, code: &'static str) {
    let mut cookie = cookies::of_path(TOLD, code, "/shop".to_owned());
    cookie.set_http_only(true);
    visit.set_cookie(cookies::lasting(cookie, TOLD_SECONDS));
}

/// The code that the page before left, which is then forgotten. The pages know which codes there are.
fn take_told(visit: &Visit) -> Option<String> {
    let code = cookies::named(visit.headers(), TOLD).next()?.to_owned();
    let gone = cookies::of_path(TOLD, "", "/shop".to_owned());
    visit.set_cookie(cookies::lasting(gone, 0));
    let is_code = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    (code.len() <= CODES_MAX && code.bytes().all(is_code)).then_some(code)
}
