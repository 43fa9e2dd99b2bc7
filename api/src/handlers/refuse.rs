//! The refusals and failures of the engine and of accounts as the API's.

use engine::{
    Failure, Never,
    hold::HoldState,
    line::PlaceState,
    sale::{
        ChangeRefusal, EndRefusal, EntryRefusal, InUse, Phase, PlaceRefusal, PurchaseRefusal,
        SettleRefusal,
    },
    scribe::Busy,
};

use super::admin::write_version;
use crate::{
    accounts::Fault,
    error::{ApiError, FieldProblem},
    token::InviteError,
    wire::PurchaseState,
};

impl<R: Into<Self>> From<Failure<R>> for ApiError {
    fn from(failure: Failure<R>) -> Self {
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::Busy(Busy::Overloaded) => Self::Overloaded,
            Failure::Busy(Busy::StorageFull) => Self::StorageFull,
            Failure::Unavailable => Self::ArbiterUnavailable,
            Failure::Stopped => Self::ShuttingDown,
        }
    }
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Expired => Self::IdentityExpired,
            Fault::Revoked => Self::IdentityRevoked,
            Fault::KeysUnavailable => Self::IdentityUnavailable,
            Fault::Malformed
            | Fault::Type
            | Fault::Algorithm
            | Fault::NoKey
            | Fault::UnknownKey
            | Fault::KeyAlgorithm
            | Fault::Signature
            | Fault::Issuer
            | Fault::Audience
            | Fault::NoExpiry
            | Fault::LivesTooLong
            | Fault::NotYet
            | Fault::NoSubject => Self::IdentityInvalid(fault.words()),
        }
    }
}

impl From<InviteError> for ApiError {
    fn from(error: InviteError) -> Self {
        Self::InviteInvalid(error)
    }
}

impl From<Never> for ApiError {
    fn from(never: Never) -> Self {
        match never {}
    }
}

impl From<EntryRefusal> for ApiError {
    fn from(refusal: EntryRefusal) -> Self {
        match refusal {
            EntryRefusal::NoSale => Self::NotFound,
            EntryRefusal::NotOpen(_) => Self::SaleNotOpen,
            EntryRefusal::OtherBody => Self::IdempotencyMismatch,
            EntryRefusal::EnteredBefore => Self::InviteUsed,
            EntryRefusal::LineFull => Self::Overloaded,
        }
    }
}

impl From<PlaceRefusal> for ApiError {
    fn from(refusal: PlaceRefusal) -> Self {
        match refusal {
            PlaceRefusal::NoPlace => Self::TicketInvalid,
            PlaceRefusal::NotCalled(PlaceState::Left | PlaceState::Revoked) => Self::TicketLeft,
            PlaceRefusal::NotCalled(_) => Self::TicketExpired,
        }
    }
}

impl From<PurchaseRefusal> for ApiError {
    fn from(refusal: PurchaseRefusal) -> Self {
        match refusal {
            PurchaseRefusal::NoSale => Self::NotFound,
            PurchaseRefusal::NotOpen(_) => Self::SaleNotOpen,
            PurchaseRefusal::NoSession => Self::PassExpired,
            PurchaseRefusal::OtherBody => Self::IdempotencyMismatch,
            PurchaseRefusal::Limit { .. } => Self::LimitExceeded,
            PurchaseRefusal::SoldOut => Self::SoldOut,
            PurchaseRefusal::TooManyHolds => Self::TooManyPurchases,
            PurchaseRefusal::Stalled => Self::BackendStalled,
            PurchaseRefusal::HoldsFull => Self::Overloaded,
        }
    }
}

impl From<SettleRefusal> for ApiError {
    fn from(refusal: SettleRefusal) -> Self {
        match refusal {
            SettleRefusal::NoHold => Self::NotFound,
            SettleRefusal::WrongState(found) => Self::WrongState { found: hold_word(found) },
            SettleRefusal::OtherBody => Self::IdempotencyMismatch,
            SettleRefusal::Stalled => Self::BackendStalled,
        }
    }
}

impl From<EndRefusal> for ApiError {
    fn from(EndRefusal::NoSession: EndRefusal) -> Self {
        Self::NotFound
    }
}

impl From<ChangeRefusal> for ApiError {
    fn from(refusal: ChangeRefusal) -> Self {
        let field = |field: &str, allowed: String| {
            Self::InvalidRequest(vec![FieldProblem::new(field, allowed)])
        };
        match refusal {
            ChangeRefusal::NoSale => Self::NotFound,
            ChangeRefusal::NameTaken => Self::AlreadyExists,
            ChangeRefusal::SalesFull | ChangeRefusal::MovedOn => Self::Overloaded,
            ChangeRefusal::WrongPhase(phase) => Self::WrongState { found: phase_word(phase) },
            ChangeRefusal::InUse(in_use) => Self::SaleInUse { why: in_use_words(in_use) },
            ChangeRefusal::Units { available, room } => {
                let least = -i128::from(available);
                field("units", format!("from {least}, as many as are available, to {room}"))
            }
            ChangeRefusal::Stranded { stranded } => {
                field("units", format!("at most {stranded}, as many as are stranded"))
            }
            ChangeRefusal::Spec(problems) => {
                let problem = |p: engine::spec::SpecProblem| FieldProblem::new(p.field, p.allowed);
                Self::InvalidRequest(problems.into_iter().map(problem).collect())
            }
            ChangeRefusal::Unknown(name) => field(name, "one of this sale's".to_owned()),
            ChangeRefusal::OtherBody => Self::IdempotencyMismatch,
            ChangeRefusal::OtherVersion(found) => {
                Self::PreconditionFailed { found: write_version(found) }
            }
            ChangeRefusal::Archived => Self::WrongState { found: "archived" },
        }
    }
}

impl From<()> for ApiError {
    fn from((): ()) -> Self {
        Self::Internal
    }
}

/// What keeps a sale from being deleted or archived, in words.
fn in_use_words(in_use: InUse) -> String {
    let InUse { orders, open_holds, waiting, sessions, undelivered } = in_use;
    let counts = [
        (orders as u64, "confirmed order"),
        (open_holds as u64, "open hold"),
        (waiting, "person in line"),
        (sessions, "session"),
        (undelivered as u64, "undelivered order event"),
    ];
    let some = counts.into_iter().filter(|(count, _)| *count > 0);
    let words = some.map(|(count, what)| match (count, what) {
        (1, what) => format!("1 {what}"),
        (count, "person in line") => format!("{count} people in line"),
        (count, what) => format!("{count} {what}s"),
    });
    let found: Vec<String> = words.collect();
    format!(
        "found {}; a sale is archived once it is closed, its holds have ended and its order events \
         are delivered, and deleted once its orders are refunded as well; an empty one need not be \
         closed to be deleted",
        found.join(", ")
    )
}

/// A hold's state as the wire names it.
pub fn hold_word(state: HoldState) -> &'static str {
    PurchaseState::from(state).word()
}

const fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Scheduled => "coming",
        Phase::Open => "open",
        Phase::Draining => "draining",
        Phase::Closed => "closed",
    }
}
