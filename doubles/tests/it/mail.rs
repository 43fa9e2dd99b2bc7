//! Mails, handed in by the client that the shop uses.

use std::time::Duration;

use doubles::{
    Fault, Faults, Setting,
    mail::{Mail, MailServer},
};
use outbound::{Letter, MailError, MailOptions, MailTls, Mailer, Secret};

use crate::support::{DEADLINE, until};

fn mailer(server: &MailServer, password: &str) -> Mailer {
    let address = server.address();
    let from = "러시게이트 <no-reply@shop.example>".to_owned();
    let login = Some(("shop".to_owned(), Secret::new(password.to_owned())));
    let options = MailOptions::new(address.ip().to_string(), address.port(), from, DEADLINE);
    Mailer::new(MailOptions { tls: MailTls::Absent, login, ..options }).unwrap()
}

fn letter(key: &str) -> Letter<'_> {
    Letter {
        to: "anna@example.com",
        subject: "가입을 확인해 주세요",
        text: "아래 주소를 열어 주세요.\n.\n\nhttps://shop.example/verify?token=abc=\n",
        html: Some("<p>아래 주소를 열어 주세요.</p>"),
        key,
    }
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let server = MailServer::start(Setting::local(), Some(("shop", "hush"))).await.unwrap();
    mailer(&server, "hush").send(letter("task-1")).await.unwrap();
    let mail = &server.mails_to("anna@example.com")[0];
    assert_eq!(mail.from, "no-reply@shop.example");
    assert_eq!(mail.subject(), "가입을 확인해 주세요");
    assert!(
        mail.text().starts_with("아래 주소를 열어 주세요.\r\n.\r\n")
            || mail.text().starts_with("아래 주소를 열어 주세요.\n.\n"),
        "{mail:?}"
    );
    assert_eq!(mail.link("https://").unwrap(), "https://shop.example/verify?token=abc=");
    assert_eq!(mail.html().unwrap().trim_end(), "<p>아래 주소를 열어 주세요.</p>");
    assert_eq!(mail.message_id(), "task-1@shop.example");
}

#[tokio::test]
async fn a_failed_mail_says_whether_it_may_have_been_taken() {
    let server = MailServer::start(Setting::local(), Some(("shop", "hush"))).await.unwrap();
    let right = mailer(&server, "hush");
    for (fault, is_kept) in [
        (Fault::Refused, false),
        (Fault::LostBefore, false),
        (Fault::LostAfter, true),
        (Fault::Silent, true),
    ] {
        let before = server.mails().len();
        server.faults().next("mail", Some(fault));
        let error = right.send(letter("task-2")).await.unwrap_err();
        let is_later = matches!(error, MailError::Later(_));
        assert_eq!(is_later, fault == Fault::Refused, "{fault:?}: {error:?}");
        assert!(is_later || matches!(error, MailError::Unheard(_)), "{fault:?}: {error:?}");
        assert_eq!(server.mails().len() > before, is_kept, "{fault:?}");
    }
    let error = mailer(&server, "wrong").send(letter("task-3")).await.unwrap_err();
    assert!(matches!(&error, MailError::Later(why) if why.contains("535")), "{error:?}");
    let nobody = Letter { to: "nobody", ..letter("task-4") };
    assert!(matches!(right.send(nobody).await, Err(MailError::Refused(_))));
    let two = Letter { key: "two\r\nlines", ..letter("") };
    assert!(matches!(right.send(two).await, Err(MailError::Refused(_))));
    drop(server);
    assert!(matches!(right.send(letter("task-5")).await, Err(MailError::Later(_))));
}

#[tokio::test]
async fn a_mail_that_was_overtaken_comes_after_the_one_handed_in_later() {
    let faults = Faults::seeded(0, 0, Duration::from_millis(1_200));
    let setting = Setting { faults, ..Setting::local() };
    let server = MailServer::start(setting, Some(("shop", "hush"))).await.unwrap();
    let mailer = mailer(&server, "hush");
    server.faults().next("mail", Some(Fault::Overtaken));
    let given_up = mailer.send(letter("task-1")).await.unwrap_err();
    assert!(matches!(given_up, MailError::Unheard(_)), "{given_up:?}");
    mailer.send(letter("task-2")).await.unwrap();
    assert_eq!(server.mails().len(), 1, "the first is still on its way");
    until("the first has come", || server.faults().late_arrivals("mail") == 1).await;
    let ids: Vec<_> = server.mails().iter().map(Mail::message_id).collect();
    assert_eq!(ids, ["task-2@shop.example", "task-1@shop.example"]);
}
