//! What is true of every call.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
    time::Duration,
};

use base::writing;
use hyper::{StatusCode, header::LOCATION};
use outbound::{AnswerBound, Call, CallError, Options, Reach, Target, TargetError, Trust};
use testkit::documents::{Documents, Manner};
use tokio::time::{Instant, sleep};

const DEADLINE: Duration = Duration::from_millis(600);

fn options() -> Options {
    Options { reach: Reach::Anywhere, ..Options::new(DEADLINE) }
}

fn target(server: &Documents) -> Target {
    Target::new(&server.url(), options()).unwrap()
}

#[tokio::test]
async fn a_server_that_says_nothing_costs_no_more_than_the_deadline_and_may_have_done_it() {
    let server = Documents::start(Manner::Hang).unwrap();
    let error = target(&server).send(Call::post("").json(&1)).await.unwrap_err();
    assert_eq!(error, CallError::Unheard("no answer within 600 ms".to_owned()));
    server.turn(Manner::Close);
    let error = target(&server).send(Call::post("").json(&1)).await.unwrap_err();
    assert!(error.may_have_happened(), "{error}");
}

#[tokio::test]
async fn what_never_left_is_safe_to_repeat() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let target = Target::new(&format!("http://127.0.0.1:{port}"), options()).unwrap();
    let error = target.send(Call::get("/")).await.unwrap_err();
    assert!(!error.may_have_happened(), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");
    let error = target.send(Call::get("no-slash")).await.unwrap_err();
    assert!(!error.may_have_happened(), "{error:?}");
}

#[tokio::test]
async fn no_more_of_an_answer_is_read_than_its_bound() {
    let server = Documents::start(Manner::Endless).unwrap();
    let whole = Options { answer: AnswerBound::Whole { bytes_max: 4_096 }, ..options() };
    let error = Target::new(&server.url(), whole).unwrap().send(Call::get("")).await.unwrap_err();
    assert_eq!(error, CallError::Unheard("the answer is longer than 4096 bytes".to_owned()));

    let answer = AnswerBound::Beginning { bytes_max: 10, within: DEADLINE };
    let beginning = Target::new(&server.url(), Options { answer, ..options() }).unwrap();
    let answer = beginning.send(Call::get("")).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 10));
}

/// A server that answers the first bytes of every connection with these, and then says nothing more for
/// as long as its client stays.
fn says(answer: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer) = (stream.unwrap(), answer.clone());
            thread::spawn(move || {
                let mut heard = [0; 4_096];
                if stream.read(&mut heard).is_ok() {
                    // The client may go before it read all of it.
                    drop(stream.write_all(&answer));
                }
                while stream.read(&mut heard).is_ok_and(|bytes| bytes > 0) {}
            });
        }
    });
    port
}

#[tokio::test]
async fn a_handshake_that_stalls_is_a_call_that_never_left() {
    let port = says(Vec::new());
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let trust = Trust::Pem(made.cert.pem().into_bytes());
    let target =
        Target::new(&format!("https://localhost:{port}"), Options { trust, ..options() }).unwrap();
    let error = target.send(Call::post("").json(&1)).await.unwrap_err();
    assert!(!error.may_have_happened(), "{error:?}");
    assert!(error.to_string().contains("no connection within 300 ms"), "{error}");
}

#[tokio::test]
async fn a_call_whose_answer_is_the_status_ends_within_its_deadline_too() {
    let port = says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc".to_vec());
    let within = 20 * DEADLINE;
    let answer = AnswerBound::Beginning { bytes_max: 10, within };
    let options = Options { answer, ..options() };
    let target = Target::new(&format!("http://127.0.0.1:{port}"), options).unwrap();
    let begun = Instant::now();
    let answer = target.send(Call::get("")).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"abc"[..]));
    assert!(begun.elapsed() < 2 * DEADLINE, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn no_head_of_an_answer_is_longer_than_its_bound() {
    let head = |bytes: usize| {
        format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: {}\r\n\r\n", "x".repeat(bytes))
    };
    for (bytes, is_taken) in [(32 * 1_024, true), (200 * 1_024, false)] {
        let port = says(head(bytes).into_bytes());
        let target = Target::new(&format!("http://127.0.0.1:{port}"), options()).unwrap();
        let answer = target.send(Call::get("")).await;
        assert_eq!(answer.is_ok(), is_taken, "{bytes}: {answer:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other() {
    let elsewhere = Documents::start(Manner::Serve("{}".to_owned(), "")).unwrap();
    let server = Documents::start(Manner::Redirect(elsewhere.url())).unwrap();
    let answer = target(&server).send(Call::get("")).await.unwrap();
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(answer.header(&LOCATION), Some(elsewhere.url().as_str()));
    assert_eq!(elsewhere.asked(), 0);
}

#[tokio::test]
async fn a_private_address_is_refused_written_out_or_resolved() {
    let server = Documents::start(Manner::Serve("{}".to_owned(), "")).unwrap();
    let port = server.addr().port();
    for url in ["127.0.0.1", "[::1]", "169.254.169.254"].map(|host| format!("http://{host}:{port}"))
    {
        let refused = Target::new(&url, Options::new(DEADLINE)).unwrap_err();
        assert_eq!(refused, TargetError::Address, "{url}");
    }
    // Ways to write an address that only the resolver of the system reads as one.
    for host in ["localhost", "127.1", "0x7f000001"] {
        let url = format!("http://{host}:{port}");
        let public = Target::new(&url, Options::new(DEADLINE)).unwrap();
        let error = public.send(Call::get("/")).await.unwrap_err();
        assert!(matches!(error, CallError::Unsent(_)), "{host}: {error:?}");
    }
    assert_eq!(server.asked(), 0);
    let near = Target::new(&format!("http://localhost:{port}"), options()).unwrap();
    assert_eq!(near.send(Call::get("/")).await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn further_calls_wait_until_one_under_way_ends_or_is_given_up() {
    let server = Documents::start(Manner::Hang).unwrap();
    let deadline = Duration::from_secs(20);
    let one = Options { in_flight_max: 1, deadline, ..options() };
    let target = Target::new(&server.url(), one).unwrap();
    let call = |target: Target| tokio::spawn(async move { target.send(Call::get("")).await });
    let first = call(target.clone());
    while server.asked() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    server.turn(Manner::Serve("[7]".to_owned(), ""));
    let second = call(target);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(server.asked(), 1, "the second call waits");
    first.abort();
    let answer = second.await.unwrap().unwrap();
    assert_eq!(answer.json::<Vec<u8>>().unwrap(), [7]);
}

#[tokio::test]
#[should_panic(expected = "no call to another service is made inside a write")]
async fn nothing_is_called_inside_a_write() {
    let server = Documents::start(Manner::Serve("{}".to_owned(), "")).unwrap();
    let target = target(&server);
    drop(writing::within(target.send(Call::get(""))).await);
}
