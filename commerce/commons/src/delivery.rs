//! Delivery: a notice that is in the inbox goes to devices and mailboxes.
//!
//! Owns when a notice is sent where, and what becomes of a device that is gone. Refuses to know accounts
//! and sentences: a [`Directory`] tells where a person is reached, [`Say`] says a notice in a language.
//! Always true: nothing is sent that is not in the inbox, was read, or is of no use any more; a device or
//! a mailbox that fails holds up no other.

mod model;

use std::sync::Arc;

use outbound::{Letter, MailError, Mailer};
use store::{
    Db,
    sea_orm::DbErr,
    task::Lease,
    worker::{Outcome, Terms, Trouble, Workers},
};

pub use self::model::{Device, Directory, Mailbox, Said, Say};
use crate::{
    ids::NoticeId,
    limits::{MAILS_AT_ONCE, PUSHES_AT_ONCE, SEND_ATTEMPTS_MAX, SEND_WITHIN},
    notice::{self, Deliver, Mail, Notice, Push},
    push::{Fcm, Message, PushError},
};

/// What sends, and what it has to know.
#[derive(Debug)]
pub struct Delivery<D, S> {
    /// Where people are reached.
    pub directory: D,
    /// What says a notice.
    pub say: S,
    /// Sends pushes; without it, there are none.
    pub push: Option<Fcm>,
    /// Sends mails; without it, there are none.
    pub mail: Option<Mailer>,
}

/// Adds delivery to what workers do.
#[must_use]
pub fn on<D: Directory, S: Say>(workers: Workers, delivery: Delivery<D, S>) -> Workers {
    let sending = |at_once| Terms {
        at_once,
        within: SEND_WITHIN,
        attempts: SEND_ATTEMPTS_MAX,
        ..Terms::DEFAULT
    };
    let to_look = Arc::new(delivery);
    let (to_push, to_mail) = (Arc::clone(&to_look), Arc::clone(&to_look));
    workers
        .on(Terms::default(), move |db, lease| {
            let delivery = Arc::clone(&to_look);
            async move { delivery.deliver(db, lease).await }
        })
        .on(sending(PUSHES_AT_ONCE), move |db, lease| {
            let delivery = Arc::clone(&to_push);
            async move {
                let done = delivery.push(&db, &lease).await;
                last_word(&db, &lease, done).await
            }
        })
        .on(sending(MAILS_AT_ONCE), move |db, lease| {
            let delivery = Arc::clone(&to_mail);
            async move {
                let done = delivery.mail(&db, &lease).await;
                last_word(&db, &lease, done).await
            }
        })
}

impl<D: Directory, S: Say> Delivery<D, S> {
    /// Assigns what is to be sent of a notice.
    async fn deliver(&self, db: Db, lease: Lease<Deliver>) -> Outcome {
        let id = lease.task.notice;
        let (mut devices, mut is_mailed) = (Vec::new(), false);
        if let Some(notice) = to_be_sent(&db, id).await? {
            let channels = notice::channels(&db.read(), notice.person, &notice.topic()).await?;
            if channels.push && self.push.is_some() {
                devices = self.directory.devices(&db, notice.person).await?;
            }
            is_mailed = channels.mail && self.mail.is_some();
        }
        let settled = db.write(async |tx| {
            for &device in &devices {
                tx.assign(&Push { notice: id, device }, tx.now());
            }
            if is_mailed {
                tx.assign(&Mail { notice: id }, tx.now());
            }
            lease.finish(tx).await
        });
        Ok(settled.await?)
    }

    /// Sends a notice to a device.
    async fn push(&self, db: &Db, lease: &Lease<Push>) -> Outcome {
        let Push { notice, device } = lease.task;
        let Some(fcm) = &self.push else { return finished(db, lease).await };
        let Some(notice) = to_be_sent(db, notice).await? else {
            return finished(db, lease).await;
        };
        // Whoever is signed in there now may be somebody else.
        let device = self.directory.device(db, device).await?;
        let Some(device) = device.filter(|device| device.person == notice.person) else {
            return finished(db, lease).await;
        };
        let said = said(&self.say, &notice, device.language)?;
        let tag = notice.id.to_string();
        let message = Message {
            tag: &tag,
            title: &said.title,
            body: &said.body,
            link: said.link.as_deref(),
            image: said.image.as_deref(),
            until: notice.until,
        };
        match fcm.send(device.token.expose(), &message, db.now()).await {
            Ok(()) => finished(db, lease).await,
            Err(PushError::Gone) => {
                let settled = db.write(async |tx| {
                    self.directory.prune(tx, &device).await?;
                    lease.finish(tx).await
                });
                Ok(settled.await?)
            }
            Err(PushError::Refused(why)) => {
                tracing::warn!(notice = tag, why, "a push is never taken");
                finished(db, lease).await
            }
            Err(later @ PushError::Later(_)) => Err(later.into()),
        }
    }

    /// Sends a notice by mail.
    async fn mail(&self, db: &Db, lease: &Lease<Mail>) -> Outcome {
        let Some(mailer) = &self.mail else { return finished(db, lease).await };
        let Some(notice) = to_be_sent(db, lease.task.notice).await? else {
            return finished(db, lease).await;
        };
        let Some(mailbox) = self.directory.mailbox(db, notice.person).await? else {
            return finished(db, lease).await;
        };
        let said = said(&self.say, &notice, mailbox.language)?;
        let text = match &said.link {
            Some(link) => format!("{}\n\n{link}\n", said.body),
            None => format!("{}\n", said.body),
        };
        let key = format!("notice-{}", notice.id);
        let letter = Letter {
            to: &mailbox.address,
            subject: &said.title,
            text: &text,
            html: None,
            key: &key,
        };
        match mailer.send(letter).await {
            Ok(()) => finished(db, lease).await,
            Err(MailError::Refused(why)) => {
                tracing::warn!(notice = key, why, "a mail is never taken");
                finished(db, lease).await
            }
            // Sent again under the same key, by which mail programs know it.
            Err(later @ (MailError::Later(_) | MailError::Unheard(_))) => Err(later.into()),
        }
    }
}

/// A notice, if it is still to be sent.
async fn to_be_sent(db: &Db, notice: NoticeId) -> Result<Option<Notice>, DbErr> {
    let found = notice::find(&db.read(), notice).await?;
    Ok(found.filter(|notice| notice.is_to_be_sent(db.now())))
}

/// A node that does not know what to say leaves it to one that does, such as a newer one.
fn said(
    say: &impl Say,
    notice: &Notice,
    language: base::language::Language,
) -> Result<Said, Trouble> {
    let said = say.say(notice, language);
    said.ok_or_else(|| Trouble::new(format_args!("no words for the kind {}", notice.kind)))
}

/// What comes of an attempt. The last one ends the task even if it failed: the notice is in the inbox, and nobody
/// looks through thousands of pushes that were given up.
async fn last_word<T: Sync>(db: &Db, lease: &Lease<T>, done: Outcome) -> Outcome {
    match done {
        Err(trouble) if lease.attempt >= SEND_ATTEMPTS_MAX => {
            tracing::warn!(
                task = lease.id(),
                ?trouble,
                "a notice is not sent there: it was tried for hours"
            );
            finished(db, lease).await
        }
        done => done,
    }
}

async fn finished<T: Sync>(db: &Db, lease: &Lease<T>) -> Outcome {
    Ok(db.write(async |tx| lease.finish(tx).await).await?)
}
