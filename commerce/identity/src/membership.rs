//! Membership: joining, leaving, and what concerns all that a person has here.
//!
//! Owns the verbs that reach beyond one module: signing up, signing in, replacing a password,
//! withdrawing. Has no table. Always true: whoever withdraws is signed out everywhere by the time the
//! withdrawal is committed; a new password leaves nobody signed in who knew the old one. Whoever reads an
//! address can take its account over by replacing the password, so that no stranger keeps it from its
//! owner.

mod model;

use base::moment::Moment;
use store::{
    Db, Failure, Refusing as _, Tx, refused,
    sea_orm::{ConnectionTrait, DbErr},
};

pub use self::model::{Attempt, PasswordSignInRefusal, PersonalData, SetEmailRefusal, SignUp};
use crate::{
    account::{self, EmailRefusal, Live, New, ProofRefusal},
    address, business, device,
    email::Email,
    ids::{AccountId, ProofId, SessionId},
    password::{PasswordHash, PasswordHasher, Verdict},
    session::{self, Role, Session, SignInRefusal},
    social,
};

/// Makes an account whose address is still to be verified.
///
/// # Errors
///
/// As [`EmailRefusal`] says. That tells who has an account, as every shop does that lets people choose a
/// password at once.
pub async fn sign_up(tx: &Tx, sign_up: &SignUp) -> Result<Live, Failure<EmailRefusal>> {
    free_address(tx, &sign_up.email, None).await?;
    let new = New {
        email: Some(&sign_up.email),
        password: Some(&sign_up.password),
        name: Some(&sign_up.name),
        is_verified: false,
    };
    account::create(tx, &new).await
}

/// Signs somebody in by a password. The hash is compared outside the write, so what is written holds only
/// if the password is still the one that it was compared with.
///
/// # Errors
///
/// As [`PasswordSignInRefusal`] says. A wrong address and a wrong password take equally long and are
/// refused alike.
pub async fn sign_in(
    db: &Db,
    hasher: &PasswordHasher,
    attempt: &Attempt,
) -> Result<Session, Failure<PasswordSignInRefusal>> {
    let known = account::password_by_email(&db.read(), &attempt.email).await?;
    let (account, kept) = known.unzip();
    let kept = kept.flatten();
    let Ok(verdict) = hasher.check(&attempt.password, kept.as_ref()).await else {
        return refused(PasswordSignInRefusal::Busy);
    };
    let (Some(account), false) = (account, verdict == Verdict::Wrong) else {
        return refused(PasswordSignInRefusal::Wrong);
    };
    db.write(async |tx| {
        let live = account::live(tx, account).await.refusing(|_| PasswordSignInRefusal::Wrong)?;
        if account::password_of(tx, account).await? != kept {
            return refused(PasswordSignInRefusal::Wrong);
        }
        if let Verdict::RightButOld(hash) = &verdict {
            account::set_password(tx, &live, hash).await?;
        }
        session::open(tx, &live, &attempt.sign_in).await.refusing(|refusal| match refusal {
            SignInRefusal::NotAnOperator => PasswordSignInRefusal::NotAnOperator,
        })
    })
    .await
}

/// Replaces the password of somebody who has shown to be the owner. Whoever else is signed in is no
/// longer.
pub async fn set_password(
    tx: &Tx,
    live: &Live,
    password: &PasswordHash,
    here: SessionId,
) -> Result<(), DbErr> {
    account::set_password(tx, live, password).await?;
    session::end_others(tx, live, Some(here)).await.map(drop)
}

/// Takes a proof that somebody reads an account's address, and replaces the password for it. Nobody is
/// signed in afterwards.
///
/// # Errors
///
/// As [`ProofRefusal`] says.
pub async fn reset_password(
    tx: &Tx,
    proof: ProofId,
    password: &PasswordHash,
) -> Result<Live, Failure<ProofRefusal>> {
    let live = account::reset_password(tx, proof, password).await?;
    session::end_others(tx, &live, None).await?;
    if !live.account().is_verified {
        // A stranger may have made the account, and linked it with one elsewhere.
        social::forget(tx, &live).await?;
    }
    Ok(live)
}

/// Lets somebody run the platform no longer, from now on.
pub async fn dismiss(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    account::dismiss(tx, live).await?;
    session::end_of_role(tx, live, Role::Operator).await.map(drop)
}

/// Withdraws an account: all sessions end, what is personal is removed, and its address is free for
/// another one. Whoever keeps something of the account above hears of it.
pub async fn withdraw(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    session::forget(tx, live).await?;
    address::forget(tx, live).await?;
    business::close(tx, live).await?;
    social::forget(tx, live).await?;
    account::withdraw(tx, live).await
}

/// All that is kept of a person here, for the person to have; `None` of an account that was withdrawn.
pub async fn personal_data(
    on: &impl ConnectionTrait,
    account: AccountId,
    now: Moment,
) -> Result<Option<PersonalData>, DbErr> {
    let found = account::find(on, account).await?;
    let Some(found) = found.filter(|found| found.withdrawn_at.is_none()) else { return Ok(None) };
    Ok(Some(PersonalData {
        account: found,
        addresses: address::list(on, account).await?,
        devices: device::list(on, account).await?,
        business: business::of_account(on, account).await?,
        sessions: session::list(on, account, now).await?,
        links: social::list(on, account).await?,
    }))
}

/// Gives an account that has no verified address one to verify, such as that of a person who signs in
/// elsewhere.
///
/// # Errors
///
/// As [`SetEmailRefusal`] says.
pub async fn set_email(
    tx: &Tx,
    live: &Live,
    email: &Email,
) -> Result<(), Failure<SetEmailRefusal>> {
    if live.account().is_verified {
        return refused(SetEmailRefusal::HasOne);
    }
    free_address(tx, email, Some(live.id())).await.refusing(|_| SetEmailRefusal::Taken)?;
    account::set_address(tx, live, email).await.refusing(|_| SetEmailRefusal::Taken)
}

/// Takes the address from an account that never verified it. One with no other way to sign in is
/// withdrawn.
pub(crate) async fn give_up_address(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    if social::list(tx, live.id()).await?.is_empty() {
        withdraw(tx, live).await
    } else {
        account::release_address(tx, live).await
    }
}

/// Takes an address from an account that did not verify it in time, unless it is the account that asks.
async fn free_address(
    tx: &Tx,
    email: &Email,
    by: Option<AccountId>,
) -> Result<(), Failure<EmailRefusal>> {
    let Some(holder) = account::holder(tx, email).await? else { return Ok(()) };
    if Some(holder.id()) == by {
        return Ok(());
    }
    if holder.keeps_address(tx.now()) {
        return refused(EmailRefusal::Taken);
    }
    Ok(give_up_address(tx, &holder).await?)
}
