//! What a failed mail says about whether it was taken.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use outbound::{Letter, MailError, MailOptions, MailTls, Mailer, Secret, TargetError};

/// Verbs with what is answered to them; nothing is no answer. `.` is the end of a mail.
type Script = &'static [(&'static str, &'static str)];

/// A server that takes every mail but for what its script says.
fn server(script: Script) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || converse(&stream.unwrap(), script));
        }
    });
    port
}

fn converse(mut stream: &TcpStream, script: Script) {
    stream.write_all(b"220 here\r\n").unwrap();
    let mut is_content = false;
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if is_content && line != "." {
            continue;
        }
        let verb = line.split([' ', ':']).next().unwrap();
        let usual = match verb {
            "EHLO" => "250-here\r\n250 AUTH PLAIN",
            "DATA" => "354 go on",
            "AUTH" => "235 welcome",
            _ => "250 ok",
        };
        let said = script.iter().find(|(of, _)| *of == verb).map_or(usual, |(_, answer)| answer);
        is_content = verb == "DATA" && said.starts_with("354");
        if !said.is_empty() {
            // The client may have gone.
            drop(stream.write_all(format!("{said}\r\n").as_bytes()));
        }
    }
}

fn options(host: &str, port: u16) -> MailOptions {
    let from = "no-reply@shop.example".to_owned();
    let deadline = Duration::from_millis(600);
    let options = MailOptions::new(host.to_owned(), port, from, deadline);
    MailOptions { tls: MailTls::Absent, ..options }
}

const LETTER: Letter<'_> =
    Letter { to: "anna@example.com", subject: "hush", text: "hush", html: Some("hush"), key: "t1" };

async fn sent(script: Script, letter: Letter<'_>) -> Result<(), MailError> {
    Mailer::new(options("127.0.0.1", server(script))).unwrap().send(letter).await
}

#[tokio::test]
async fn only_a_no_to_the_recipient_or_the_mail_is_final() {
    for (script, is_final) in [
        (&[("RCPT", "550 5.1.1 no such mailbox")] as Script, true),
        (&[("DATA", "554 5.7.1 refused")], true),
        (&[(".", "554 5.6.0 looks like spam")], true),
        // What the operator has to mend.
        (&[("EHLO", "550 go away"), ("HELO", "550 go away")], false),
        (&[("MAIL", "530 5.7.0 authentication required")], false),
        (&[("MAIL", "550 5.7.1 this sender is not allowed")], false),
        (&[("RCPT", "530 5.7.0 authentication required")], false),
        (&[("RCPT", "503 5.5.1 bad sequence")], false),
        // What passes.
        (&[("RCPT", "450 4.2.1 greylisted")], false),
        (&[(".", "451 4.3.0 try again")], false),
        // What is silent before the content was handed in.
        (&[("MAIL", "")], false),
        (&[("DATA", "")], false),
        // A server that does not say goodbye changes nothing.
        (&[("RCPT", "550 5.1.1 no such mailbox"), ("QUIT", "")], true),
        (&[("RCPT", "450 4.2.1 greylisted"), ("QUIT", "")], false),
    ] {
        let error = sent(script, LETTER).await.unwrap_err();
        assert_eq!(matches!(error, MailError::Refused(_)), is_final, "{script:?}: {error:?}");
        assert_eq!(matches!(error, MailError::Later(_)), !is_final, "{script:?}: {error:?}");
    }
    let unheard = sent(&[(".", "")], LETTER).await;
    assert!(matches!(unheard, Err(MailError::Unheard(_))), "{unheard:?}");
    sent(&[("QUIT", "")], LETTER).await.unwrap();
}

#[tokio::test]
async fn an_address_that_the_server_cannot_take_is_refused() {
    let beyond = Letter { to: "안나@example.com", ..LETTER };
    let refused = sent(&[], beyond).await;
    assert!(matches!(refused, Err(MailError::Refused(_))), "{refused:?}");
    sent(&[("EHLO", "250-here\r\n250-8BITMIME\r\n250 SMTPUTF8")], beyond).await.unwrap();
}

#[tokio::test]
async fn a_login_is_not_sent_over_the_network_in_plain_text() {
    let login = || Some(("shop".to_owned(), Secret::new("hush".to_owned())));
    for host in ["mail.shop.example", "10.0.0.1"] {
        let refused = Mailer::new(MailOptions { login: login(), ..options(host, 25) }).unwrap_err();
        assert_eq!(refused, TargetError::Login, "{host}");
        assert!(Mailer::new(options(host, 25)).is_ok(), "{host}");
    }
    for host in ["127.0.0.1", "localhost", "::1"] {
        assert!(Mailer::new(MailOptions { login: login(), ..options(host, 25) }).is_ok());
    }
    let mailer = MailOptions { login: login(), ..options("127.0.0.1", server(&[])) };
    Mailer::new(mailer).unwrap().send(LETTER).await.unwrap();
}

#[test]
fn no_debug_output_shows_a_mail() {
    assert_eq!(format!("{LETTER:?}"), "Letter(t1, 4 bytes)");
}
