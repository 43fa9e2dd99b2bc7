//! Hours are booked by as many as there is room for, and freed until they begin.

use base::{
    calendar::{Calendar, Day},
    cursor::Wanted,
    moment::Moment,
};
use identity::{account, business, business::SellRefusal, ids::AccountId};
use store::{Db, on_both};
use trade::{
    ids::DealId,
    ledger::{self, Account},
    rental::{self, InvoiceState, SettleRefusal},
    slot::{self, BookRefusal, Hours, Policy},
};

use crate::sellers::{
    DAY_MS, HOUR_MS, applicant, approved, live, open, operator, policy, refusal, seller,
};

/// The day after the tests begin.
fn tomorrow(db: &Db) -> Day {
    Calendar::default().day_of(db.now()).plus(1)
}

fn hours(db: &Db, start: u8, end: u8) -> Hours {
    Hours::of_day(&policy(), tomorrow(db), start, end).unwrap()
}

async fn book(
    db: &Db,
    policy: &Policy,
    by: AccountId,
    hours: Hours,
) -> Result<DealId, BookRefusal> {
    let deal = DealId::new(db.now());
    let booked = db.write(async |tx| {
        let approved = approved(tx, by).await;
        slot::book(tx, policy, &approved, deal, hours).await
    });
    booked.await.map(|slot| slot.deal).map_err(refusal)
}

async fn free(db: &Db, deal: DealId) -> bool {
    db.write(async |tx| slot::free(tx, deal).await).await.unwrap()
}

/// The hours of tomorrow that somebody has.
async fn taken(db: &Db) -> Vec<usize> {
    let counts = slot::day(&db.read(), &policy(), tomorrow(db)).await.unwrap();
    (0..24).filter(|hour| counts[*hour] > 0).collect()
}

async fn invoice(db: &Db, deal: DealId) -> rental::Invoice {
    let slot = slot::of_deal(&db.read(), deal).await.unwrap().unwrap();
    rental::of_slot(&db.read(), slot.id).await.unwrap().unwrap()
}

/// Lets as many book the same hours at once, and says how many got them.
async fn race(db: &Db, policy: &Policy, by: AccountId, many: usize, range: (u8, u8)) -> usize {
    let hours = hours(db, range.0, range.1);
    let racers: Vec<_> = (0..many)
        .map(|_| {
            let (db, policy) = (db.clone(), policy.clone());
            tokio::spawn(async move { book(&db, &policy, by, hours).await })
        })
        .collect();
    let mut won = 0;
    for racer in racers {
        match racer.await.unwrap() {
            Ok(_) => won += 1,
            Err(refusal) => assert_eq!(refusal, BookRefusal::Taken),
        }
    }
    won
}

on_both! {
    /// Scenario 2; defect 19: the check of slots was commented out.
    async fn scenario_2_defect_19_an_hour_has_one_deal_across_the_platform(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await.account;
        let b = seller(&db, boss, "b", 2).await.account;
        let policy = policy();
        book(&db, &policy, a, hours(&db, 12, 15)).await.unwrap();
        assert_eq!(book(&db, &policy, b, hours(&db, 14, 16)).await, Err(BookRefusal::Taken));
        assert_eq!(taken(&db).await, [12, 13, 14], "a range that is refused takes no hour of it");
        book(&db, &policy, b, hours(&db, 15, 17)).await.unwrap();
        let last = Policy { hours_min: 1, ..policy.clone() };
        let last = Hours::of_day(&last, tomorrow(&db), 23, 24).unwrap();
        book(&db, &policy, b, last).await.unwrap();
        assert_eq!(race(&db, &policy, a, 24, (18, 20)).await, 1);
        assert_eq!(taken(&db).await, [12, 13, 14, 15, 16, 18, 19, 23]);
    }

    async fn an_hour_has_as_many_deals_as_the_platform_allows(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await.account;
        let policy = Policy { capacity: 3, ..policy() };
        assert_eq!(race(&db, &policy, a, 24, (18, 20)).await, 3);
        let counts = slot::day(&db.read(), &policy, tomorrow(&db)).await.unwrap();
        assert_eq!((counts[17], counts[18], counts[19], counts[20]), (0, 3, 3, 0));
    }

    async fn ranges_that_overlap_in_part_do_not_wait_for_each_other_for_ever(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await.account;
        let racers: Vec<_> = (0..8_u8).map(|index| {
            let (db, hours) = (db.clone(), hours(&db, 8 + index, 12 + index));
            tokio::spawn(async move { book(&db, &policy(), a, hours).await.is_ok() })
        }).collect();
        let mut won = 0;
        for racer in racers {
            won += usize::from(racer.await.unwrap());
        }
        assert!((1..=2).contains(&won), "{won}");
        assert_eq!(taken(&db).await.len(), 4 * won);
    }

    /// Defect 19: a deal may go on overnight.
    async fn defect_19_hours_across_midnight_are_of_both_days(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await.account;
        let deal = book(&db, &policy(), a, hours(&db, 22, 2)).await.unwrap();
        assert_eq!(taken(&db).await, [22, 23]);
        let next = slot::day(&db.read(), &policy(), tomorrow(&db).plus(1)).await.unwrap();
        assert_eq!(next.iter().sum::<u32>(), 2);
        assert_eq!((next[0], next[1]), (1, 1));
        let slot = slot::of_deal(&db.read(), deal).await.unwrap().unwrap();
        assert_eq!(slot.hours.count(), 4);
    }

    /// Defect 19: what is past is not booked.
    async fn defect_19_hours_that_have_begun_are_not_booked_nor_those_of_another_year(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await.account;
        let range = hours(&db, 12, 14);
        let late = Hours::of_day(&policy(), tomorrow(&db).plus(400), 12, 14).unwrap();
        assert_eq!(book(&db, &policy(), a, late).await, Err(BookRefusal::TooFarAhead));
        trial.advance(range.starts_at().since(db.now()).as_millis().try_into().unwrap());
        trial.advance(1);
        assert_eq!(book(&db, &policy(), a, range).await, Err(BookRefusal::Past));
        trial.advance(-1);
        book(&db, &policy(), a, range).await.unwrap();
    }

    async fn only_an_approved_business_books(trial: Trial) {
        let db = open(&trial).await;
        let applied = applicant(&db, "a", 1).await;
        let refused = db.write(async |tx| {
            let live = account::live(tx, applied.account).await.unwrap();
            business::approved(tx, &live).await.map(drop)
        });
        assert_eq!(refused.await.map_err(refusal), Err(SellRefusal::NotApproved));
    }

    async fn a_deal_books_once(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await.account;
        let deal = book(&db, &policy(), a, hours(&db, 12, 14)).await.unwrap();
        let other = hours(&db, 16, 18);
        let again = db.write(async |tx| {
            let approved = approved(tx, a).await;
            slot::book(tx, &policy(), &approved, deal, other).await
        });
        assert_eq!(again.await.map_err(refusal), Err(BookRefusal::HasSlot));
        assert_eq!(taken(&db).await, [12, 13]);
    }

    async fn hours_are_freed_until_they_begin(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await.account;
        let range = hours(&db, 12, 14);
        let first = book(&db, &policy(), a, range).await.unwrap();
        assert!(free(&db, first).await);
        assert!(!free(&db, first).await, "once");
        assert!(taken(&db).await.is_empty());
        let second = book(&db, &policy(), a, range).await.unwrap();
        let until = range.starts_at().since(db.now()).as_millis();
        trial.advance(until.try_into().unwrap());
        assert!(!free(&db, second).await, "they have begun");
        assert!(!free(&db, DealId::new(db.now())).await, "no such slot");
    }

    async fn each_slot_has_one_invoice_of_its_hours_and_no_commission(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let deal = book(&db, &policy(), a.account, hours(&db, 12, 15)).await.unwrap();
        let due = invoice(&db, deal).await;
        assert_eq!((due.amount.minor, due.hours, due.commission.basis_points()), (30_000, 3, 0));
        assert_eq!((due.state, due.business), (InvoiceState::Due, a.business));
        let pay = async |by: AccountId, id| {
            let paid = db.write(async |tx| {
                let by = live(tx, by).await;
                rental::settle(tx, &by, id).await
            });
            paid.await.map_err(refusal)
        };
        assert_eq!(pay(a.account, due.id).await, Err(SettleRefusal::NotAnOperator));
        let at: Moment = pay(boss, due.id).await.unwrap();
        trial.advance(HOUR_MS);
        assert_eq!(pay(boss, due.id).await, Ok(at), "again is no change");
        assert!(free(&db, deal).await);
        assert_eq!(invoice(&db, deal).await.state, InvoiceState::Credited);
        let unpaid = book(&db, &policy(), a.account, hours(&db, 12, 15)).await.unwrap();
        assert!(free(&db, unpaid).await);
        let void = invoice(&db, unpaid).await;
        assert_eq!(void.state, InvoiceState::Void);
        assert_eq!(pay(boss, void.id).await, Err(SettleRefusal::NotDue));
        // What was paid for freed hours is owed back.
        let books = ledger::balances(&db.read()).await.unwrap();
        let books = books.iter().map(|one| (one.account, one.amount.minor)).collect::<Vec<_>>();
        let expected =
            [(Account::Bank, 30_000), (Account::Receivable, -30_000), (Account::Rental, 0)];
        assert_eq!(books, expected);
        let page = rental::list(&db.read(), a.business, Wanted::new(1, None).unwrap()).await.unwrap();
        assert_eq!(page.items[0].id, void.id);
        let rest = rental::list(&db.read(), a.business, Wanted::new(1, page.next).unwrap()).await.unwrap();
        assert!(rest.items[0].id == due.id && rest.next.is_none());
    }

    async fn a_business_finds_its_slots_the_latest_first(trial: Trial) {
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let early = book(&db, &policy(), a.account, hours(&db, 8, 10)).await.unwrap();
        let late = book(&db, &policy(), a.account, hours(&db, 20, 22)).await.unwrap();
        let page = slot::list(&db.read(), a.business, Wanted::default()).await.unwrap();
        let deals: Vec<DealId> = page.items.iter().map(|slot| slot.deal).collect();
        assert_eq!(deals, [late, early]);
        assert!(page.items[0].hours.ends_at().0 - db.now().0 < 3 * DAY_MS);
    }
}
