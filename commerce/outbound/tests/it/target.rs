//! What is true of every call.

use std::{net::TcpListener, time::Duration};

use base::writing;
use hyper::{StatusCode, header::LOCATION};
use outbound::{AnswerBound, Call, CallError, Options, Reach, Target, TargetError};
use testkit::documents::{Documents, Manner};
use tokio::time::sleep;

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
