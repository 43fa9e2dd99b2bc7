//! Mails: what people are told about their accounts.
//!
//! Owns when a mail is due, to whom, and in which language. Refuses its words: a [`MailWriter`] has them.
//! Always true: a proof goes to the address that it was made for, and nothing else to an address that
//! nobody verified; a mail that is repeated has the same `Message-ID`.

mod model;

use std::sync::Arc;

use base::moment::Moment;
use outbound::{Letter, MailError, Mailer};
use store::{
    Db,
    fact::About,
    sea_orm::DbErr,
    task::Lease,
    worker::{Outcome, Terms, Trouble, Workers},
};

pub use self::model::{Mail, MailWriter, Written};
use crate::{
    account::{self, Account},
    business::{self, State},
    ids::{AccountId, BusinessId},
    proof::{Prover, Purpose, SendProof},
    social,
};

/// What sends mails.
#[derive(Clone, Debug)]
pub struct Mails<W> {
    /// The mail server.
    pub mailer: Mailer,
    /// What makes the tokens of proofs.
    pub prover: Prover,
    /// Who has the words.
    pub writer: W,
}

/// Adds the mails to what workers do.
#[must_use]
pub fn on<W: MailWriter>(workers: Workers, mails: Mails<W>) -> Workers {
    let proofs = Arc::new(mails);
    let (links, decisions) = (Arc::clone(&proofs), Arc::clone(&proofs));
    workers
        .on(Terms::default(), move |db, lease| {
            let mails = Arc::clone(&proofs);
            async move { mails.send_proof(&db, &lease).await }
        })
        .on_fact(social::LINKED, "identity.mail_linked", Terms::default(), move |db, lease| {
            let mails = Arc::clone(&links);
            async move { mails.tell_linked(&db, &lease).await }
        })
        .on_fact(business::DECIDED, "identity.mail_decided", Terms::default(), move |db, lease| {
            let mails = Arc::clone(&decisions);
            async move { mails.tell_decided(&db, &lease).await }
        })
}

impl<W: MailWriter> Mails<W> {
    async fn send_proof(&self, db: &Db, lease: &Lease<SendProof>) -> Outcome {
        let SendProof { proof, account, purpose } = lease.task;
        let to = account::recipient(&db.read(), proof, db.now()).await?;
        let account = account::find(&db.read(), account).await?;
        if let Some((to, account)) = to.zip(account) {
            let token = self.prover.token(proof, purpose);
            let mail = match purpose {
                Purpose::VerifyEmail => Mail::VerifyEmail { token: &token },
                Purpose::ResetPassword => Mail::ResetPassword { token: &token },
            };
            self.send(&to, &account, &mail, &proof.to_string()).await?;
        }
        finish(db, lease).await
    }

    /// Tells the owner of an account that somebody linked it. One that was made by its link tells its owner
    /// nothing that they do not know.
    async fn tell_linked(&self, db: &Db, lease: &Lease<About>) -> Outcome {
        let id: AccountId = lease.task.subject.parse()?;
        if let Some((to, account)) = reader_of(db, id).await? {
            let newest = social::list(&db.read(), id).await?.pop();
            if let Some(link) = newest.filter(|link| link.linked_at > account.created_at) {
                let mail = Mail::Linked { provider: link.provider };
                self.send(&to, &account, &mail, &link.id.to_string()).await?;
            }
        }
        finish(db, lease).await
    }

    async fn tell_decided(&self, db: &Db, lease: &Lease<About>) -> Outcome {
        let id: BusinessId = lease.task.subject.parse()?;
        let found = business::find(&db.read(), id).await?;
        let decided = found.filter(|found| {
            matches!(found.state, State::Approved | State::Rejected | State::Suspended)
        });
        if let Some(business) = decided
            && let Some((to, account)) = reader_of(db, business.account).await?
        {
            let mail = Mail::Decided { business: &business };
            let at = business.decided_at.unwrap_or(Moment(0)).0;
            self.send(&to, &account, &mail, &format!("{id}-{at}")).await?;
        }
        finish(db, lease).await
    }

    /// Hands a mail in. One that its server never takes is given up: the address is wrong.
    async fn send(
        &self,
        to: &str,
        account: &Account,
        mail: &Mail<'_>,
        key: &str,
    ) -> Result<(), Trouble> {
        let Written { subject, text, html } = self.writer.write(mail, account.language);
        let letter = Letter { to, subject: &subject, text: &text, html: Some(&html), key };
        match self.mailer.send(letter).await {
            Ok(()) => Ok(()),
            Err(MailError::Refused(why)) => {
                tracing::warn!(account = %account.id, why, "a mail was refused for good");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// An account and its verified address.
async fn reader_of(db: &Db, account: AccountId) -> Result<Option<(String, Account)>, DbErr> {
    let found = account::find(&db.read(), account).await?;
    let verified = found.filter(|found| found.is_verified);
    Ok(verified.and_then(|found| Some((found.email.clone()?, found))))
}

async fn finish<T: Sync>(db: &Db, lease: &Lease<T>) -> Outcome {
    Ok(db.write(async |tx| lease.finish(tx).await).await?)
}
