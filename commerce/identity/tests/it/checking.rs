//! The tax service is asked about every business, however long it is away.

use std::time::Duration;

use doubles::{
    Fault, Setting,
    tax::{self, Standing},
};
use identity::{
    business::{
        self, Business, BusinessNumber, State, TaxError, TaxOptions, TaxService, Verdict, checking,
    },
    ids::BusinessId,
};
use outbound::{Reach, Secret};
use store::{Db, on_both, sea_orm::DbErr, worker::Workers};
use tokio::time::sleep;

use crate::{
    business::{NUMBER, apply, decide, people, read},
    support::DAY_MS,
};
use store::trial::{Running, until};

const KEY: &str = "a key/+";

/// A number, in digits, that the tax service knows.
pub(crate) fn registered(number: &str, standing: Standing) -> tax::Business {
    let number = number.replace('-', "");
    tax::Business { number, owner: "Kim".to_owned(), since: "20200101".to_owned(), standing }
}

/// The service's double, and a client of it.
pub(crate) async fn tax_service() -> (tax::TaxService, TaxService) {
    let double = tax::TaxService::start(Setting::local(), KEY).await.unwrap();
    let service = client(&double, KEY);
    (double, service)
}

fn client(double: &tax::TaxService, key: &str) -> TaxService {
    let options = TaxOptions {
        url: double.url(),
        deadline: Duration::from_millis(900),
        reach: Reach::Anywhere,
        ..TaxOptions::new(Secret::new(key.to_owned()))
    };
    TaxService::new(options).unwrap()
}

fn number() -> BusinessNumber {
    BusinessNumber::parse(NUMBER).unwrap()
}

#[tokio::test]
async fn the_service_says_how_a_number_stands() {
    let (double, service) = tax_service().await;
    assert_eq!(service.verdict(&number()).await, Ok(Verdict::Unregistered));
    for (standing, verdict) in [
        (Standing::Active, Verdict::Active),
        (Standing::Dormant, Verdict::Dormant),
        (Standing::Closed("20240131"), Verdict::Closed),
    ] {
        double.put(registered(NUMBER, standing));
        assert_eq!(service.verdict(&number()).await, Ok(verdict));
    }
}

#[tokio::test]
async fn a_service_in_trouble_gives_no_verdict_and_tells_no_key() {
    let (double, service) = tax_service().await;
    double.put(registered(NUMBER, Standing::Active));
    for fault in [Fault::Refused, Fault::LostBefore, Fault::LostAfter, Fault::Silent] {
        double.faults().next("status", Some(fault));
        let error: TaxError = service.verdict(&number()).await.unwrap_err();
        assert!(!error.to_string().contains("key"), "{error}");
    }
    let wrong = client(&double, "wrong");
    let error = wrong.verdict(&number()).await.unwrap_err();
    assert!(error.to_string().contains("401"), "{error}");
}

/// Lets hours pass until something is so of a business. A check of none wakes the workers each time.
async fn hours(trial: &store::trial::Trial, db: &Db, id: BusinessId, is_so: fn(&Business) -> bool) {
    for _ in 0..200 {
        if is_so(&read(db, id).await) {
            return;
        }
        trial.advance(DAY_MS / 24);
        let nobody = BusinessId::new(db.now());
        let woken = db.write(async |tx| {
            business::check_now(tx, nobody);
            Ok::<_, DbErr>(())
        });
        woken.await.unwrap();
        sleep(Duration::from_millis(30)).await;
    }
    unreachable!("not within 200 hours");
}

on_both! {
    async fn an_application_waits_for_the_tax_service_however_long_it_is_away(trial: Trial) {
        let (db, [kim, _, operator]) = people(&trial).await;
        let (double, service) = tax_service().await;
        double.put(registered(NUMBER, Standing::Active));
        for _ in 0..20 {
            double.faults().next("status", Some(Fault::Refused));
        }
        let id = apply(&db, kim, NUMBER).await.unwrap();
        let working = Running::start(checking::on(Workers::default(), service), &db);
        hours(&trial, &db, id, |business| business.checked.is_some()).await;
        assert!(double.asked().len() > 20);
        assert_eq!(read(&db, id).await.state, State::Pending);
        decide(&db, operator, id, business::Decision::Approve).await.unwrap();

        double.put(registered(NUMBER, Standing::Closed("20240131")));
        trial.advance(29 * DAY_MS);
        hours(&trial, &db, id, |business| business.state == State::Suspended).await;
        assert_eq!(read(&db, id).await.checked.unwrap().verdict, Verdict::Closed);
        working.stop().await;
    }

    async fn nobody_asks_about_a_business_that_cannot_sell(trial: Trial) {
        let (db, [kim, _, operator]) = people(&trial).await;
        let (double, service) = tax_service().await;
        let id = apply(&db, kim, NUMBER).await.unwrap();
        decide(&db, operator, id, business::Decision::Reject).await.unwrap();
        let working = Running::start(checking::on(Workers::default(), service), &db);
        let asked = "identity.check_business";
        until("the check is done with", async || {
            !crate::support::everything(&db).await.contains(asked)
        }).await;
        assert!(double.asked().is_empty());
        working.stop().await;
    }
}
