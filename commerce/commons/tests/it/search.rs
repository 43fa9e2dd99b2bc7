//! Both databases find the same, in the same order, whatever is typed.

use base::cursor::{Cursor, Wanted};
use commons::{
    ids::SubjectId,
    search::{self, Document, Hit, Query},
    subject::Subject,
};
use store::{Db, Id, Moment, on_both, sea_orm::DbErr, trial::Trial};

use crate::support::{DEAL, open};

/// Titles, texts and tags; the later the better among equals.
const DEALS: [(&str, &str, &[&str]); 8] = [
    ("촉촉한 미스트 100ml", "피부에 수분을", &["category:beauty", "open"]),
    ("미스트 세트", "선물용", &["category:beauty", "over"]),
    ("무선 이어폰", "노이즈 캔슬링, 미스트 블루", &["category:digital", "open"]),
    ("Galaxy S24 케이스", "투명한 실리콘", &["category:digital", "open"]),
    ("강아지 간식", "오리고기 100%", &["category:pet", "open"]),
    ("고양이 간식 모음", "참치와 연어", &["category:pet", "over"]),
    ("캠핑 의자", "접이식 galaxy 무늬", &["category:living", "open"]),
    ("빵집 식빵", "매일 굽는", &["category:food", "open"]),
];

fn subject(number: usize) -> Subject {
    let at = Moment(1_000_000 + i64::try_from(number).unwrap());
    Subject::new(DEAL, Id::of_parts(at, 7))
}

async fn put(db: &Db, number: usize, title: &str, text: &str, tags: &[&str]) {
    let subject = &subject(number);
    let at = Moment(1_700_000_000_000 + i64::try_from(number).unwrap() * 1_000);
    let document = Document { subject, title, text, tags, at, over_at: None };
    db.write(async |tx| search::put(tx, &document).await).await.unwrap();
}

async fn stocked(trial: &Trial) -> Db {
    let db = open(trial).await;
    for (number, (title, text, tags)) in DEALS.into_iter().enumerate() {
        put(&db, number, title, text, tags).await;
    }
    db
}

async fn found(db: &Db, text: &str, tags: &[&str]) -> Vec<String> {
    let query = Query { kind: &DEAL, text, tags, over: None };
    let page = search::find(&db.read(), &query, Wanted::default()).await.unwrap();
    page.items.into_iter().map(|hit| hit.title).collect()
}

async fn pages(db: &Db, query: &Query<'_>, limit: u16) -> Vec<Hit> {
    let (mut all, mut after) = (Vec::new(), None::<Cursor>);
    loop {
        let page =
            search::find(&db.read(), query, Wanted::new(limit, after).unwrap()).await.unwrap();
        all.extend(page.items);
        match page.next {
            // As a client holds it.
            Some(next) => after = Cursor::decode(&next.encode()),
            None => return all,
        }
    }
}

on_both! {
    async fn what_fits_best_comes_first(trial: Trial) {
        let db = stocked(&trial).await;
        let mist = ["미스트 세트", "촉촉한 미스트 100ml", "무선 이어폰"];
        assert_eq!(found(&db, "미스트", &[]).await, mist, "in the title, and later, before the text");
        assert_eq!(found(&db, "ㅁㅅㅌ", &[]).await, mist[..2]);
        assert_eq!(found(&db, "미스트 ㅊㅊ", &[]).await, mist[1..2]);
        assert_eq!(found(&db, "무선이어폰", &[]).await, ["무선 이어폰"]);
        assert_eq!(found(&db, "GALAXY", &[]).await, ["Galaxy S24 케이스", "캠핑 의자"]);
        assert_eq!(found(&db, "s24", &[]).await, ["Galaxy S24 케이스"]);
        assert_eq!(found(&db, "빵", &[]).await, ["빵집 식빵"]);
        assert_eq!(found(&db, "100", &[]).await, ["촉촉한 미스트 100ml", "강아지 간식"]);
        assert_eq!(found(&db, "간식 참치", &[]).await, ["고양이 간식 모음"]);
        assert_eq!(found(&db, "참새", &[]).await, [""; 0]);
    }

    async fn a_list_is_narrowed_by_tags(trial: Trial) {
        let db = stocked(&trial).await;
        let (beauty, open) = ("category:beauty", "open");
        assert_eq!(found(&db, "미스트", &[beauty, open]).await, ["촉촉한 미스트 100ml"]);
        let both = ["미스트 세트", "촉촉한 미스트 100ml"];
        assert_eq!(found(&db, "미스트", &[beauty]).await, both);
        assert_eq!(found(&db, "", &[beauty]).await, both, "the latest first");
        assert_eq!(found(&db, "", &[]).await.len(), DEALS.len());
        assert_eq!(found(&db, "", &[]).await[0], "빵집 식빵");
        assert_eq!(found(&db, "", &["category:none"]).await, [""; 0]);
        assert_eq!(found(&db, "", &["category"]).await, [""; 0], "a tag is not found by a part");
        assert_eq!(found(&db, "category", &[]).await, [""; 0], "nor by its text");
    }

    async fn whatever_is_typed_is_words_and_nothing_else(trial: Trial) {
        let db = stocked(&trial).await;
        for typed in [
            "\"미스트", "미스트\" OR \"1\"=\"1", "미스트*", "미스트:*", "미스트 & !세트", "NEAR(미스트)",
            "'; DROP TABLE search_token; --", "%", "_", "title:미스트", "미스트\0", "(", "\\", "^", "-미스트",
            "$1 ? ??", "{}", "\u{202e}미스트", "🧴",
        ] {
            let got = found(&db, typed, &[]).await;
            assert!(got.len() <= 3, "{typed}: {got:?}");
        }
        assert_eq!(found(&db, "미스트*", &[]).await, found(&db, "미스트", &[]).await);
        assert_eq!(found(&db, "!!!", &[]).await, [""; 0], "not everything");
        let long = "미스트 무선 ".repeat(10_000);
        assert_eq!(found(&db, &long, &[]).await, ["무선 이어폰"]);
        assert_eq!(found(&db, "", &["o'pen", "#", "%"]).await, [""; 0]);
        put(&db, 90, "제목\0\"';--", "본문\0", &["a\0b"]).await;
        assert_eq!(found(&db, "제목", &[]).await, ["제목\"';--"]);
    }

    async fn pages_have_everything_once_also_while_others_come(trial: Trial) {
        let db = open(&trial).await;
        for number in 0..25 {
            let text = if number % 3 == 0 { "미스트 토너" } else { "토너" };
            put(&db, number, "미스트", text, &["open"]).await;
        }
        let query = Query { kind: &DEAL, text: "토너", tags: &["open"], over: None };
        let all = pages(&db, &query, 7).await;
        let ids: Vec<SubjectId> = all.iter().map(|hit| hit.subject).collect();
        let expected: Vec<SubjectId> = (0..25).rev().map(|number| subject(number).id).collect();
        assert_eq!(ids, expected);

        let first = search::find(&db.read(), &query, Wanted::new(10, None).unwrap()).await.unwrap();
        put(&db, 30, "토너", "", &["open"]).await;
        put(&db, 31, "다른 것", "", &["open"]).await;
        let rest = Wanted::new(100, first.next).unwrap();
        let rest = search::find(&db.read(), &query, rest).await.unwrap();
        let ids: Vec<SubjectId> =
            first.items.iter().chain(&rest.items).map(|hit| hit.subject).collect();
        assert_eq!(ids, expected);
        assert_eq!(rest.next, None);
    }

    async fn a_document_is_found_as_it_is_now(trial: Trial) {
        let db = stocked(&trial).await;
        put(&db, 0, "촉촉한 토너", "피부에 수분을", &["category:beauty", "over"]).await;
        assert_eq!(found(&db, "미스트", &["category:beauty"]).await, ["미스트 세트"]);
        assert_eq!(found(&db, "토너", &["over"]).await, ["촉촉한 토너"]);
        let again = subject(0);
        let removed = async || db.write(async |tx| search::remove(tx, &again).await).await.unwrap();
        assert!(removed().await);
        assert!(!removed().await);
        assert_eq!(found(&db, "토너", &[]).await, [""; 0]);
    }

    async fn of_many_who_put_one_document_the_last_wins_whole(trial: Trial) {
        let db = open(&trial).await;
        let many: Vec<_> = (0..8).map(|turn| {
            let db = db.clone();
            tokio::spawn(async move {
                let title = format!("미스트 {turn}호");
                put(&db, 1, &title, "", &["open"]).await;
            })
        }).collect();
        for one in many {
            one.await.unwrap();
        }
        let titles = found(&db, "미스트", &[]).await;
        assert_eq!(titles.len(), 1);
        for turn in 0..8 {
            let typed = format!("{turn}호");
            let expected = if titles[0].contains(&typed) { &titles[..] } else { &[] };
            assert_eq!(found(&db, &typed, &[]).await, expected, "{typed}");
        }
    }

    async fn titles_are_suggested_while_somebody_types(trial: Trial) {
        let db = stocked(&trial).await;
        put(&db, 50, "미스트 세트", "다시", &[]).await;
        let suggest = async |typed: &str| search::suggest(&db.read(), &DEAL, typed).await.unwrap();
        assert_eq!(suggest("미").await, ["미스트 세트", "촉촉한 미스트 100ml"]);
        let initials = ["미스트 세트", "무선 이어폰", "촉촉한 미스트 100ml"];
        assert_eq!(suggest("ㅁㅅ").await, initials);
        assert_eq!(suggest("ㅁㅅㅌ").await, ["미스트 세트", "촉촉한 미스트 100ml"]);
        assert_eq!(suggest("촉촉한 미").await, ["촉촉한 미스트 100ml"]);
        assert_eq!(suggest("gal").await, ["Galaxy S24 케이스"]);
        assert_eq!(suggest("스트").await, [""; 0], "no word begins so");
        assert_eq!(suggest("").await, [""; 0]);
        assert_eq!(suggest("*").await, [""; 0]);
    }
}

/// How long finding takes among many documents.
async fn time_of_finding(trial: &Trial, documents: usize) -> std::time::Duration {
    let db = open(trial).await;
    for first in (0..documents).step_by(250) {
        let put = db.write(async |tx| {
            for number in first..documents.min(first + 250) {
                let title =
                    format!("{} 특가 세트 {number}호", ["미스트", "이어폰", "간식"][number % 3]);
                let (subject, at) = (subject(number), Moment(1_700_000_000_000));
                let text = "매일 쓰는 좋은 물건을 오늘만 싸게 드립니다";
                let document = Document {
                    subject: &subject,
                    title: &title,
                    text,
                    tags: &["open"],
                    at,
                    over_at: None,
                };
                search::put(tx, &document).await?;
            }
            Ok::<_, DbErr>(())
        });
        put.await.unwrap();
    }
    let begun = tokio::time::Instant::now();
    for _ in 0..10 {
        assert_eq!(found(&db, "미스트 특가", &["open"]).await.len(), 20);
    }
    begun.elapsed() / 10
}

on_both! {
    async fn a_common_word_among_thousands_is_found_at_once(trial: Trial) {
        let took = time_of_finding(&trial, 2_000).await;
        assert!(took < std::time::Duration::from_secs(1), "{took:?}");
    }
}
