//! Who a proxy vouches for: one live place per identity, and nobody's word counts but a listed
//! proxy's.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    client::{Ask, Told, get, post},
    wall::{Wall, text},
};

/// The listed proxy's address; everything else comes from 127.0.0.1.
const PROXY: [u8; 4] = [127, 0, 0, 2];

async fn paused(rejoin: &str) -> Wall<'static> {
    let wall = Wall::new(json!({ "identity": "header", "rejoin": rejoin })).await;
    wall.act("pause", Value::Null).await;
    wall
}

fn enter(wall: &Wall<'_>, id: &str) -> Ask {
    post(wall.path("enter")).header("x-shopper-id", id).from(PROXY)
}

#[tokio::test]
async fn only_a_listed_proxys_word_counts() {
    let wall = paused("keep").await;
    let unlisted = [
        post(wall.path("enter")).header("x-shopper-id", "anna"),
        post(wall.path("enter"))
            .header("x-shopper-id", "anna")
            .header("x-forwarded-for", "127.0.0.2"),
        post(wall.path("enter")).header("x-shopper-id", "anna").from([127, 0, 0, 3]),
        post(wall.path("enter")).header("forwarded", "for=127.0.0.2"),
        post(wall.path("enter")).from(PROXY),
        enter(&wall, "anna").header("x-shopper-id", "bert"),
        enter(&wall, ""),
        enter(&wall, "an na"),
        enter(&wall, &"a".repeat(129)),
    ];
    for ask in unlisted {
        wall.tell(ask).await.refuses(401, "identity_invalid");
    }
    assert_eq!(wall.stats().await["entered"], 0);
    wall.tell(enter(&wall, "anna")).await.is(202);
}

#[tokio::test]
async fn scenario_7_defect_4_a_kept_place_stays_and_a_tail_place_is_given_up() {
    let wall = paused("keep").await;
    let first = wall.tell(enter(&wall, "anna")).await.is(202).json();
    wall.tell(enter(&wall, "bert")).await.is(202);
    let again = wall.tell(enter(&wall, "anna")).await.is(202).json();
    assert_eq!((&first["number"], &again["number"]), (&json!(1), &json!(1)));

    let wall = paused("tail").await;
    let first = wall.tell(enter(&wall, "anna")).await.is(202).json();
    wall.tell(enter(&wall, "bert")).await.is(202);
    let again = wall.tell(enter(&wall, "anna")).await.is(202).json();
    assert_eq!((&again["number"], &again["position"]), (&json!(3), &json!(2)));
    wall.position(&text(&first["ticket"])).await.refuses(410, "ticket_left");
    assert_eq!(wall.stats().await["line_length"], 2);
}

/// Scenario 7.
#[tokio::test]
async fn scenario_7_a_thousand_who_join_at_once_have_their_places_and_nobody_falls_behind() {
    let wall = paused("tail").await;
    let client = wall.server.client;
    let early = wall.tell(enter(&wall, "early")).await.is(202).json();
    let tasks: JoinSet<_> =
        (0..998).map(|nth| client.tell(enter(&wall, &format!("s{nth}")))).collect();
    let crowd: Vec<_> = tasks.join_all().await.iter().map(Told::json).collect();
    let late = wall.tell(enter(&wall, "late")).await.is(202).json();
    assert_eq!((&early["position"], &late["position"]), (&json!(1), &json!(1_000)));
    let positions: BTreeSet<u64> =
        crowd.iter().map(|place| place["position"].as_u64().unwrap()).collect();
    assert_eq!(positions, (2..=999).collect());
    assert!(crowd.iter().all(|place| place["number"] == place["position"]));

    // Whoever enters again stands last, and whoever stood behind them is nearer by one.
    let again = wall.tell(enter(&wall, "early")).await.is(202).json();
    assert_eq!((&again["position"], &again["number"]), (&json!(1_000), &json!(1_001)));
    for place in crowd.iter().step_by(50).chain([&late]) {
        let now = wall.position(&text(&place["ticket"])).await.is(200).json();
        assert_eq!(now["position"].as_u64().unwrap() + 1, place["position"].as_u64().unwrap());
    }
    // Nobody says who they are in a body.
    let named = enter(&wall, "late").json(&json!({ "user_id": "early" }));
    wall.tell(named).await.refuses(422, "invalid_request");
}

#[tokio::test]
async fn entering_many_times_at_once_gives_one_number() {
    for rejoin in ["keep", "tail"] {
        let wall = paused(rejoin).await;
        let client = wall.server.client;
        let tasks: JoinSet<_> = (0..50).map(|_| client.tell(enter(&wall, "anna"))).collect();
        let told = tasks.join_all().await;
        assert!(told.iter().all(|told| told.status == 202));
        assert_eq!(wall.stats().await["line_length"], 1, "{rejoin}");
        let numbers: BTreeSet<u64> =
            told.iter().map(|told| told.json()["number"].as_u64().unwrap()).collect();
        if rejoin == "keep" {
            assert_eq!(numbers, BTreeSet::from([1]));
        }
        let mut here = 0;
        for told in told {
            let ticket = text(&told.json()["ticket"]);
            let place = wall.tell(get(wall.path("position")).bearer(&ticket)).await;
            if place.status == 200 {
                here = place.json()["number"].as_u64().unwrap();
            } else {
                place.refuses(410, "ticket_left");
            }
        }
        assert_eq!(Some(&here), numbers.last(), "{rejoin}");
    }
}

#[tokio::test]
async fn a_limit_holds_over_all_places_of_one_identity() {
    let wall = Wall::new(json!({ "identity": "header", "per_shopper_max": 1 })).await;
    let first = wall.tell(enter(&wall, "anna")).await.is(200).json();
    wall.buy(&text(&first["pass"]), 1, "one").await.is(201);
    wall.tell(post(wall.path("leave")).bearer(&text(&first["ticket"]))).await.is(204);
    let second = wall.tell(enter(&wall, "anna")).await.is(200).json();
    assert_eq!(second["number"], 2);
    wall.buy(&text(&second["pass"]), 1, "two").await.refuses(409, "limit_exceeded");
    // The purchase of the first place is still this shopper's.
    wall.show("p1-1", &text(&second["pass"])).await.is(200);
}

#[tokio::test]
async fn a_key_does_not_make_two_identities_one() {
    let wall = paused("keep").await;
    let anna = wall.tell(enter(&wall, "anna").key("k")).await.is(202);
    let bert = wall.tell(enter(&wall, "bert").key("k")).await.is(202);
    assert_ne!(anna.json()["number"], bert.json()["number"]);
    let again = wall.tell(enter(&wall, "anna").key("k")).await.is(202);
    assert!(again.replayed());
    assert_eq!(again.body, anna.body);
}

#[tokio::test]
async fn an_anonymous_sale_takes_nobodys_word() {
    let wall = Wall::new(json!({})).await;
    let one = wall.tell(enter(&wall, "anna")).await.is(200).json();
    let two = wall.tell(enter(&wall, "anna")).await.is(200).json();
    assert_ne!(one["number"], two["number"]);
}
