//! Businesses on the wire.

use identity::business::{Business, Company, CompanyRefusal, Reason, State, Typed, Verdict};
use serde::Serialize;
use web::fields::Fields;

use super::{read, time};
use crate::{
    input::Object,
    refusal::{Fault, Refusal},
};

/// A business, as its owner and operators see it.
#[derive(Debug, Serialize)]
pub(crate) struct BusinessObject {
    business: String,
    account: String,
    state: &'static str,
    company_name: String,
    business_number: String,
    ceo_name: String,
    ceo_email: String,
    ceo_phone: String,
    verdict: Option<&'static str>,
    checked_at: Option<String>,
    reason: Option<String>,
    applied_at: String,
    decided_at: Option<String>,
}

/// The states by their names.
pub(crate) const STATES: [(&str, State); 5] = [
    ("pending", State::Pending),
    ("approved", State::Approved),
    ("rejected", State::Rejected),
    ("suspended", State::Suspended),
    ("closed", State::Closed),
];

/// The name of a state.
pub(crate) fn state_word(state: State) -> &'static str {
    STATES.iter().find(|(_, known)| *known == state).map_or("", |(word, _)| word)
}

const fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Active => "active",
        Verdict::Dormant => "dormant",
        Verdict::Closed => "closed",
        Verdict::Unregistered => "unregistered",
    }
}

impl BusinessObject {
    pub(crate) fn of(business: &Business) -> Self {
        let company = &business.company;
        Self {
            business: business.id.to_string(),
            account: business.account.to_string(),
            state: state_word(business.state),
            company_name: company.name().to_owned(),
            business_number: company.number().grouped(),
            ceo_name: company.representative().to_owned(),
            ceo_email: company.email().to_owned(),
            ceo_phone: company.phone().to_owned(),
            verdict: business.checked.map(|checked| verdict_word(checked.verdict)),
            checked_at: business.checked.map(|checked| time(checked.at)),
            reason: business.reason.clone(),
            applied_at: time(business.applied_at),
            decided_at: business.decided_at.map(time),
        }
    }
}

/// `POST /v1/businesses`.
pub(crate) struct ApplyRequest {
    company_name: String,
    business_number: String,
    ceo_name: String,
    ceo_email: String,
    ceo_phone: String,
}

impl std::fmt::Debug for ApplyRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApplyRequest(…)")
    }
}

impl Object for ApplyRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let company_name = read::text(fields, "company_name");
        let business_number = read::text(fields, "business_number");
        let ceo_name = read::text(fields, "ceo_name");
        let ceo_email = read::text(fields, "ceo_email");
        let ceo_phone = read::text(fields, "ceo_phone");
        Some(Self {
            company_name: company_name?,
            business_number: business_number?,
            ceo_name: ceo_name?,
            ceo_email: ceo_email?,
            ceo_phone: ceo_phone?,
        })
    }
}

impl ApplyRequest {
    /// The company, or what is wrong with each field.
    pub(crate) fn company(&self) -> Result<Company, Refusal> {
        let typed = Typed {
            name: &self.company_name,
            number: &self.business_number,
            representative: &self.ceo_name,
            email: &self.ceo_email,
            phone: &self.ceo_phone,
        };
        Company::parse(&typed)
            .map_err(|faults| Refusal::Invalid(faults.into_iter().map(fault).collect()))
    }
}

/// What is wrong with a field of a company.
#[rustfmt::skip]
pub(crate) fn fault(refusal: CompanyRefusal) -> Fault {
    let code = refusal.code();
    match refusal {
        CompanyRefusal::Name => Fault::new("company_name", code, "상호를 100자 안으로 적어 주세요.", "a company has a name of 1 to 100 characters on one line"),
        CompanyRefusal::NumberNotTenDigits => Fault::new("business_number", code, "사업자등록번호 열 자리를 적어 주세요.", "a business number has ten digits, such as 123-45-67890"),
        CompanyRefusal::NumberCheckDigit => Fault::new("business_number", code, "사업자등록번호를 다시 확인해 주세요.", "the number was mistyped: its last digit does not fit the others"),
        CompanyRefusal::Representative => Fault::new("ceo_name", code, "대표자의 이름을 60자 안으로 적어 주세요.", "the representative has a name of 1 to 60 characters on one line"),
        CompanyRefusal::Email => Fault::new("ceo_email", code, "이메일 주소를 확인해 주세요.", "an e-mail address is needed, such as name@shop.example"),
        CompanyRefusal::Phone => Fault::new("ceo_phone", code, "전화번호를 확인해 주세요.", "a Korean phone number is needed, such as 02-123-4567"),
    }
}

/// What an operator decides about: which application, and why.
#[derive(Debug)]
pub(crate) struct DecisionRequest {
    reason: Option<String>,
    applied_at: Option<String>,
}

impl Object for DecisionRequest {
    const MAY_BE_ABSENT: bool = true;

    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let reason = read::optional(fields, "reason");
        let applied_at = read::optional(fields, "applied_at");
        Some(Self { reason, applied_at })
    }
}

impl DecisionRequest {
    /// Whether it is about what a business says of itself now, as far as the operator says what they saw.
    pub(crate) fn is_about(&self, business: &Business) -> bool {
        self.applied_at.as_ref().is_none_or(|seen| *seen == time(business.applied_at))
    }

    /// The reason, if one was given.
    pub(crate) fn reason(&self) -> Result<Option<Reason>, Refusal> {
        self.reason.as_deref().map(reason).transpose()
    }
}

/// The reason of a decision, as an operator wrote it.
pub(crate) fn reason(text: &str) -> Result<Reason, Refusal> {
    Reason::parse(text).ok_or_else(|| {
        Refusal::field(
            "reason",
            "reason_invalid",
            "이유를 200자 안으로 적어 주세요.",
            "a reason of 1 to 200 characters on one line",
        )
    })
}
