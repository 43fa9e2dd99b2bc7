//! Membership: joining, leaving, and what concerns all that a person has here.
//!
//! Owns the verbs that reach beyond one module: signing up, signing in, replacing a password,
//! withdrawing. Has no table. Always true: whoever withdraws is signed out everywhere by the time the
//! withdrawal is committed; a new password leaves nobody signed in who knew the old one. Whoever reads an
//! address can take its account over by replacing the password, so that no stranger keeps it from its
//! owner.

mod model;
mod ties;

use base::moment::Moment;
use store::{
    Db, Failure, Refusing as _, Tx, kept, refused,
    sea_orm::{ConnectionTrait, DbErr},
};

pub use self::{
    model::{
        AppointRefusal, Attempt, PasswordSignInRefusal, PersonalData, SetEmailRefusal, SignUp,
        WithdrawRefusal,
    },
    ties::{Ties, Untied},
};
use crate::{
    account::{self, EmailRefusal, Live, New, ProofRefusal},
    address, business, device,
    email::Email,
    guess::Guesses,
    ids::{AccountId, LinkId, ProofId, SessionId},
    limits::UNVERIFIED_KEPT_FOR,
    name::Name,
    password::{PasswordHash, PasswordHasher, Verdict},
    proof::{self, Purpose},
    session::{self, Role, Session, SignInRefusal},
    social::{self, UnlinkRefusal},
};

/// Makes an account whose address is still to be verified.
///
/// # Errors
///
/// As [`EmailRefusal`] says, whether the other account has verified the address or not: its owner gets
/// that account by [`reset_password`]. The refusal tells who has an account, as every shop does that lets
/// people choose a password at once.
pub async fn sign_up(tx: &Tx, sign_up: &SignUp) -> Result<Live, Failure<EmailRefusal>> {
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
/// refused alike; after some wrong ones, so are the right ones for a while.
pub async fn sign_in(
    db: &Db,
    hasher: &PasswordHasher,
    guesses: &Guesses,
    attempt: &Attempt,
) -> Result<Session, Failure<PasswordSignInRefusal>> {
    if guesses.are_too_many(&db.read(), &attempt.email, db.now()).await? {
        return refused(PasswordSignInRefusal::TooManyGuesses);
    }
    let known = account::password_by_email(&db.read(), &attempt.email).await?;
    let (account, kept) = known.unzip();
    let kept = kept.flatten();
    let Ok(verdict) = hasher.check(&attempt.password, kept.as_ref()).await else {
        return refused(PasswordSignInRefusal::Busy);
    };
    let (Some(account), false) = (account, verdict == Verdict::Wrong) else {
        db.write(async |tx| guesses.note(tx, &attempt.email).await).await?;
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
/// longer, and no link that was sent before replaces the password.
pub async fn set_password(
    tx: &Tx,
    live: &Live,
    password: &PasswordHash,
    here: SessionId,
) -> Result<(), DbErr> {
    account::set_password(tx, live, password).await?;
    proof::revoke(tx, live.id(), Purpose::ResetPassword).await?;
    session::end_others(tx, live, Some(here)).await.map(drop)
}

/// Takes a proof that somebody reads an account's address, and replaces the password for it. Nobody is
/// signed in afterwards, and no account elsewhere is linked: whoever knew the old password may have
/// linked theirs.
///
/// # Errors
///
/// As [`ProofRefusal`] says.
pub async fn reset_password(
    tx: &Tx,
    proof: ProofId,
    password: &PasswordHash,
) -> Result<Live, Failure<ProofRefusal>> {
    let live = account::recovered(tx, proof).await?;
    session::end_others(tx, &live, None).await?;
    social::forget(tx, &live).await?;
    if !live.account().is_verified {
        hand_over(tx, &live, None).await?;
    }
    account::set_password(tx, &live, password).await?;
    account::live(tx, live.id()).await.refusing(|_| ProofRefusal::Invalid)
}

/// Hands an account whose address was never verified to whoever has now shown to read it. A stranger may
/// have made it, so what they said of themselves goes, and so does every way in that they had. There is
/// no business, which needs a verified address.
pub(crate) async fn hand_over(tx: &Tx, live: &Live, name: Option<&Name>) -> Result<(), DbErr> {
    session::forget(tx, live).await?;
    address::forget(tx, live).await?;
    social::forget(tx, live).await?;
    account::hand_over(tx, live, name).await
}

/// Lets somebody run the platform. Links with accounts elsewhere go, since they were made when less
/// depended on them: an operator links from an operator's session.
///
/// # Errors
///
/// As [`AppointRefusal`] says.
pub async fn appoint(tx: &Tx, live: &Live) -> Result<(), Failure<AppointRefusal>> {
    if !live.account().is_verified {
        return refused(AppointRefusal::NotVerified);
    }
    social::forget(tx, live).await?;
    Ok(account::appoint(tx, live).await?)
}

/// Takes a link with an account elsewhere away. Whoever else is signed in is no longer, as they may have
/// come by it.
///
/// # Errors
///
/// As [`UnlinkRefusal`] says: an account keeps a way to sign in.
pub async fn unlink(
    tx: &Tx,
    live: &Live,
    link: LinkId,
    here: SessionId,
) -> Result<(), Failure<UnlinkRefusal>> {
    social::unlink(tx, live, link).await?;
    session::end_others(tx, live, Some(here)).await?;
    Ok(())
}

/// Lets somebody run the platform no longer, from now on.
pub async fn dismiss(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    account::dismiss(tx, live).await?;
    session::end_of_role(tx, live, Role::Operator).await.map(drop)
}

/// Withdraws an account: all sessions end, what is personal is removed, and its address is free for
/// another one. Whoever keeps something of the account above hears of it.
///
/// # Errors
///
/// As [`WithdrawRefusal`] says.
pub async fn withdraw(
    tx: &Tx,
    live: &Live,
    ties: &impl Ties,
) -> Result<(), Failure<WithdrawRefusal>> {
    if ties.are_open(tx, live.id()).await? {
        return refused(WithdrawRefusal::InUse);
    }
    Ok(empty(tx, live).await?)
}

/// Withdraws an account that nobody seems to own, and says whether it was one: its address was never
/// verified, nobody has been signed in for long, and nothing names it. Somebody may have made it with an
/// address that is not theirs.
pub(crate) async fn withdraw_unowned(
    tx: &Tx,
    account: AccountId,
    ties: &impl Ties,
) -> Result<bool, DbErr> {
    let live = match account::live(tx, account).await {
        Ok(live) => live,
        Err(Failure::Refused(_)) => return Ok(false),
        Err(Failure::Store(error)) => return Err(error),
    };
    let known = live.account();
    let is_owned = known.is_verified
        || tx.now().since(known.created_at) < UNVERIFIED_KEPT_FOR
        || !social::list(tx, account).await?.is_empty()
        || !session::list(tx, account, tx.now()).await?.is_empty()
        || ties.are_there(tx, account).await?;
    if !is_owned {
        empty(tx, &live).await?;
    }
    Ok(!is_owned)
}

/// Removes what is personal of an account.
async fn empty(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    session::forget(tx, live).await?;
    address::forget(tx, live).await?;
    business::close(tx, live).await?;
    social::forget(tx, live).await?;
    kept::forget(tx, &live.id()).await?;
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
    account::set_address(tx, live, email).await.refusing(|_| SetEmailRefusal::Taken)
}
