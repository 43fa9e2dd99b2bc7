//! What people are told by mail, and whom nothing is told.

use std::time::Duration;

use base::language::Language;
use doubles::{
    Fault, Setting,
    mail::{Mail as Received, MailServer},
    tax::Standing,
};
use identity::{
    account,
    business::{Decision, State, checking},
    ids::AccountId,
    mails::{self, Mail, MailWriter, Mails, Written},
    membership,
    proof::Purpose,
    social::{self, Claims, Person, Provider},
};
use outbound::{MailOptions, MailTls, Mailer};
use store::{Db, fact::Listeners, on_both, trial::Trial, worker::Workers};

use crate::{
    business::{NUMBER, apply, decide, read},
    checking::{registered, tax_service},
    support::{appoint, email, prover, sign_up, verify},
};
use store::trial::{Running, until};

/// Writes a word and the token; the language is the subject.
struct Plain;

impl MailWriter for Plain {
    fn write(&self, mail: &Mail<'_>, language: Language) -> Written {
        let text = match mail {
            Mail::VerifyEmail { token } => format!("verify {token}"),
            Mail::ResetPassword { token } => format!("reset {token}"),
            Mail::Linked { provider } => format!("linked {}", provider.label()),
            Mail::Decided { business } => {
                format!(
                    "decided {:?} {}",
                    business.state,
                    business.reason.as_deref().unwrap_or("-")
                )
            }
        };
        let subject = format!("{language:?}");
        Written { subject, html: format!("<p>{text}</p>"), text }
    }
}

struct Post {
    server: MailServer,
    workers: Workers,
}

impl Post {
    async fn open(trial: &Trial) -> (Self, Db) {
        let server = MailServer::start(Setting::local(), None).await.unwrap();
        let address = server.address();
        let options = MailOptions {
            tls: MailTls::Absent,
            ..MailOptions::new(
                address.ip().to_string(),
                address.port(),
                "no-reply@shop.example".to_owned(),
                Duration::from_secs(5),
            )
        };
        let mailer = Mailer::new(options).unwrap();
        let mails = Mails { mailer, prover: prover(), writer: Plain };
        let workers = mails::on(Workers::default(), mails);
        let listeners: Listeners = workers.listeners();
        (Self { server, workers }, trial.open(identity::SCHEMA, listeners).await)
    }

    async fn received(server: &MailServer, to: &str, count: usize) -> Vec<Received> {
        until("a mail", async || server.mails_to(to).len() >= count).await;
        server.mails_to(to)
    }
}

async fn issue(db: &Db, account: AccountId, purpose: Purpose) {
    let issued = db.write(async |tx| {
        let live = account::live(tx, account).await.unwrap();
        account::send_proof(tx, &prover(), &live, purpose).await
    });
    issued.await.unwrap();
}

async fn link(db: &Db, account: AccountId, subject: &str) {
    let person = Person::of(&Claims {
        provider: Provider::Kakao,
        subject: subject.to_owned(),
        email: None,
        email_verified: false,
        name: None,
    });
    let person = person.unwrap();
    let linked = db.write(async |tx| {
        let live = account::live(tx, account).await.unwrap();
        social::link(tx, &live, &person).await
    });
    linked.await.unwrap();
}

on_both! {
    async fn the_link_in_a_mail_verifies_the_address_that_it_went_to(trial: Trial) {
        let (Post { server, workers }, db) = Post::open(&trial).await;
        let kim = sign_up(&db, "kim@shop.example").await.unwrap().id;
        let spoken = db.write(async |tx| {
            let live = account::live(tx, kim).await.unwrap();
            account::set_language(tx, &live, Language::English).await
        });
        spoken.await.unwrap();
        server.faults().next("mail", Some(Fault::Refused));
        issue(&db, kim, Purpose::VerifyEmail).await;
        let working = Running::start(workers, &db);
        until("the first try failed", async || {
            trial.advance(2_000);
            !server.mails().is_empty()
        }).await;
        let mail = &Post::received(&server, "kim@shop.example", 1).await[0];
        assert_eq!(mail.subject(), "English");
        let text = mail.text();
        let token = text.trim().strip_prefix("verify ").unwrap();
        let proof = prover().read(token, Purpose::VerifyEmail).unwrap();
        assert!(mail.message_id().contains(&proof.to_string()), "{}", mail.message_id());
        let verified = db.write(async |tx| {
            let live = account::live(tx, kim).await.unwrap();
            account::verify(tx, &live, proof).await
        });
        verified.await.unwrap();

        issue(&db, kim, Purpose::ResetPassword).await;
        let mails = Post::received(&server, "kim@shop.example", 2).await;
        let text = mails[1].text();
        let token = text.trim().strip_prefix("reset ").unwrap();
        assert!(prover().read(token, Purpose::ResetPassword).is_some());
        working.stop().await;
    }

    async fn a_proof_goes_nowhere_once_the_account_has_another_address(trial: Trial) {
        let (Post { server, workers }, db) = Post::open(&trial).await;
        let mallory = sign_up(&db, "victim@shop.example").await.unwrap().id;
        issue(&db, mallory, Purpose::VerifyEmail).await;
        let address = email("mallory@shop.example");
        let moved = db.write(async |tx| {
            let live = account::live(tx, mallory).await.unwrap();
            membership::set_email(tx, &live, &address).await
        });
        moved.await.unwrap();
        let working = Running::start(workers, &db);
        until("the task is done with", async || {
            !crate::support::everything(&db).await.contains("identity.send_proof")
        }).await;
        assert!(server.mails().is_empty());
        working.stop().await;
    }

    async fn the_owner_is_told_of_a_link_at_an_address_that_was_verified(trial: Trial) {
        let (Post { server, workers }, db) = Post::open(&trial).await;
        let kim = sign_up(&db, "kim@shop.example").await.unwrap().id;
        let lee = sign_up(&db, "lee@shop.example").await.unwrap().id;
        verify(&db, kim).await;
        trial.advance(1);
        link(&db, kim, "666").await;
        link(&db, lee, "667").await;
        let working = Running::start(workers, &db);
        let linked = async |count| {
            until("linked", async || {
                let mails = server.mails_to("kim@shop.example");
                mails.iter().filter(|mail| mail.text().trim() == "linked kakao").count() == count
            }).await;
        };
        linked(1).await;
        trial.advance(1);
        link(&db, kim, "668").await;
        linked(2).await;
        until("all is done", async || {
            !crate::support::everything(&db).await.contains("identity.mail_linked")
        }).await;
        assert!(server.mails_to("lee@shop.example").is_empty(), "nobody verified it");
        let mails = server.mails_to("kim@shop.example");
        let last_two: Vec<_> = mails.iter().rev().take(2).map(Received::message_id).collect();
        assert_ne!(last_two[0], last_two[1], "programs show both");
        working.stop().await;
    }

    async fn a_business_is_told_what_was_decided_and_why(trial: Trial) {
        let (Post { server, workers }, db) = Post::open(&trial).await;
        let kim = sign_up(&db, "kim@shop.example").await.unwrap().id;
        let operator = sign_up(&db, "operator@shop.example").await.unwrap().id;
        verify(&db, kim).await;
        appoint(&db, operator).await;
        let (double, service) = tax_service().await;
        double.put(registered(NUMBER, Standing::Active));
        let working = Running::start(checking::on(workers, service), &db);
        let told = async |text: &str| {
            until(text, async || {
                let mails = server.mails_to("kim@shop.example");
                mails.iter().any(|mail| mail.text().trim() == text)
            }).await;
        };
        let id = apply(&db, kim, NUMBER).await.unwrap();
        until("checked", async || read(&db, id).await.checked.is_some()).await;
        decide(&db, operator, id, Decision::Approve).await.unwrap();
        told("decided Approved as the rules say").await;
        trial.advance(1);
        decide(&db, operator, id, Decision::Suspend).await.unwrap();
        told("decided Suspended as the rules say").await;
        assert_eq!(read(&db, id).await.state, State::Suspended);
        working.stop().await;
    }
}
