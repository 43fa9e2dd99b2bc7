//! Every refusal that the shop's HTTP can give.
//!
//! Owns which refusals there are, of this crate and of the modules below, and how one becomes an answer.
//! The one table from a refusal to status, code, retry and words is in `table`, the part of deals in `deals`.

mod deals;
mod desk;
mod table;
mod words;

use axum::{
    body::Body,
    http::{
        Response,
        header::{ALLOW, HeaderValue},
    },
};
use commons::{
    files::FilesError,
    like::LikeRefusal,
    media::GrantRefusal,
    upload::{CompleteError, UploadRefusal},
};
use identity::{
    access::TokenRefusal,
    account::{EmailRefusal, Gone, ProofRefusal},
    address::{AddRefusal, AddressRefusal},
    arrival::ArrivalRefusal,
    business::{ApplyRefusal, ChangeRefusal, DecideRefusal, SellRefusal},
    membership::{AppointRefusal, PasswordSignInRefusal, SetEmailRefusal, WithdrawRefusal},
    password::Busy,
    proof::IssueRefusal,
    session::{OwnRefusal, RefreshRefusal},
    signing::PublishRefusal,
    social::UnlinkRefusal,
};
use pages::Language;
use store::{Failure, sea_orm::DbErr};
use trade::{
    deal::{self, WindowRefusal},
    door::{DoorError, DoorRefusal},
    fulfilment::{self, ShipRefusal},
    holds::HoldsError,
    order::PlaceRefusal,
    refund::RefundRefusal,
    till::{BeginRefusal, CancelRefusal, ReturnRefusal},
};
use web::{
    buckets::Quota,
    fields::BodyError,
    problem::{FieldProblem, Problem},
};

pub(crate) use self::{deals::DealRefusal, desk::DoneRefusal, words::Words};

/// Why a request is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Nobody is signed in.
    Unauthorized,
    /// The call is for whoever is signed in as a business.
    BusinessSessionNeeded,
    /// The call is for whoever is signed in as an operator.
    OperatorSessionNeeded,
    /// Another site has the browser send this.
    ForeignForm,
    /// No such thing, or not the caller's.
    NotFound,
    /// The path is known and the method is not; these are.
    MethodNotAllowed(String),
    /// The request's syntax is broken.
    BadRequest(&'static str),
    /// The body broke off.
    BadBody,
    /// The body passes the limit.
    BodyTooLarge,
    /// The request's content is wrong.
    Invalid(Vec<Fault>),
    /// The caller asks too often.
    TooManyRequests(Quota),
    /// The key was used before with another request.
    IdempotencyMismatch,
    /// What is asked for takes a session that was opened lately.
    SignInAgain,
    /// No refresh token of ours.
    RefreshInvalid,
    /// There is no contract with that provider.
    ProviderUnknown,
    /// The person refused at the provider, or it did.
    ProviderDenied,
    /// The database is away or busy, or not open yet.
    Unavailable,
    /// A fault of ours, which the log has.
    Internal,
    /// Too many passwords are being hashed.
    Busy,
    /// Of an access token.
    Token(TokenRefusal),
    /// Of an account that is gone.
    Gone(Gone),
    /// Of an address that is taken.
    Email(EmailRefusal),
    /// Of another address for an account.
    SetEmail(SetEmailRefusal),
    /// Of a link that was mailed.
    Proof(ProofRefusal),
    /// Of a mail that is not sent.
    Issue(IssueRefusal),
    /// Of signing in by a password.
    SignIn(PasswordSignInRefusal),
    /// Of prolonging a session.
    Refresh(RefreshRefusal),
    /// Of a session of one's own.
    Own(OwnRefusal),
    /// Of one more address.
    AddAddress(AddRefusal),
    /// Of an address that is not there.
    Address(AddressRefusal),
    /// Of taking a link away.
    Unlink(UnlinkRefusal),
    /// Of leaving.
    Withdraw(WithdrawRefusal),
    /// Of coming back from a provider.
    Arrival(ArrivalRefusal),
    /// Of applying for selling.
    Apply(ApplyRefusal),
    /// Of changing a business that was approved.
    Change(ChangeRefusal),
    /// Of deciding about a business.
    Decide(DecideRefusal),
    /// Of selling.
    Sell(SellRefusal),
    /// Of appointing somebody.
    Appoint(AppointRefusal),
    /// Of a deal.
    Deal(DealRefusal),
    /// No such order, or not the caller's.
    OrderUnknown,
    /// No such deal, or not one that everybody sees.
    DealUnknown,
    /// An order takes the pass of an admission.
    PassMissing,
    /// The waiting room does not answer.
    RoomAway,
    /// Of the door to orders.
    Door(DoorRefusal),
    /// Of a deal that is not open.
    Window(WindowRefusal),
    /// Of an order that is not placed.
    Place(PlaceRefusal),
    /// Of a payment that does not begin.
    Begin(BeginRefusal),
    /// Of somebody who comes back from paying.
    Came(ReturnRefusal),
    /// Of an order that is not given up.
    GiveUp(CancelRefusal),
    /// Of money that is not given back.
    Refund(RefundRefusal),
    /// Of goods that are not sent back.
    SendBack(fulfilment::ReturnRefusal),
    /// Of a shipment.
    Ship(ShipRefusal),
    /// Of granting an upload.
    Grant(GrantRefusal),
    /// Of an upload.
    Upload(UploadRefusal),
    /// The URL allows nobody to put this.
    UploadTicket,
    /// The place for files does not answer.
    Files,
    /// The person was told nothing of the kind.
    NoticeUnknown,
    /// Of what a seller or an operator does.
    Done(DoneRefusal),
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Its path; empty for the whole body.
    pub(crate) field: String,
    /// What pages know the fault by; nothing of one that only a program makes.
    pub(crate) code: &'static str,
    pub(crate) said: Said,
}

/// What is said of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// For people, in both languages.
    Words(Words),
    /// For programs: what was found and what is allowed.
    Text(String),
}

impl Fault {
    pub(crate) fn new(field: &str, code: &'static str, ko: &'static str, en: &'static str) -> Self {
        Self { field: field.to_owned(), code, said: Said::Words(Words { ko, en }) }
    }

    pub(crate) fn message(&self, language: Language) -> &str {
        match &self.said {
            Said::Words(words) => words.in_language(language),
            Said::Text(text) => text,
        }
    }
}

impl Refusal {
    /// One field that is wrong.
    pub(crate) fn field(
        field: &str,
        code: &'static str,
        ko: &'static str,
        en: &'static str,
    ) -> Self {
        Self::Invalid(vec![Fault::new(field, code, ko, en)])
    }

    /// The answer, under the id of the request that this thread works on.
    pub(crate) fn respond(&self, language: Language) -> Response<Body> {
        let row = self.row();
        let faults = if let Self::Invalid(faults) = self { faults.as_slice() } else { &[] };
        let told = |fault: &Fault| FieldProblem::new(fault.field.as_str(), fault.message(language));
        let fields: Vec<FieldProblem> = faults.iter().map(told).collect();
        let words = row.words.in_language(language);
        let words = if let Self::BadRequest(why) = self { why } else { words };
        // Of fields, the first one's words are the detail.
        let detail = fields.is_empty().then_some(words);
        let problem = Problem { facts: row.facts, detail, found: None, fields: &fields };
        let mut response = problem.respond(Body::from);
        let headers = response.headers_mut();
        if let Self::TooManyRequests(quota) = self {
            quota.say(headers);
        }
        if let Self::MethodNotAllowed(allow) = self
            && let Ok(allow) = HeaderValue::from_str(allow)
        {
            headers.insert(ALLOW, allow);
        }
        response
    }
}

macro_rules! from {
    ($($refusal:ident => $variant:ident,)+) => {
        $(impl From<$refusal> for Refusal {
            fn from(refusal: $refusal) -> Self {
                Self::$variant(refusal)
            }
        })+
    };
}

from! {
    TokenRefusal => Token,
    Gone => Gone,
    EmailRefusal => Email,
    SetEmailRefusal => SetEmail,
    ProofRefusal => Proof,
    IssueRefusal => Issue,
    PasswordSignInRefusal => SignIn,
    RefreshRefusal => Refresh,
    OwnRefusal => Own,
    AddRefusal => AddAddress,
    AddressRefusal => Address,
    UnlinkRefusal => Unlink,
    WithdrawRefusal => Withdraw,
    ArrivalRefusal => Arrival,
    ApplyRefusal => Apply,
    ChangeRefusal => Change,
    DecideRefusal => Decide,
    SellRefusal => Sell,
    AppointRefusal => Appoint,
    DoorRefusal => Door,
    WindowRefusal => Window,
    PlaceRefusal => Place,
    BeginRefusal => Begin,
    ReturnRefusal => Came,
    CancelRefusal => GiveUp,
    RefundRefusal => Refund,
    ShipRefusal => Ship,
    GrantRefusal => Grant,
    UploadRefusal => Upload,
    DealRefusal => Deal,
    DoneRefusal => Done,
}

macro_rules! of_deals {
    ($($refusal:ident => $variant:ident,)+) => {
        $(impl From<deal::$refusal> for Refusal {
            fn from(refusal: deal::$refusal) -> Self {
                Self::Deal(DealRefusal::$variant(refusal))
            }
        })+
    };
}

of_deals! {
    DraftRefusal => Draft,
    PublishRefusal => Publish,
    EditRefusal => Edit,
    DecideRefusal => Decide,
    DeleteRefusal => Delete,
}

impl From<LikeRefusal> for Refusal {
    fn from(refusal: LikeRefusal) -> Self {
        Self::Deal(DealRefusal::Like(refusal))
    }
}

/// What a verb refused, as a refusal of a request. Orders have refusals of the same modules, with other words.
pub(crate) fn done<T, R>(
    result: Result<T, Failure<R>>,
    refusal: impl FnOnce(R) -> DoneRefusal,
) -> Result<T, Failure<Refusal>> {
    result.map_err(|failure| match failure {
        Failure::Refused(refused) => Failure::Refused(refusal(refused).into()),
        Failure::Store(error) => Failure::Store(error),
    })
}

impl From<fulfilment::ReturnRefusal> for Refusal {
    fn from(refusal: fulfilment::ReturnRefusal) -> Self {
        Self::SendBack(refusal)
    }
}

impl From<DoorError> for Refusal {
    fn from(error: DoorError) -> Self {
        match error {
            DoorError::Refused(refusal) => Self::Door(refusal),
            DoorError::Away => Self::RoomAway,
        }
    }
}

impl From<HoldsError> for Refusal {
    fn from(error: HoldsError) -> Self {
        tracing::info!(%error, "the room does not say what is held");
        Self::RoomAway
    }
}

impl From<FilesError> for Refusal {
    fn from(error: FilesError) -> Self {
        tracing::warn!(%error, "the place for files failed");
        Self::Files
    }
}

impl From<CompleteError> for Refusal {
    fn from(error: CompleteError) -> Self {
        match error {
            CompleteError::Refused(refusal) => refusal.into(),
            CompleteError::Busy => Self::Busy,
            CompleteError::Files(error) => error.into(),
            CompleteError::Store(error) => error.into(),
        }
    }
}

impl From<Busy> for Refusal {
    fn from(Busy: Busy) -> Self {
        Self::Busy
    }
}

impl From<PublishRefusal> for Refusal {
    /// Only a start with another key helps, so it is the operator's business.
    fn from(refusal: PublishRefusal) -> Self {
        tracing::error!(%refusal, "nobody can be signed in");
        Self::Internal
    }
}

impl From<DbErr> for Refusal {
    fn from(error: DbErr) -> Self {
        if store::is_away(&error) {
            tracing::warn!(%error, "the shop's database does not answer");
            return Self::Unavailable;
        }
        tracing::error!(%error, "the shop's database refused a statement");
        Self::Internal
    }
}

impl<R> From<Failure<R>> for Refusal
where
    Self: From<R>,
{
    fn from(failure: Failure<R>) -> Self {
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::Store(error) => error.into(),
        }
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        let fault = |field: String, text| Fault { field, code: "", said: Said::Text(text) };
        Self::Invalid(match error {
            BodyError::NotJson(text) => vec![fault(String::new(), text)],
            BodyError::Invalid(problems) => problems
                .into_iter()
                .map(|problem| {
                    let text = problem.message();
                    fault(problem.field, text)
                })
                .collect(),
        })
    }
}
