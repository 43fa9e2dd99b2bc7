//! `identity = "invite"`: an invitation is good for one entry into its sale.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{
    browser::{Browser, browser},
    client::{Told, ask, get, post},
    process::{CONFIG, Server},
    wall::{Wall, eventually, text},
};

async fn invites(wall: &Wall<'_>, body: Value) -> Vec<String> {
    let made = wall.operator(post(wall.admin("invites")).json(&body)).await.is(201).json();
    assert_eq!(made["sale"], wall.name());
    made["invites"].as_array().unwrap().iter().map(text).collect()
}

async fn enter(wall: &Wall<'_>, invite: &str) -> Told {
    wall.tell(post(wall.path("enter")).bearer(invite)).await
}

async fn leave(wall: &Wall<'_>, entered: &Value) {
    wall.tell(post(wall.path("leave")).bearer(&text(&entered["ticket"]))).await.is(204);
}

#[tokio::test]
async fn an_invitation_gives_one_place_and_is_used_up_when_that_is_over() {
    let wall = Wall::new(json!({ "identity": "invite", "rejoin": "tail" })).await;
    wall.act("pause", Value::Null).await;
    let all = invites(&wall, json!({ "count": 3 })).await;
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 3);
    let first = enter(&wall, &all[0]).await.is(202).json();
    let second = enter(&wall, &all[1]).await.is(202).json();
    assert_eq!((&first["number"], &second["number"]), (&json!(1), &json!(2)));
    let again = enter(&wall, &all[0]).await.is(202).json();
    assert_eq!(again["number"], 1, "a lost answer is asked for again");
    leave(&wall, &first).await;
    enter(&wall, &all[0]).await.refuses(409, "invite_used");
    enter(&wall, &all[1]).await.is(202);
    enter(&wall, &all[2]).await.is(202);
    assert_eq!(wall.stats().await["entered"], 3);
}

#[tokio::test]
async fn a_crowd_with_one_invitation_gets_one_place() {
    let wall = Wall::new(json!({ "identity": "invite" })).await;
    wall.act("pause", Value::Null).await;
    let invite = invites(&wall, json!({ "count": 1 })).await.remove(0);
    let client = wall.server.client;
    let ask = || post(wall.path("enter")).bearer(&invite);
    let tasks: JoinSet<_> = (0..50).map(|_| client.tell(ask())).collect();
    let told = tasks.join_all().await;
    assert!(told.iter().all(|told| told.status == 202 && told.json()["number"] == 1));
    assert_eq!(wall.stats().await["entered"], 1);
}

#[tokio::test]
async fn what_is_no_invitation_to_this_sale_now_takes_no_number() {
    let (wall, other) =
        (Wall::new(json!({ "identity": "invite" })).await, Wall::new(json!({})).await);
    let elsewhere = Wall::new(json!({ "identity": "invite" })).await;
    let good = invites(&wall, json!({ "count": 1 })).await.remove(0);
    let foreign = invites(&elsewhere, json!({ "count": 1 })).await.remove(0);
    let past = json!({ "count": 1, "expires_at": "2026-01-01T00:00:00Z" });
    let expired = invites(&wall, past).await.remove(0);
    let later = json!({ "count": 1, "expires_at": "9999-01-01T00:00:00Z" });
    let lasting = invites(&wall, later).await.remove(0);
    let changed = format!("B{}", &good[1..]);
    for (invite, words) in [
        (foreign.as_str(), "to another sale"),
        (&expired, "has expired"),
        (&changed, "invitation to this sale is required"),
        (&wall.server.operator, "invitation to this sale is required"),
    ] {
        let told = enter(&wall, invite).await.refuses(401, "identity_invalid").json();
        assert!(text(&told["detail"]).contains(words), "{told}");
    }
    wall.enter().await.refuses(401, "identity_invalid");
    assert_eq!(wall.stats().await["entered"], 0);
    enter(&wall, &lasting).await.is(200);

    let make = |wall: &Wall<'_>| post(wall.admin("invites")).json(&json!({ "count": 1 }));
    wall.tell(make(&wall)).await.refuses(401, "unauthorized");
    wall.backend(make(&wall)).await.refuses(403, "forbidden");
    wall.operator(make(&other)).await.refuses(422, "invalid_request");
    let none = post(wall.admin("invites")).json(&json!({ "count": 0 }));
    wall.operator(none).await.refuses(422, "invalid_request");
}

#[tokio::test]
async fn a_sale_that_is_made_again_takes_no_invitation_to_the_one_before() {
    let wall = Wall::new(json!({ "identity": "invite" })).await;
    let before = invites(&wall, json!({ "count": 2 })).await;
    let entered = enter(&wall, &before[0]).await.is(200).json();
    leave(&wall, &entered).await;
    wall.operator(ask("DELETE", wall.admin(""))).await.is(204);
    let again = wall.again(json!({ "identity": "invite" })).await;
    for old in &before {
        let told = enter(&again, old).await.refuses(401, "identity_invalid").json();
        assert!(text(&told["detail"]).contains("to another sale"), "{told}");
    }
    enter(&again, &invites(&again, json!({ "count": 1 })).await[0]).await.is(200);
    assert_eq!(again.stats().await["entered"], 1);
}

#[tokio::test]
async fn a_used_invitation_stays_used_when_the_secret_is_rotated() {
    const OLD: &str = "the old secret of this node, long enough";
    const NEW: &str = "the new secret of this node, long enough";
    let dir = TempDir::new().unwrap();
    let start = |secret: &str, previous: Option<&str>| {
        let mut environment = vec![("RUSHGATE__KEYS__SECRET", secret.to_owned())];
        environment.extend(previous.map(|old| ("RUSHGATE__KEYS__PREVIOUS_SECRET", old.to_owned())));
        Server::start_in(dir.path(), CONFIG, &environment)
    };
    let server = start(OLD, None);
    let wall = Wall::on(&server, json!({ "identity": "invite" })).await;
    let all = invites(&wall, json!({ "count": 3 })).await;
    let entered = enter(&wall, &all[0]).await.is(200).json();
    leave(&wall, &entered).await;
    enter(&wall, &all[1]).await.is(200);
    let path = wall.path("enter");
    server.kill();
    let server = start(NEW, Some(OLD));
    let ask = |invite: &str| server.client.tell(post(path.as_str()).bearer(invite));
    ask(&all[0]).await.refuses(409, "invite_used");
    let same = eventually(|| async { Some(ask(&all[1]).await).filter(|told| told.status == 200) });
    assert_eq!(same.await.json()["number"], 2, "the same place");
    assert_eq!(ask(&all[2]).await.is(200).json()["number"], 3);
}

/// Opens the link of an invitation as a browser does, and follows it to the room.
async fn opens(browser: &mut Browser<'_>, invite: &str) -> String {
    let told = browser.send(get(browser.room(&format!("?invite={invite}")))).await.is(303);
    assert_eq!(told.header("location"), Some(browser.room("").as_str()), "the link is not kept");
    assert_eq!(told.header("cache-control"), Some("no-store"));
    browser.page().await
}

#[tokio::test]
async fn a_guest_enters_by_a_link_and_the_page_says_what_became_of_the_invitation() {
    let mut browser = browser(json!({ "identity": "invite" })).await;
    let all = invites(&browser.wall, json!({ "count": 2 })).await;
    let page = browser.page().await;
    assert!(page.contains("This sale is by invitation") && !page.contains("/enter\""), "{page}");
    let page = browser.form("/enter", "").await;
    assert!(page.contains("not a valid invitation"), "a form of before: {page}");

    let page = opens(&mut browser, &all[0]).await;
    assert!(page.contains("You are invited") && page.contains("/enter\""), "{page}");
    let name = format!("rushgate-invite.{}", browser.wall.name());
    assert!(!page.contains(&all[0]) && browser.cookies[&name] == all[0]);
    browser.wall.act("pause", Value::Null).await;
    let page = browser.form("/enter", "").await;
    assert!(page.contains("data-state=\"waiting\"") && page.contains("used up with it"), "{page}");
    // The ticket is lost, the place is not.
    browser.cookies.remove(&browser.ticket());
    let page = browser.form("/enter", "").await;
    assert!(page.contains("data-state=\"waiting\""), "{page}");
    assert_eq!(browser.wall.stats().await["entered"], 1);

    let page = browser.form("/leave", "").await;
    assert!(page.contains("You have left the line"), "{page}");
    assert!(page.contains("good for this one place") && !page.contains("/enter\""), "{page}");
    assert!(!browser.cookies.contains_key(&name), "it is good for nothing");
    assert!(browser.page().await.contains("This sale is by invitation"));
    opens(&mut browser, &all[0]).await;
    let page = browser.form("/enter", "").await;
    assert!(page.contains("already been used") && !page.contains("/enter\""), "{page}");

    opens(&mut browser, &all[1]).await;
    let page = browser.form("/enter", "").await;
    assert!(page.contains("data-state=\"waiting\""), "another invitation, another place: {page}");
    assert_eq!(browser.wall.stats().await["entered"], 2);
}

#[tokio::test]
async fn a_link_replaces_no_invitation_that_is_kept_and_holds() {
    let mut browser = browser(json!({ "identity": "invite" })).await;
    let all = invites(&browser.wall, json!({ "count": 3 })).await;
    let entered = enter(&browser.wall, &all[0]).await.is(200).json();
    leave(&browser.wall, &entered).await;
    opens(&mut browser, &all[1]).await;
    opens(&mut browser, &all[0]).await;
    let name = format!("rushgate-invite.{}", browser.wall.name());
    assert_eq!(browser.cookies[&name], all[1], "the link's is used already");
    let page = browser.form("/enter", "").await;
    assert!(page.contains("You can buy now"), "{page}");
    opens(&mut browser, &all[2]).await;
    assert_eq!(browser.cookies[&name], all[2], "the one before has its place");
}

#[tokio::test]
async fn a_ticket_of_a_sale_that_was_made_again_says_nothing_of_invitations() {
    let mut browser = browser(json!({ "identity": "invite" })).await;
    let invite = invites(&browser.wall, json!({ "count": 1 })).await.remove(0);
    opens(&mut browser, &invite).await;
    browser.form("/enter", "").await;
    browser.post("/leave", "").await.is(303);
    browser.wall.operator(ask("DELETE", browser.wall.admin(""))).await.is(204);
    browser.wall.again(json!({ "identity": "invite" })).await;
    let page = browser.page().await;
    assert!(page.contains("Open the link in your invitation"), "{page}");
    assert!(!page.contains("good for this one place"), "{page}");
}

#[tokio::test]
async fn a_link_whose_invitation_does_not_hold_says_why_in_both_languages() {
    let mut browser = browser(json!({ "identity": "invite" })).await;
    let elsewhere = Wall::new(json!({ "identity": "invite" })).await;
    let foreign = invites(&elsewhere, json!({ "count": 1 })).await.remove(0);
    let past = json!({ "count": 1, "expires_at": "2026-01-01T00:00:00Z" });
    let expired = invites(&browser.wall, past).await.remove(0);
    for (invite, english, korean) in [
        (foreign.as_str(), "invitation is for another sale", "다른 판매의 초대장입니다"),
        (&expired, "This invitation has expired", "기한이 지난 초대장입니다"),
        ("x%22%3E", "not a valid invitation", "올바른 초대장이 아닙니다"),
        ("", "not a valid invitation", "올바른 초대장이 아닙니다"),
    ] {
        for (language, words) in [("en", english), ("ko", korean)] {
            browser.cookies.insert("rushgate-language".to_owned(), language.to_owned());
            let page = opens(&mut browser, invite).await;
            assert!(page.contains(words) && !page.contains("/enter\""), "{words}: {page}");
            assert!(!browser.page().await.contains(words), "it is said once");
        }
    }
    assert!(browser.cookies.keys().all(|name| !name.contains("invite")), "{:?}", browser.cookies);

    // One that expired while it was kept, and a link with a choice of language.
    let name = format!("rushgate-invite.{}", browser.wall.name());
    browser.cookies.insert(name, expired);
    assert!(browser.page().await.contains("초대장의 기한이 지났습니다"));
    let good = invites(&browser.wall, json!({ "count": 1 })).await.remove(0);
    let page = opens(&mut browser, &format!("{good}&lang=en")).await;
    assert!(page.contains("You are invited"), "{page}");

    let mut open = crate::browser::browser(json!({})).await;
    opens(&mut open, &foreign).await;
    assert!(open.cookies.keys().all(|name| !name.contains("invite")), "nothing to be invited to");
}

#[tokio::test]
async fn a_fresh_data_directory_takes_no_invitation_of_the_one_before() {
    let secret =
        [("RUSHGATE__KEYS__SECRET", "a secret that is kept meanwhile, long enough".to_owned())];
    let dirs = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let rehearsal = Server::start_in(dirs[0].path(), CONFIG, &secret);
    let wall = Wall::on(&rehearsal, json!({ "identity": "invite" })).await;
    let old = invites(&wall, json!({ "count": 1 })).await.remove(0);
    let server = Server::start_in(dirs[1].path(), CONFIG, &secret);
    let wall = wall.again_on(&server, json!({ "identity": "invite" })).await;
    let told = enter(&wall, &old).await.refuses(401, "identity_invalid").json();
    assert!(text(&told["detail"]).contains("to another sale"), "{told}");
    enter(&wall, &invites(&wall, json!({ "count": 1 })).await[0]).await.is(200);
}

#[tokio::test]
async fn an_invitation_stays_used_through_a_crash() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path(), CONFIG);
    let wall = Wall::on(&server, json!({ "identity": "invite" })).await;
    let all = invites(&wall, json!({ "count": 2 })).await;
    let entered = enter(&wall, &all[0]).await.is(200).json();
    leave(&wall, &entered).await;
    let path = wall.path("enter");
    server.kill();
    let server = Server::start(dir.path(), CONFIG);
    let ask = |invite: &str| server.client.tell(post(path.as_str()).bearer(invite));
    ask(&all[0]).await.refuses(409, "invite_used");
    let told = eventually(|| async { Some(ask(&all[1]).await).filter(|told| told.status == 200) });
    assert_eq!(told.await.json()["number"], 2);
}
