//! A deal is listed by an approved business, in hours of its own, and changes only as far as it may.

use base::cursor::Wanted;
use commons::{
    audit,
    files::Folder,
    ids::{MediaId, Person},
    media::{self, Asked, Media, Visibility},
    picture::PictureKind,
    upload::Uploads,
};
use identity::{
    account, business,
    business::{Decision, SellRefusal},
    membership::{self, Untied},
};
use store::{fact::Listeners, on_both, worker::Workers};
use trade::{
    deal::{
        self, CANCELLED, Category, DecideRefusal, DeleteRefusal, DraftRefusal, EditRefusal,
        PUBLISHED, PausedBy, PublishRefusal, Search, Sorted, State, Terms, WindowRefusal,
    },
    ids::DealId,
    rental::{self, InvoiceState},
    sale::{InProcess, Room},
    slot,
};

use crate::{
    sale::Engines,
    sellers::{
        Counted, HOUR_MS, Offer, Seller, Verb, applicant, approved, as_operator, as_owner, decide,
        draft, edit, go_to, listed, next_task, open, open_with, operator, policy, publish, read,
        refusal, seller, tasks,
    },
};
use store::trial::{Running, until};

const FULL: deal::Counts =
    deal::Counts { available: 5, reserved: 0, sold: 0, is_paused: false, is_closed: false };

fn listeners() -> Listeners {
    Listeners::default().with(PUBLISHED, "test.published").with(CANCELLED, "test.cancelled")
}

async fn delete(db: &store::Db, by: Seller, deal: DealId) -> Result<(), DeleteRefusal> {
    let deleted = db.write(async |tx| {
        let approved = approved(tx, by.account).await;
        deal::delete(tx, &approved, deal).await
    });
    deleted.await.map_err(refusal)
}

fn titles(deals: &[deal::Deal]) -> Vec<&str> {
    deals.iter().map(|deal| deal.terms.title.as_str()).collect()
}

on_both! {
    async fn a_draft_is_its_business_s_alone_until_it_is_published(trial: Trial) {
        let db = open_with(&trial, listeners()).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let b = seller(&db, boss, "b", 2).await;
        let deal = draft(&db, a, &Offer::default()).await;
        assert_eq!(read(&db, deal).await.state(Some(&FULL), db.now()), State::Draft);
        assert_eq!(deal::detail(&db.read(), deal).await.unwrap(), None);
        assert!(slot::of_deal(&db.read(), deal).await.unwrap().is_none(), "it has no hours");
        assert_eq!(publish(&db, b, deal).await, Err(PublishRefusal::Unknown));
        assert_eq!(edit(&db, b, deal, &Offer::default()).await, Err(EditRefusal::Unknown));
        assert_eq!(delete(&db, b, deal).await, Err(DeleteRefusal::Unknown));
        assert_eq!(as_operator(&db, boss, deal, Verb::Pause).await, Err(DecideRefusal::Unknown));
        assert_eq!(as_owner(&db, a, deal, Verb::Cancel).await, Err(DecideRefusal::Draft));
        assert_eq!(next_task(&db, "test.published").await, None);
        let published = publish(&db, a, deal).await.unwrap();
        assert_eq!(published.state(Some(&FULL), db.now()), State::Scheduled);
        assert_eq!(publish(&db, a, deal).await, Err(PublishRefusal::NotADraft));
        assert_eq!(delete(&db, a, deal).await, Err(DeleteRefusal::NotADraft));
        assert!(next_task(&db, "test.published").await.is_some());
        let hours = slot::of_deal(&db.read(), deal).await.unwrap().unwrap().hours;
        assert_eq!(hours, published.terms.hours);
        let other = draft(&db, a, &Offer { day: 2, ..Offer::default() }).await;
        delete(&db, a, other).await.unwrap();
        assert_eq!(deal::find(&db.read(), other).await.unwrap(), None);
    }

    async fn a_business_that_was_not_approved_lists_nothing(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = applicant(&db, "a", 1).await;
        let may_sell = async |by: Seller| {
            let done = db.write(async |tx| {
                let live = account::live(tx, by.account).await.unwrap();
                business::approved(tx, &live).await.map(drop)
            });
            done.await.map_err(refusal)
        };
        assert_eq!(may_sell(a).await, Err(SellRefusal::NotApproved));
        let b = seller(&db, boss, "b", 2).await;
        assert_eq!(may_sell(b).await, Ok(()));
        decide(&db, boss, b, Decision::Suspend).await;
        assert_eq!(may_sell(b).await, Err(SellRefusal::NotApproved));
    }

    /// Scenario 2; defect 19.
    async fn scenario_2_defect_19_two_deals_do_not_have_one_hour(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let b = seller(&db, boss, "b", 2).await;
        listed(&db, a, &Offer::default()).await;
        let second = draft(&db, b, &Offer { hours: (14, 16), ..Offer::default() }).await;
        assert_eq!(publish(&db, b, second).await, Err(PublishRefusal::SlotTaken));
        assert_eq!(read(&db, second).await.published_at, None);
        edit(&db, b, second, &Offer { hours: (15, 17), ..Offer::default() }).await.unwrap();
        publish(&db, b, second).await.unwrap();
        let late = draft(&db, b, &Offer { hours: (18, 20), ..Offer::default() }).await;
        let start = read(&db, late).await.terms.hours.starts_at();
        go_to(&trial, &db, start);
        trial.advance(1);
        assert_eq!(publish(&db, b, late).await, Err(PublishRefusal::SlotPast));
    }

    /// Defect 20: a missed tick left a deal open for ever.
    async fn scenario_13_defect_20_a_deal_is_over_at_its_end_though_no_job_runs(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let deal = listed(&db, a, &Offer::default()).await;
        let deal = read(&db, deal).await;
        let (start, end) = (deal.terms.hours.starts_at(), deal.terms.hours.ends_at());
        go_to(&trial, &db, start);
        trial.advance(-1);
        assert_eq!(deal.window(db.now()), Err(WindowRefusal::NotOpen));
        trial.advance(1);
        assert_eq!(deal.window(db.now()), Ok(()));
        assert_eq!(deal.state(Some(&FULL), db.now()), State::Open);
        go_to(&trial, &db, end);
        assert_eq!(deal.window(db.now()), Err(WindowRefusal::Ended));
        assert_eq!(deal.state(Some(&FULL), db.now()), State::Ended);
    }

    async fn what_shoppers_were_promised_is_fixed_before_the_opening(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let offer = Offer::default();
        let deal = listed(&db, a, &offer).await;
        let moved = Offer { hours: (13, 16), ..offer.clone() };
        assert_eq!(edit(&db, a, deal, &moved).await, Err(EditRefusal::HoursFixed));
        let cheaper = Offer { price: 15_000, ..offer.clone() };
        edit(&db, a, deal, &cheaper).await.unwrap();
        let start = read(&db, deal).await.terms.hours.starts_at();
        go_to(&trial, &db, start);
        trial.advance(-10 * 60_000);
        assert_eq!(edit(&db, a, deal, &offer).await, Err(EditRefusal::Fixed));
        let renamed = Offer { title: "다른 이름", ..cheaper.clone() };
        assert_eq!(edit(&db, a, deal, &renamed).await, Err(EditRefusal::Fixed));
        let more = Offer { stock: 700, ..cheaper.clone() };
        assert_eq!(edit(&db, a, deal, &more).await.unwrap().terms.stock, 700);
        trial.advance(11 * 60_000);
        edit(&db, a, deal, &cheaper).await.unwrap();
        trial.advance(3 * HOUR_MS);
        assert_eq!(edit(&db, a, deal, &more).await, Err(EditRefusal::Over));
    }

    async fn a_cancelled_deal_frees_its_hours_until_they_begin(trial: Trial) {
        let db = open_with(&trial, listeners()).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let b = seller(&db, boss, "b", 2).await;
        let first = listed(&db, a, &Offer::default()).await;
        assert_eq!(as_owner(&db, b, first, Verb::Cancel).await, Err(DecideRefusal::Unknown));
        as_owner(&db, a, first, Verb::Cancel).await.unwrap();
        assert!(next_task(&db, "test.cancelled").await.is_some(), "what was paid is given back");
        let known = read(&db, first).await;
        assert_eq!(known.state(Some(&FULL), db.now()), State::Cancelled);
        assert_eq!(known.reason.as_deref(), Some("the parcel was lost"));
        let slot = slot::of_deal(&db.read(), first).await.unwrap().unwrap();
        let invoice = rental::of_slot(&db.read(), slot.id).await.unwrap().unwrap();
        assert!(slot.freed_at.is_some() && invoice.state == InvoiceState::Void);
        assert_eq!(as_owner(&db, a, first, Verb::Cancel).await, Err(DecideRefusal::Over));
        let second = listed(&db, b, &Offer::default()).await;
        go_to(&trial, &db, read(&db, second).await.terms.hours.starts_at());
        as_operator(&db, boss, second, Verb::Cancel).await.unwrap();
        let slot = slot::of_deal(&db.read(), second).await.unwrap().unwrap();
        assert_eq!(slot.freed_at, None, "they have begun");
        let third = listed(&db, b, &Offer { hours: (18, 20), ..Offer::default() }).await;
        as_owner(&db, b, third, Verb::Close).await.unwrap();
        let slot = slot::of_deal(&db.read(), third).await.unwrap().unwrap();
        assert!(slot.freed_at.is_some(), "it was closed before they began");
    }

    /// Defect 18: only its business and operators decide about a deal.
    async fn defect_18_whoever_paused_a_deal_or_an_operator_lets_it_go_on(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let deal = listed(&db, a, &Offer::default()).await;
        let by = async || read(&db, deal).await.paused().map(|paused| paused.by);
        as_owner(&db, a, deal, Verb::Pause).await.unwrap();
        assert_eq!(by().await, Some(PausedBy::Owner));
        as_owner(&db, a, deal, Verb::Resume).await.unwrap();
        as_owner(&db, a, deal, Verb::Resume).await.unwrap();
        assert_eq!(by().await, None);
        as_operator(&db, boss, deal, Verb::Pause).await.unwrap();
        as_owner(&db, a, deal, Verb::Pause).await.unwrap();
        assert_eq!(by().await, Some(PausedBy::Operator));
        let refused = as_owner(&db, a, deal, Verb::Resume).await;
        assert_eq!(refused, Err(DecideRefusal::PausedByOthers));
        let nobody = as_operator(&db, a.account, deal, Verb::Resume).await;
        assert_eq!(nobody, Err(DecideRefusal::NotAnOperator));
        as_operator(&db, boss, deal, Verb::Resume).await.unwrap();
        as_operator(&db, boss, deal, Verb::Close).await.unwrap();
        let known = read(&db, deal).await;
        assert_eq!(known.state(Some(&FULL), db.now()), State::Ended);
        assert_eq!(as_owner(&db, a, deal, Verb::Pause).await, Err(DecideRefusal::Over));
    }

    /// Defect 27: a business that has deals can withdraw.
    async fn defect_27_a_business_that_may_not_sell_any_more_is_stopped(trial: Trial) {
        let engines = Engines::new();
        let sales = InProcess::new(engines.start(), Room::default());
        let workers = || trade::sale::with_workers(Workers::default(), &sales);
        let db = open_with(&trial, workers().listeners()).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let first = listed(&db, a, &Offer::default()).await;
        let second = listed(&db, a, &Offer { hours: (18, 20), ..Offer::default() }).await;
        as_operator(&db, boss, second, Verb::Pause).await.unwrap();
        let running = Running::start(workers(), &db);
        let by = async |deal| read(&db, deal).await.paused().map(|paused| paused.by);
        decide(&db, boss, a, Decision::Suspend).await;
        until("the deal is paused", async || by(first).await == Some(PausedBy::Platform)).await;
        decide(&db, boss, a, Decision::Reinstate).await;
        until("the deal goes on", async || by(first).await.is_none()).await;
        assert_eq!(by(second).await, Some(PausedBy::Operator), "that was somebody else");
        let withdrawn = db.write(async |tx| {
            let live = account::live(tx, a.account).await.unwrap();
            membership::withdraw(tx, &live, &Untied).await
        });
        withdrawn.await.unwrap();
        for deal in [first, second] {
            let is_off = async || read(&db, deal).await.cancelled_at.is_some();
            until("the deal is called off", is_off).await;
        }
        running.stop().await;
    }

    async fn what_a_suspension_stops_goes_on_when_it_is_over_and_not_before(trial: Trial) {
        let sales = InProcess::new(Engines::new().start(), Room::default());
        let workers = || trade::sale::with_workers(Workers::default(), &sales);
        let db = open_with(&trial, workers().listeners()).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let [plain, owners, operators] = [(8, 10), (12, 14), (18, 20)];
        let at = async |hours| listed(&db, a, &Offer { hours, ..Offer::default() }).await;
        let (plain, owners, operators) = (at(plain).await, at(owners).await, at(operators).await);
        as_owner(&db, a, owners, Verb::Pause).await.unwrap();
        as_operator(&db, boss, operators, Verb::Pause).await.unwrap();
        let running = Running::start(workers(), &db);
        let by = async |deal| read(&db, deal).await.paused().map(|paused| paused.by);
        decide(&db, boss, a, Decision::Suspend).await;
        for deal in [plain, owners] {
            until("the deal is paused", async || by(deal).await == Some(PausedBy::Platform)).await;
        }
        until("all are looked through", async || {
            tasks(&db, "trade.business_changed").await == 0
        })
        .await;
        let refused = as_operator(&db, boss, plain, Verb::Resume).await;
        assert_eq!(refused, Err(DecideRefusal::PausedByOthers), "its business may not sell");
        as_operator(&db, boss, operators, Verb::Resume).await.unwrap();
        assert_eq!(by(operators).await, Some(PausedBy::Platform));
        decide(&db, boss, a, Decision::Reinstate).await;
        for deal in [plain, operators] {
            until("the deal goes on", async || by(deal).await.is_none()).await;
        }
        until("all are looked through", async || {
            tasks(&db, "trade.business_changed").await == 0
        })
        .await;
        assert_eq!(by(owners).await, Some(PausedBy::Owner), "its owner has stopped it");
        running.stop().await;
    }

    /// Scenario 5; defects 20 and 21.
    async fn scenario_5_defect_20_defect_21_today_and_the_week_are_those_of_the_platform(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        // 2027-01-15 17:00 in Seoul. What follows happens at 18:30.
        let over = listed(&db, a, &Offer { title: "over", day: 0, hours: (18, 20), ..Offer::default() }).await;
        for (title, day, hours) in [
            ("late", 0, (22, 24)),
            ("early", 0, (20, 22)),
            ("last", 6, (22, 2)),
            ("beyond", 7, (2, 4)),
            ("tomorrow", 1, (0, 2)),
        ] {
            listed(&db, a, &Offer { title, day, hours, ..Offer::default() }).await;
        }
        listed(&db, a, &Offer { title: "eighth", day: 7, hours: (4, 6), ..Offer::default() }).await;
        trial.advance(90 * 60_000);
        as_operator(&db, boss, over, Verb::Close).await.unwrap();
        let cancelled = listed(&db, a, &Offer { title: "gone", day: 2, ..Offer::default() }).await;
        as_owner(&db, a, cancelled, Verb::Cancel).await.unwrap();
        let calendar = policy().calendar;
        let counted = Counted::new(&db);
        let today = deal::today(&counted, &calendar, db.now()).await.unwrap();
        assert_eq!(titles(&today.top), ["early", "late"]);
        assert_eq!(titles(&today.all), ["over", "early", "late"]);
        assert_eq!(counted.statements(), 1);
        let week = deal::week(&counted, &calendar, db.now()).await.unwrap();
        assert_eq!(counted.statements(), 2);
        let days: Vec<Vec<&str>> = week.iter().map(|day| titles(day)).collect();
        assert_eq!(days[0], ["over", "early", "late"]);
        assert_eq!(days[1], ["tomorrow"]);
        assert_eq!(days[6], ["last"]);
        assert!(days[2..6].iter().all(Vec::is_empty), "day 7 and cancelled deals are absent");
        go_to(&trial, &db, calendar.at_hour(calendar.day_of(db.now()).plus(7), 1).unwrap());
        let today = deal::today(&db.read(), &calendar, db.now()).await.unwrap();
        assert_eq!(titles(&today.top), ["last", "beyond", "eighth"], "yesterday's goes on until 2");
    }

    /// Scenario 5; defect 21: such a deal failed the whole list.
    async fn scenario_5_defect_21_a_deal_at_midnight_of_the_eighth_day_is_in_no_week(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        listed(&db, a, &Offer { title: "sixth", day: 6, hours: (22, 24), ..Offer::default() }).await;
        listed(&db, a, &Offer { title: "seventh", day: 7, hours: (0, 2), ..Offer::default() }).await;
        let week = deal::week(&db.read(), &policy().calendar, db.now()).await.unwrap();
        let all: Vec<&str> = week.iter().flat_map(|day| titles(day)).collect();
        assert_eq!(all, ["sixth"]);
    }

    /// Scenario 5; defect 29: lists are paged, with one read for each page.
    async fn scenario_5_defect_29_deals_are_found_by_category_seller_and_whether_they_are_over(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let b = seller(&db, boss, "b", 2).await;
        let offers = [
            (a, "one", "beauty", (8, 10)),
            (a, "two", "living", (10, 12)),
            (b, "three", "beauty", (12, 14)),
            (b, "four", "beauty", (14, 16)),
        ];
        let mut last = None;
        for (by, title, category, hours) in offers {
            let deal = listed(&db, by, &Offer { title, category, hours, ..Offer::default() }).await;
            last = Some(deal);
            trial.advance(1);
        }
        draft(&db, b, &Offer { title: "draft", category: "beauty", ..Offer::default() }).await;
        go_to(&trial, &db, read(&db, last.unwrap()).await.terms.hours.starts_at());
        let find = async |search: Search| {
            let counted = Counted::new(&db);
            let mut found = Vec::new();
            let mut wanted = Wanted::new(1, None);
            while let Some(page) = wanted {
                let page = deal::search(&counted, &search, db.now(), page).await.unwrap();
                found.extend(page.items.into_iter().map(|deal| deal.terms.title));
                wanted = page.next.and_then(|next| Wanted::new(1, Some(next)));
            }
            assert_eq!(usize::try_from(counted.statements()).unwrap(), found.len().max(1));
            found
        };
        let beauty = Search { category: Some(Category::Beauty), ..Search::default() };
        assert_eq!(find(beauty).await, ["one", "three", "four"]);
        let open = Search { is_over: Some(false), ..beauty };
        assert_eq!(find(open).await, ["four"]);
        let over = Search { is_over: Some(true), sorted: Sorted::Latest, ..Search::default() };
        assert_eq!(find(over).await, ["three", "two", "one"]);
        let of_a = Search { business: Some(a.business), ..Search::default() };
        assert_eq!(find(of_a).await, ["one", "two"]);
        let pets = Search { category: Some(Category::Pet), ..Search::default() };
        assert!(find(pets).await.is_empty());
        let own = deal::of_business(&db.read(), b.business, Wanted::default()).await.unwrap();
        assert_eq!(titles(&own.items), ["draft", "four", "three"], "in all states");
    }

    /// Scenario 5.
    async fn scenario_5_a_word_finds_deals_and_leaves_out_those_that_are_over_if_asked(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let mist = |title, hours| Offer { title, hours, ..Offer::default() };
        let early = listed(&db, a, &mist("수분미스트", (8, 10))).await;
        let late = listed(&db, a, &mist("봄 미스트 100 ml", (12, 14))).await;
        listed(&db, a, &mist("수분 크림", (14, 16))).await;
        let off = listed(&db, a, &mist("여름 미스트", (16, 18))).await;
        as_owner(&db, a, off, Verb::Cancel).await.unwrap();
        draft(&db, a, &mist("겨울 미스트", (18, 20))).await;
        go_to(&trial, &db, read(&db, late).await.terms.hours.starts_at());
        let find = async |category, is_over| {
            let search = Search { category, is_over, ..Search::default() };
            let counted = Counted::new(&db);
            let wanted = Wanted::default();
            let page = deal::by_words(&counted, "미스트", &search, db.now(), wanted).await.unwrap();
            assert!(counted.statements() <= 3, "{}", counted.statements());
            let mut found: Vec<_> = page.items.into_iter().map(|deal| deal.id).collect();
            found.sort_unstable();
            found
        };
        let mut both = vec![early, late];
        both.sort_unstable();
        assert_eq!(find(Some(Category::Beauty), None).await, both);
        assert_eq!(find(Some(Category::Beauty), Some(false)).await, [late]);
        assert_eq!(find(None, Some(true)).await, [early]);
        assert!(find(Some(Category::Pet), None).await.is_empty());
    }

    async fn a_page_of_what_words_find_is_full_as_long_as_there_is_more(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let b = seller(&db, boss, "b", 2).await;
        // Deals that fit best, and are over or another's; and one that fits less.
        let mist = |title, hours| Offer { title, hours, ..Offer::default() };
        for hours in [(8, 10), (10, 12), (12, 14)] {
            listed(&db, a, &mist("미스트", hours)).await;
        }
        let next = listed(&db, b, &mist("수분미스트세트", (16, 18))).await;
        let early = listed(&db, a, &mist("미스트", (18, 20))).await;
        go_to(&trial, &db, read(&db, next).await.terms.hours.starts_at());
        as_operator(&db, boss, early, Verb::Close).await.unwrap();
        let find = async |search: Search| {
            let wanted = Wanted::new(2, None).unwrap();
            let page = deal::by_words(&db.read(), "미스트", &search, db.now(), wanted).await.unwrap();
            page.items.into_iter().map(|deal| deal.id).collect::<Vec<_>>()
        };
        assert_eq!(find(Search { is_over: Some(false), ..Search::default() }).await, [next]);
        assert_eq!(find(Search { business: Some(b.business), ..Search::default() }).await, [next]);
        assert_eq!(find(Search { is_over: Some(true), ..Search::default() }).await.len(), 2);
    }

    async fn whatever_is_decided_about_a_deal_says_who_did_it(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let deal = listed(&db, a, &Offer::default()).await;
        trial.advance(1);
        edit(&db, a, deal, &Offer { stock: 700, title: "다른 이름", ..Offer::default() }).await.unwrap();
        trial.advance(1);
        as_operator(&db, boss, deal, Verb::Pause).await.unwrap();
        trial.advance(1);
        as_operator(&db, boss, deal, Verb::Cancel).await.unwrap();
        let subject = deal::subject(deal);
        let entries = audit::of_subject(&db.read(), &subject, Wanted::default()).await.unwrap().items;
        let told: Vec<_> = entries
            .iter()
            .map(|entry| (entry.action.as_str(), entry.actor.role.as_str(), entry.actor.person))
            .collect();
        let by = |account: identity::ids::AccountId| Some(Person(account.0));
        assert_eq!(
            told,
            [
                ("deal.cancelled", "operator", by(boss)),
                ("deal.paused", "operator", by(boss)),
                ("deal.edited", "business", by(a.account)),
                ("deal.published", "business", by(a.account)),
            ]
        );
        assert_eq!(entries[0].detail["reason"], "the parcel was lost");
        assert_eq!(entries[2].detail["stock"], "500");
        assert_eq!(entries[2].detail.len(), 2, "the stock and the title");
    }

    /// Defect 29: anybody reads the detail, in two reads.
    async fn defect_29_defect_31_only_the_detail_says_who_sells(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let deal = listed(&db, a, &Offer::default()).await;
        let counted = Counted::new(&db);
        let detail = deal::detail(&counted, deal).await.unwrap().unwrap();
        assert_eq!(counted.statements(), 2);
        assert_eq!(detail.company.name(), "Hana Trading");
        assert_eq!(detail.deal.terms.unit_price().minor, 14_499);
        let many = deal::find_many(&db.read(), [deal, DealId::new(db.now())]).await.unwrap();
        assert_eq!(many.len(), 1);
    }
}

/// The smallest PNG there is.
const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0,
    1, 0, 0, 0, 1, 8, 2, 0, 0, 0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 0x0c, 0x49, 0x44, 0x41, 0x54,
    0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 3, 1, 1, 0, 0xc9, 0xfe, 0x92, 0xef, 0, 0, 0, 0, 0x49,
    0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

/// A business's uploads, in a folder.
struct Pictures {
    uploads: Uploads,
    _below: tempfile::TempDir,
}

impl Pictures {
    fn new() -> Self {
        let below = tempfile::tempdir().unwrap();
        let folder = Folder::open(below.path(), "https://shop.example/media", b"a secret").unwrap();
        Self { uploads: Uploads::new(std::sync::Arc::new(folder)), _below: below }
    }

    async fn granted(&self, db: &store::Db, by: Seller) -> Media {
        let asked = Asked {
            person: Person(by.account.0),
            kind: PictureKind::Png,
            bytes: u64::try_from(PNG.len()).unwrap(),
            visibility: Visibility::Public,
        };
        db.write(async |tx| media::grant(tx, &asked).await).await.unwrap()
    }

    async fn ready(&self, db: &store::Db, by: Seller) -> Media {
        let granted = self.granted(db, by).await;
        let file = bytes::Bytes::from_static(PNG);
        self.uploads.take(db, &granted, file).await.unwrap()
    }
}

async fn draft_with(db: &store::Db, by: Seller, media: MediaId) -> Result<DealId, DraftRefusal> {
    let terms = Terms { media: vec![media.0], ..Offer::default().terms() };
    let drafted = db.write(async |tx| {
        let approved = approved(tx, by.account).await;
        deal::draft(tx, &approved, &terms).await
    });
    drafted.await.map_err(refusal)
}

async fn shown(db: &store::Db, deal: DealId) -> Vec<MediaId> {
    let shown = media::of_subject(&db.read(), &deal::subject(deal)).await.unwrap();
    shown.into_iter().map(|media| media.id).collect()
}

on_both! {
    async fn a_deal_shows_pictures_of_its_business_until_it_names_others_or_is_deleted(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let b = seller(&db, boss, "b", 2).await;
        let pictures = Pictures::new();
        let (own, other) = (pictures.ready(&db, a).await.id, pictures.ready(&db, a).await.id);
        assert_eq!(draft_with(&db, b, own).await, Err(DraftRefusal::PictureUnknown));
        let half = pictures.granted(&db, a).await.id;
        assert_eq!(draft_with(&db, a, half).await, Err(DraftRefusal::PictureNotReady));
        let deal = draft_with(&db, a, own).await.unwrap();
        assert_eq!(shown(&db, deal).await, [own]);
        let to = async |media: Vec<store::Id>| {
            let terms = Terms { media, ..Offer::default().terms() };
            let edited = db.write(async |tx| {
                let approved = approved(tx, a.account).await;
                deal::edit(tx, &approved, deal, &terms).await.map(drop)
            });
            edited.await.map_err(refusal)
        };
        let theirs = pictures.ready(&db, b).await.id;
        assert_eq!(to(vec![own.0, theirs.0]).await, Err(EditRefusal::PictureUnknown));
        assert_eq!(shown(&db, deal).await, [own], "what is refused changes nothing");
        to(vec![other.0]).await.unwrap();
        assert_eq!(shown(&db, deal).await, [other]);
        delete(&db, a, deal).await.unwrap();
        assert_eq!(shown(&db, deal).await, []);
    }
}
