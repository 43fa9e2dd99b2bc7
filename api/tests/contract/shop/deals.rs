//! Deals over HTTP: lists, hours, likes, what a seller writes and what a seller sold.

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::{Span, Timestamp, Zoned, tz::TimeZone};
use serde_json::{Value, json};

use super::{Shop, SignedIn, on_both};
use crate::client::{Told, get, post};

/// A day far ahead of which no other test books hours, and neither of the week after it.
pub(crate) fn free_day() -> Zoned {
    static NEXT: AtomicU32 = AtomicU32::new(20);
    let days = i64::from(NEXT.fetch_add(8, Ordering::Relaxed));
    today().checked_add(Span::new().days(days)).unwrap()
}

fn today() -> Zoned {
    let seoul = TimeZone::get("Asia/Seoul").unwrap();
    now().to_zoned(seoul).start_of_day().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the server under test has the clock on the wall")]
fn now() -> Timestamp {
    std::time::SystemTime::now().try_into().unwrap()
}

/// An hour of a day; 24 and more are of the next.
fn at(day: &Zoned, hour: i64) -> String {
    day.checked_add(Span::new().hours(hour)).unwrap().timestamp().to_string()
}

/// A deal in some hours of a day.
pub(crate) fn offer(day: &Zoned, hours: (i64, i64)) -> Value {
    json!({
        "title": "수분 미스트 100 ml", "description": "봄의 미스트\n\n두 병", "category": "beauty",
        "price": 17_900, "discount_percent": 19, "stock": 500, "per_shopper_max": 2,
        "opens_at": at(day, hours.0), "closes_at": at(day, hours.1), "media": [],
    })
}

fn with(mut offer: Value, name: &str, value: impl Into<Value>) -> Value {
    offer[name] = value.into();
    offer
}

pub(crate) async fn create(shop: Shop, by: &SignedIn, offer: &Value) -> Told {
    shop.tell(by.post("/v1/deals").json(offer)).await
}

/// A deal that is published.
pub(crate) async fn listed(shop: Shop, by: &SignedIn, offer: &Value) -> String {
    create(shop, by, offer).await.is(201).json()["deal"].as_str().unwrap().to_owned()
}

async fn read(shop: Shop, path: impl Into<String>) -> Value {
    shop.tell(get(path)).await.is(200).json()
}

fn titles(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|deal| deal["title"].as_str().unwrap()).collect()
}

fn faults(told: &Told) -> Vec<String> {
    let problem = told.json();
    let all = problem["errors"].as_array().unwrap().iter();
    all.map(|fault| fault["field"].as_str().unwrap().to_owned()).collect()
}

on_both! {
    /// Scenario 2, defect 19.
    async fn scenario_2_defect_19_an_hour_has_one_deal_however_many_want_it_at_once(shop) {
        let a = shop.of_demo("business").await;
        let b = shop.other_seller().await;
        let day = free_day();
        create(shop, &a, &offer(&day, (12, 15))).await.is(201);
        let taken = create(shop, &b, &offer(&day, (14, 16))).await.is(409);
        assert_eq!(taken.code(), "slot_taken");
        create(shop, &b, &offer(&day, (15, 17))).await.is(201);
        create(shop, &b, &offer(&day, (22, 24))).await.is(201);
        let wanted = offer(&day, (18, 20));
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..24 {
            let (by, offer) = (b.clone(), wanted.clone());
            all.spawn(async move { create(shop, &by, &offer).await.status });
        }
        let mut made = all.join_all().await;
        made.sort_unstable();
        assert_eq!((made[0], made[1], made[23]), (201, 409, 409), "{made:?}");
        let slots = read(shop, format!("/v1/slots?date={}", day.date())).await;
        let hours = slots["hours"].as_array().unwrap().iter().enumerate();
        let booked: Vec<usize> =
            hours.filter(|(_, booked)| **booked == true).map(|(hour, _)| hour).collect();
        assert_eq!(booked, [12, 13, 14, 15, 16, 18, 19, 22, 23]);
        assert_eq!(slots["room"][0], 1);
        assert_eq!(slots["room"][12], 0);
    }

    /// Defects 19 and 20.
    async fn defect_19_defect_20_everything_wrong_with_a_deal_is_told_at_once_in_both_languages(shop) {
        let by = shop.of_demo("business").await;
        let day = free_day();
        let wrong = json!({
            "title": " ", "category": "none", "price": 0, "discount_percent": 101, "stock": -1,
            "per_shopper_max": 0, "opens_at": at(&day, 12), "closes_at": at(&day, 12),
            "media": ["x"],
        });
        let all = [
            "title", "category", "price", "discount_percent", "stock", "per_shopper_max", "closes_at",
            "media",
        ];
        let english = create(shop, &by, &wrong).await.is(422);
        assert_eq!(faults(&english), all);
        assert!(english.text().contains("1 to 100 characters"), "{}", english.text());
        let korean = by.post("/v1/deals").header("accept-language", "ko").json(&wrong);
        let korean = shop.tell(korean).await.is(422);
        assert_eq!(faults(&korean), all);
        assert!(korean.text().contains("정가는 1원부터"), "{}", korean.text());
        let missing = create(shop, &by, &json!({ "titel": "x" })).await.is(422);
        for field in ["title", "category", "price", "stock", "opens_at", "closes_at", "titel"] {
            assert!(faults(&missing).contains(&field.to_owned()), "{field}: {}", missing.text());
        }
        let past = offer(&today().checked_sub(Span::new().days(2)).unwrap(), (12, 15));
        assert_eq!(create(shop, &by, &past).await.is(422).code(), "slot_past");
        let over_midnight = listed(shop, &by, &offer(&day, (22, 26))).await;
        let shown = read(shop, format!("/v1/deals/{over_midnight}")).await;
        assert_eq!(shown["closes_at"], at(&day, 26));
        let foreign = with(offer(&day, (2, 4)), "media", json!(["01hykpqsvm0000000000000001"]));
        assert_eq!(create(shop, &by, &foreign).await.is(422).code(), "picture_unknown");
    }

    /// Defects 29 and 31.
    async fn defect_29_defect_31_a_deal_is_everybodys_to_read_and_only_its_page_names_who_sells(shop) {
        let by = shop.of_demo("business").await;
        let day = free_day();
        let deal = listed(shop, &by, &offer(&day, (12, 15))).await;
        let shown = read(shop, format!("/v1/deals/{deal}")).await;
        assert_eq!((&shown["state"], &shown["liked"]), (&json!("scheduled"), &json!(false)));
        assert_eq!((&shown["price"], &shown["sale_price"]), (&json!(17_900), &json!(14_499)));
        assert_eq!((&shown["currency"], &shown["available"]), (&json!("KRW"), &json!(500)));
        assert!(shown["company"]["business_number"].is_string(), "{shown}");
        assert!(shown["own"].is_null(), "{shown}");
        let list = read(shop, format!("/v1/deals?day={}", day.date())).await;
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        let told = list.to_string();
        assert!(!told.contains("business_number") && !told.contains("ceo"), "{told}");
        let own = shop.tell(by.get(&format!("/v1/deals/{deal}"))).await.is(200).json();
        assert_eq!(own["own"]["sold"], 0);
        assert_eq!(shop.tell(get("/v1/deals/nothing")).await.is(404).code(), "not_found");
        let unknown = shop.tell(get("/v1/deals/01hykpqsvm0000000000000001")).await;
        assert_eq!(unknown.is(404).code(), "deal_unknown");
    }

    /// Scenario 5, defect 21.
    async fn scenario_5_defect_21_a_week_has_seven_days_and_a_day_its_deals_in_their_order(shop) {
        let by = shop.of_demo("business").await;
        let first = free_day();
        let sixth = first.checked_add(Span::new().days(6)).unwrap();
        for (day, hours, title) in [
            (&first, (16, 18), "저녁 미스트"),
            (&first, (8, 10), "아침 미스트"),
            (&first, (12, 14), "점심 크림"),
            (&sixth, (22, 24), "마지막 미스트"),
            (&sixth, (24, 26), "다음 주 미스트"),
        ] {
            listed(shop, &by, &with(offer(day, hours), "title", title)).await;
        }
        let list = read(shop, format!("/v1/deals?day={}", first.date())).await;
        let noon = list["items"][1]["deal"].as_str().unwrap().to_owned();
        assert_eq!(titles(&list), ["아침 미스트", "점심 크림", "저녁 미스트"]);
        shop.tell(by.post(&format!("/v1/deals/{noon}/close"))).await.is(200);
        let running = read(shop, format!("/v1/deals?day={}&ended=false", first.date())).await;
        assert_eq!(titles(&running), ["아침 미스트", "저녁 미스트"]);
        let week = read(shop, format!("/v1/deals?week={}", first.date())).await;
        let days = week["items"].as_array().unwrap();
        assert_eq!(days.len(), 7);
        let of = |day: usize| titles(&json!({ "items": days[day] })).len();
        assert_eq!((of(0), of(6)), (3, 1), "{week}");
        assert_eq!(days[6][0]["title"], "마지막 미스트");
        assert_eq!(read(shop, "/v1/deals?week=").await["items"].as_array().unwrap().len(), 7);
        shop.tell(get("/v1/deals?day=2026-13-01&category=none&ended=x&nothing=1")).await.is(422);
    }

    /// Scenario 5.
    async fn scenario_5_a_search_narrows_by_word_category_and_whether_it_is_over(shop) {
        let by = shop.of_demo("business").await;
        let day = free_day();
        let word = format!("등대빛 {}", day.date());
        let mist = listed(shop, &by, &with(offer(&day, (8, 10)), "title", word.as_str())).await;
        let over = listed(shop, &by, &with(offer(&day, (12, 14)), "title", word.as_str())).await;
        let food = with(with(offer(&day, (16, 18)), "title", word.as_str()), "category", "food");
        listed(shop, &by, &food).await;
        shop.tell(by.post(&format!("/v1/deals/{over}/close"))).await.is(200);
        let q = word.replace(' ', "%20");
        let found = async |more: &str| {
            let list = read(shop, format!("/v1/deals?q={q}{more}")).await;
            let items = list["items"].as_array().unwrap().iter();
            let mut ids: Vec<String> =
                items.map(|deal| deal["deal"].as_str().unwrap().to_owned()).collect();
            ids.sort();
            ids
        };
        assert_eq!(found("").await.len(), 3);
        assert_eq!(found("&category=Beauty&ended=false").await, [mist.as_str()]);
        assert_eq!(found("&category=beauty").await, [mist.clone(), over.clone()]);
        assert_eq!(found("&category=beauty&ended=true").await, [over]);
        let ours = shop.tell(get(format!("/v1/deals/{mist}"))).await.json();
        let seller = ours["seller"].as_str().unwrap();
        let page = read(shop, format!("/v1/deals?seller={seller}&ended=false&limit=2")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), 2);
        let cursor = page["next_cursor"].as_str().unwrap();
        let next = read(shop, format!("/v1/deals?seller={seller}&ended=false&limit=2&cursor={cursor}"));
        assert_ne!(next.await["items"][0]["deal"], page["items"][0]["deal"]);
    }

    /// Scenario 6.
    async fn scenario_6_a_person_likes_a_deal_once_and_everybody_sees_how_many_do(shop) {
        let by = shop.of_demo("business").await;
        let deal = listed(shop, &by, &offer(&free_day(), (12, 15))).await;
        let (_, one) = shop.verified("liker").await;
        let (_, two) = shop.verified("liker").await;
        let like = format!("/v1/deals/{deal}/like");
        let path = format!("/v1/deals/{deal}");
        let likes = async || read(shop, path.as_str()).await["likes"].clone();
        for _ in 0..2 {
            shop.tell(one.ask("PUT", &like)).await.is(204);
        }
        assert_eq!(likes().await, 1);
        shop.tell(two.ask("PUT", &like)).await.is(204);
        assert_eq!(likes().await, 2);
        let wished = shop.tell(one.get("/v1/me/likes")).await.is(200).json();
        assert_eq!((&wished["items"][0]["deal"], &wished["items"][0]["liked"]), (&json!(deal), &json!(true)));
        for _ in 0..2 {
            shop.tell(one.ask("DELETE", &like)).await.is(204);
        }
        assert_eq!(likes().await, 1);
        let wished = shop.tell(one.get("/v1/me/likes")).await.is(200).json();
        assert_eq!(wished["items"], json!([]));
        assert_eq!(read(shop, path.as_str()).await["liked"], false);
        let draft = with(offer(&free_day(), (12, 15)), "draft", true);
        let draft = listed(shop, &by, &draft).await;
        shop.tell(one.ask("PUT", &format!("/v1/deals/{draft}/like"))).await.is(404);
    }

    async fn a_draft_is_its_sellers_until_it_is_published_and_then_it_is_no_draft(shop) {
        let (a, b) = (shop.of_demo("business").await, shop.other_seller().await);
        let day = free_day();
        let made = create(shop, &a, &with(offer(&day, (12, 15)), "draft", true)).await.is(201).json();
        assert_eq!(made["state"], "draft");
        let path = format!("/v1/deals/{}", made["deal"].as_str().unwrap());
        shop.tell(get(path.as_str())).await.is(404);
        shop.tell(b.get(&path)).await.is(404);
        let change = json!({ "price": 20_000, "stock": 7 });
        assert_eq!(shop.tell(b.ask("PATCH", &path).json(&change)).await.is(404).code(), "deal_unknown");
        let changed = shop.tell(a.ask("PATCH", &path).json(&change)).await.is(200).json();
        assert_eq!((&changed["price"], &changed["stock"]), (&json!(20_000), &json!(7)));
        assert_eq!(changed["title"], "수분 미스트 100 ml");
        shop.tell(a.post(&format!("{path}/pause"))).await.is(409);
        let publish = format!("{path}/publish");
        shop.tell(b.post(&publish)).await.is(404);
        shop.tell(a.post(&publish)).await.is(200);
        assert_eq!(read(shop, path.as_str()).await["state"], "scheduled");
        assert_eq!(shop.tell(a.ask("DELETE", &path)).await.is(409).code(), "deal_published");
        let later = json!({ "opens_at": at(&day, 15), "closes_at": at(&day, 18) });
        let fixed = shop.tell(a.ask("PATCH", &path).json(&later)).await.is(409);
        assert_eq!(fixed.code(), "deal_hours_fixed");
        let own = shop.tell(a.get("/v1/me/business/deals?limit=100")).await.is(200).json();
        assert!(own.to_string().contains(made["deal"].as_str().unwrap()));
        let theirs = shop.tell(b.get("/v1/me/business/deals?limit=100")).await.is(200).json();
        assert!(!theirs.to_string().contains(made["deal"].as_str().unwrap()));
        let draft = create(shop, &a, &with(offer(&day, (15, 17)), "draft", true)).await.is(201).json();
        let draft = format!("/v1/deals/{}", draft["deal"].as_str().unwrap());
        shop.tell(b.ask("DELETE", &draft)).await.is(404);
        shop.tell(a.ask("DELETE", &draft)).await.is(204);
        shop.tell(a.get(&draft)).await.is(404);
    }

    /// Scenario 13 as far as a seller goes, defect 18.
    async fn scenario_13_defect_18_a_seller_pauses_closes_and_cancels_their_own_deals_alone(shop) {
        let (a, b) = (shop.of_demo("business").await, shop.other_seller().await);
        let day = free_day();
        let path = format!("/v1/deals/{}", listed(shop, &a, &offer(&day, (12, 15))).await);
        for verb in ["pause", "resume", "close", "cancel"] {
            let call = format!("{path}/{verb}");
            assert_eq!(shop.tell(b.post(&call)).await.is(404).code(), "deal_unknown");
            shop.tell(post(call.as_str())).await.is(401);
            shop.tell(get(call.as_str())).await.is(405);
        }
        for (verb, state) in [
            ("pause", "paused"), ("pause", "paused"), ("resume", "scheduled"), ("resume", "scheduled"),
        ] {
            let told = shop.tell(a.post(&format!("{path}/{verb}"))).await.is(200).json();
            assert_eq!(told["state"], state, "{verb}");
        }
        let reason = json!({ "reason": "재고가 상했습니다" });
        let off = shop.tell(a.post(&format!("{path}/cancel")).json(&reason)).await.is(200).json();
        assert_eq!((&off["state"], &off["reason"]), (&json!("cancelled"), &json!("재고가 상했습니다")));
        assert_eq!(shop.tell(a.post(&format!("{path}/pause"))).await.is(409).code(), "deal_over");
        // Its hours are free again.
        let path = format!("/v1/deals/{}", listed(shop, &b, &offer(&day, (12, 15))).await);
        let over = shop.tell(b.post(&format!("{path}/close"))).await.is(200).json();
        assert_eq!(over["state"], "ended");
        assert_eq!(over["available"], 0);
    }

    async fn a_deal_that_is_sent_twice_under_one_key_is_one(shop) {
        let by = shop.of_demo("business").await;
        let offer = offer(&free_day(), (12, 15));
        let first = shop.tell(by.post("/v1/deals").key("deal-one").json(&offer)).await.is(201);
        let again = shop.tell(by.post("/v1/deals").key("deal-one").json(&offer)).await.is(201);
        assert_eq!(first.body, again.body);
        let other = with(offer, "stock", 1);
        let mismatch = shop.tell(by.post("/v1/deals").key("deal-one").json(&other)).await.is(422);
        assert_eq!(mismatch.code(), "idempotency_mismatch");
    }

    /// Scenario 15 and defect 28 as far as no order goes.
    async fn scenario_15_defect_28_what_a_deal_sold_is_its_sellers_alone_to_see(shop) {
        let (a, b) = (shop.of_demo("business").await, shop.other_seller().await);
        let (_, shopper) = shop.verified("curious").await;
        let day = free_day();
        let title = with(offer(&day, (12, 15)), "title", "=미스트, \"봄\"");
        let deal = listed(shop, &a, &title).await;
        let of_deal = format!("/v1/me/business/sales?deal={deal}");
        let sold = shop.tell(a.get(&of_deal)).await.is(200).json();
        assert_eq!((&sold["totals"]["units"], &sold["totals"]["net"]), (&json!(0), &json!(0)));
        assert_eq!(sold["items"][0]["day"], day.date().to_string());
        assert_eq!(shop.tell(b.get(&of_deal)).await.is(404).code(), "deal_unknown");
        assert_eq!(shop.tell(shopper.get(&of_deal)).await.is(403).code(), "business_session_needed");
        shop.tell(get(of_deal.as_str())).await.is(401);
        let period = format!("/v1/me/business/sales?from={0}&to={0}", day.date());
        let all = shop.tell(a.get(&period)).await.is(200).json();
        assert_eq!(all["items"][0]["deal"], deal);
        let csv = shop.tell(a.get(&period).header("accept", "text/csv")).await.is(200);
        assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
        let csv = csv.text();
        let mut lines = csv.lines();
        let head = "deal,title,day,orders,units,gross,refunded,refunded_units,net,currency";
        assert_eq!(lines.next(), Some(head));
        let row = format!("{deal},\"'=미스트, \"\"봄\"\"\",{},0,0,0,0,0,0,KRW", day.date());
        assert_eq!(lines.next(), Some(row.as_str()));
        shop.tell(a.get("/v1/me/business/sales?from=2026-01-02&to=2026-01-01")).await.is(422);
        let rent = shop.tell(a.get("/v1/me/business/rent?limit=100")).await.is(200).json();
        let invoices = rent["items"].as_array().unwrap();
        let own = invoices.iter().find(|invoice| invoice["deal"] == deal.as_str()).unwrap();
        assert_eq!((&own["hours"], &own["state"]), (&json!(3), &json!("due")));
        assert_eq!(own["commission_percent"], 0);
        let theirs = shop.tell(b.get("/v1/me/business/rent")).await.is(200).json();
        assert!(!theirs.to_string().contains(&deal));
    }
}
