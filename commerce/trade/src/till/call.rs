//! One call to a provider or a keeper, in the payment's words.

use base::{
    moment::Moment,
    money::{MINOR_MAX, Money},
};
use store::Db;

use super::{
    figures::count,
    model::Till,
    turn::{Job, Told},
};
use crate::{
    gateway::{Attempt, Back, GatewayError, GiveBack, Intent, Proof, Provider, Stage, Standing},
    holds::HoldsError,
    limits::SEND_WITHIN,
    order::state::Units,
    payment::{Ask, Found, Heard},
};

/// Makes a call that was noted, unless the note is old.
pub(super) async fn make(db: &Db, till: &Till, job: &Job) -> Told {
    let told = made(db, till, job).await;
    count(job, &told.0);
    told
}

async fn made(db: &Db, till: &Till, job: &Job) -> Told {
    if db.now().since(job.at) > SEND_WITHIN {
        return (Heard::Unsent, None);
    }
    match job.ask {
        Ask::Pay | Ask::Confirm | Ask::Release | Ask::TakeBack => {
            (ask_keeper(till, job).await, None)
        }
        Ask::Ready | Ask::Approve | Ask::LookUp | Ask::Void | Ask::GiveBack { .. } => {
            let told = match job.kept.provider {
                Some(provider) => Box::pin(ask_provider(till, job, provider)).await,
                None => Err(GatewayError::NotDone("no provider was chosen".to_owned())),
            };
            told.unwrap_or_else(|error| (failed(job, error), None))
        }
    }
}

async fn ask_keeper(till: &Till, job: &Job) -> Heard {
    let order = &job.order;
    let units = match till.keepers.ask(order.keeper, &order.purchase, job.ask).await {
        Ok(units) => units,
        // The order has no units any more, so its money goes back.
        Err(HoldsError::Gone) if job.ask == Ask::TakeBack => Units::Refunded,
        Err(HoldsError::Gone) => Units::Released,
        Err(error) => {
            tracing::info!(payment = %job.kept.id, ask = ?job.ask, %error, "a keeper was asked in vain");
            let is_unheard = matches!(error, HoldsError::Unheard(_));
            return if is_unheard { Heard::Silence } else { Heard::Unsent };
        }
    };
    match units {
        Units::Held => Heard::Refused { code: "held".to_owned() },
        Units::Paying if job.ask == Ask::TakeBack => Heard::Refused { code: "paying".to_owned() },
        Units::Paying => Heard::Paying,
        Units::Confirmed => Heard::Confirmed,
        Units::Released => Heard::Released,
        Units::Refunded => Heard::TakenBack,
    }
}

async fn ask_provider(till: &Till, job: &Job, provider: Provider) -> Result<Told, GatewayError> {
    let (kept, providers) = (&job.kept, &till.providers);
    let (payment, shopper) = (kept.id.to_string(), job.order.account.to_string());
    let amount = kept.payment.due();
    if job.ask == Ask::Ready {
        return ready(till, job, provider, (&payment, &shopper)).await;
    }
    let unknown = || GatewayError::NotDone("the provider was never asked to prepare it".to_owned());
    let reference = kept.payment.reference().ok_or_else(unknown)?;
    let attempt = Attempt { reference, payment: &payment, shopper: &shopper, amount };
    match job.ask {
        Ask::Approve => {
            let proof = Proof::of(kept.payment.proof().unwrap_or_default().to_owned());
            let taken = providers.approve(provider, &attempt, &proof).await?;
            let minor = minor(taken.amount, amount)?;
            Ok((Heard::Taken { minor }, Some(taken.method)))
        }
        Ask::LookUp => {
            let told = providers.look_up(provider, &attempt).await?;
            Ok((Heard::Found(found(&told, amount)?), told.method))
        }
        Ask::Void => {
            providers.void(provider, &attempt).await?;
            Ok((Heard::Voided, None))
        }
        Ask::GiveBack { refund, minor: part, before } => {
            // What is owed because the units are gone is no refund that somebody wanted.
            let refund = refund.map_or_else(|| payment.clone(), |refund| refund.to_string());
            let of = |minor| Money::new(minor, amount.currency);
            let part = GiveBack { refund: &refund, amount: of(part), before: of(before) };
            let back = providers.cancel(provider, &attempt, &part).await?;
            Ok((Heard::GivenBack { minor: minor(back, amount)? }, None))
        }
        Ask::Ready | Ask::Pay | Ask::Confirm | Ask::Release | Ask::TakeBack => Err(unknown()),
    }
}

async fn ready(
    till: &Till,
    job: &Job,
    provider: Provider,
    names: (&str, &str),
) -> Result<Told, GatewayError> {
    let (payment, shopper) = names;
    let back = |way: &str| format!("{}/{payment}/{way}", till.returns);
    let (paid, given_up, failed) = (back("return"), back("cancel"), back("fail"));
    let intent = Intent {
        payment,
        shopper,
        title: &job.order.title(),
        quantity: job.order.units(),
        amount: job.kept.payment.due(),
        back: Back { paid: &paid, given_up: &given_up, failed: &failed },
    };
    let begun = till.providers.ready(provider, &intent).await?;
    // Counted from before it was asked for, so it is over here before it is there.
    let until: Moment = job.at.after(begun.lasts);
    Ok((Heard::Ready { tid: begun.reference, page: begun.page, until }, None))
}

fn found(told: &Standing, due: Money) -> Result<Found, GatewayError> {
    Ok(match told.stage {
        Stage::Open | Stage::Agreed => Found::Open,
        Stage::Over => Found::Over,
        Stage::Taken => Found::Taken {
            minor: minor(told.taken, due)?,
            back: minor(told.back, due)?,
            ours: minor(told.ours, due)?,
        },
    })
}

/// An amount of the payment's currency that can be one; from anything else, nothing can be understood.
fn minor(amount: Money, due: Money) -> Result<i64, GatewayError> {
    if amount.currency == due.currency && (0..=MINOR_MAX).contains(&amount.minor) {
        return Ok(amount.minor);
    }
    Err(GatewayError::Unheard("the provider told an amount that is none".to_owned()))
}

fn failed(job: &Job, error: GatewayError) -> Heard {
    tracing::info!(payment = %job.kept.id, ask = ?job.ask, %error, "a provider was asked in vain");
    match error {
        GatewayError::Refused { code } => Heard::Refused { code },
        GatewayError::NotDone(_) => Heard::Unsent,
        GatewayError::Unheard(_) => Heard::Silence,
    }
}
