//! A business sells only while an operator lets it and the tax service calls it active.

use base::cursor::Wanted;
use identity::{
    account,
    business::{
        self, ApplyRefusal, Business, ChangeRefusal, Company, DecideRefusal, Decision, Reason,
        Ruling, SellRefusal, State, Typed, Verdict,
    },
    ids::{AccountId, BusinessId},
    membership::{self, Untied},
};
use store::{Db, Failure, on_both};

use crate::support::{DAY_MS, appoint, everything, open_with_kim, sign_up, verify};

pub(crate) const NUMBER: &str = "999-00-00016";
pub(crate) const OTHER: &str = "999-00-00020";

pub(crate) fn company(number: &str) -> Company {
    let typed = Typed {
        name: "Hana Trading",
        number,
        representative: "Kim Daepyo",
        email: "office@company.example",
        phone: "02-123-4567",
    };
    Company::parse(&typed).unwrap()
}

pub(crate) async fn apply(
    db: &Db,
    by: AccountId,
    number: &str,
) -> Result<BusinessId, ApplyRefusal> {
    let company = company(number);
    let done = db.write(async |tx| {
        let live = account::live(tx, by).await.unwrap();
        business::apply(tx, &live, &company).await
    });
    done.await.map_err(refusal)
}

pub(crate) async fn judge(db: &Db, id: BusinessId, number: &str, verdict: Verdict) -> bool {
    let number = company(number).number().clone();
    db.write(async |tx| business::judge(tx, id, &number, verdict).await).await.unwrap()
}

pub(crate) async fn decide(
    db: &Db,
    by: AccountId,
    id: BusinessId,
    decision: Decision,
) -> Result<(), DecideRefusal> {
    decide_for(db, by, id, decision, Some("as the rules say")).await
}

async fn decide_for(
    db: &Db,
    by: AccountId,
    id: BusinessId,
    decision: Decision,
    reason: Option<&str>,
) -> Result<(), DecideRefusal> {
    let seen = read(db, id).await.applied_at;
    let reason = reason.map(|reason| Reason::parse(reason).unwrap());
    rule(db, by, id, Ruling { decision, seen, reason }).await
}

async fn rule(db: &Db, by: AccountId, id: BusinessId, ruling: Ruling) -> Result<(), DecideRefusal> {
    let done = db.write(async |tx| {
        let live = account::live(tx, by).await.unwrap();
        business::decide(tx, &live, id, &ruling).await
    });
    done.await.map_err(refusal)
}

async fn change(db: &Db, by: AccountId, company: &Company) -> Result<BusinessId, ChangeRefusal> {
    let done = db.write(async |tx| {
        let live = account::live(tx, by).await.unwrap();
        business::change(tx, &live, company).await
    });
    done.await.map_err(refusal)
}

pub(crate) async fn can_sell(db: &Db, account: AccountId) -> bool {
    let done = db.write(async |tx| {
        let live = account::live(tx, account).await.unwrap();
        business::approved(tx, &live).await.map(drop)
    });
    match done.await.map_err(refusal) {
        Ok(()) => true,
        Err(SellRefusal::NotApproved) => false,
    }
}

fn refusal<R: std::fmt::Debug>(failure: Failure<R>) -> R {
    match failure {
        Failure::Refused(refusal) => refusal,
        Failure::Store(error) => unreachable!("{error}"),
    }
}

pub(crate) async fn read(db: &Db, id: BusinessId) -> Business {
    business::find(&db.read(), id).await.unwrap().unwrap()
}

/// Kim, who applies, Lee, who also does, and an operator.
pub(crate) async fn people(trial: &store::trial::Trial) -> (Db, [AccountId; 3]) {
    let (db, kim) = open_with_kim(trial).await;
    let lee = sign_up(&db, "lee@shop.example").await.unwrap().id;
    let operator = sign_up(&db, "operator@shop.example").await.unwrap().id;
    verify(&db, kim).await;
    verify(&db, lee).await;
    appoint(&db, operator).await;
    (db, [kim, lee, operator])
}

on_both! {
    async fn only_an_operator_lets_a_business_sell_that_the_tax_service_calls_active(trial: Trial) {
        let (db, [kim, lee, operator]) = people(&trial).await;
        let id = apply(&db, kim, NUMBER).await.unwrap();
        let asked = "identity.check_business";
        assert!(everything(&db).await.contains(asked), "the tax service is to be asked");
        let early = decide(&db, operator, id, Decision::Approve).await;
        assert_eq!(early, Err(DecideRefusal::NotVerified), "the tax service does not answer");
        assert!(!can_sell(&db, kim).await);
        assert!(judge(&db, id, NUMBER, Verdict::Active).await);
        assert_eq!(read(&db, id).await.state, State::Pending);
        assert!(!can_sell(&db, kim).await);
        decide(&db, operator, id, Decision::Approve).await.unwrap();
        assert!(can_sell(&db, kim).await && !can_sell(&db, lee).await);
        assert_eq!(read(&db, id).await.decided_by, Some(operator));
        assert_eq!(apply(&db, kim, OTHER).await, Err(ApplyRefusal::Decided));
        let again = decide(&db, operator, id, Decision::Approve).await;
        assert_eq!(again, Err(DecideRefusal::WrongState));
    }

    async fn an_account_that_verified_no_address_does_not_apply(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        assert_eq!(apply(&db, kim, NUMBER).await, Err(ApplyRefusal::NotVerified));
        verify(&db, kim).await;
        apply(&db, kim, NUMBER).await.unwrap();
    }

    async fn only_operators_decide_not_about_their_own_and_with_a_reason(trial: Trial) {
        let (db, [kim, lee, operator]) = people(&trial).await;
        let id = apply(&db, kim, NUMBER).await.unwrap();
        judge(&db, id, NUMBER, Verdict::Active).await;
        for shopper in [kim, lee] {
            let done = decide(&db, shopper, id, Decision::Approve).await;
            assert_eq!(done, Err(DecideRefusal::NotAnOperator));
        }
        appoint(&db, kim).await;
        assert_eq!(decide(&db, kim, id, Decision::Approve).await, Err(DecideRefusal::Own));
        let silent = decide_for(&db, operator, id, Decision::Reject, None).await;
        assert_eq!(silent, Err(DecideRefusal::ReasonMissing));
        decide_for(&db, operator, id, Decision::Approve, None).await.unwrap();
        let silent = decide_for(&db, operator, id, Decision::Suspend, None).await;
        assert_eq!(silent, Err(DecideRefusal::ReasonMissing));
        assert!(can_sell(&db, kim).await);
    }

    async fn operators_who_decide_about_each_other_both_do(trial: Trial) {
        let (db, [kim, lee, _]) = people(&trial).await;
        let of_kim = apply(&db, kim, NUMBER).await.unwrap();
        let of_lee = apply(&db, lee, OTHER).await.unwrap();
        judge(&db, of_kim, NUMBER, Verdict::Active).await;
        judge(&db, of_lee, OTHER, Verdict::Active).await;
        appoint(&db, kim).await;
        appoint(&db, lee).await;
        let (one, other) = tokio::join!(
            decide(&db, kim, of_lee, Decision::Approve),
            decide(&db, lee, of_kim, Decision::Approve),
        );
        assert_eq!((one, other), (Ok(()), Ok(())));
    }

    async fn a_verdict_that_is_a_day_old_lets_nobody_in(trial: Trial) {
        let (db, [kim, _, operator]) = people(&trial).await;
        let id = apply(&db, kim, NUMBER).await.unwrap();
        judge(&db, id, NUMBER, Verdict::Active).await;
        trial.advance(DAY_MS);
        let late = decide(&db, operator, id, Decision::Approve).await;
        assert_eq!(late, Err(DecideRefusal::NotVerified));
        judge(&db, id, NUMBER, Verdict::Active).await;
        decide(&db, operator, id, Decision::Approve).await.unwrap();
    }

    async fn a_closed_business_is_rejected_and_may_apply_again(trial: Trial) {
        let (db, [kim, lee, operator]) = people(&trial).await;
        let id = apply(&db, kim, OTHER).await.unwrap();
        assert!(judge(&db, id, OTHER, Verdict::Closed).await);
        let rejected = read(&db, id).await;
        assert_eq!((rejected.state, rejected.decided_by), (State::Rejected, None));
        assert_eq!(rejected.checked.unwrap().verdict, Verdict::Closed);
        let approved = decide(&db, operator, id, Decision::Approve).await;
        assert_eq!(approved, Err(DecideRefusal::WrongState));
        apply(&db, lee, OTHER).await.unwrap();
        assert_eq!(apply(&db, kim, NUMBER).await, Ok(id));
        let pending = read(&db, id).await;
        assert_eq!((pending.state, pending.checked), (State::Pending, None));
    }

    async fn a_verdict_on_a_number_that_was_replaced_counts_for_nothing(trial: Trial) {
        let (db, [kim, ..]) = people(&trial).await;
        let id = apply(&db, kim, NUMBER).await.unwrap();
        apply(&db, kim, OTHER).await.unwrap();
        assert!(!judge(&db, id, NUMBER, Verdict::Active).await);
        assert_eq!(read(&db, id).await.checked, None);
    }

    async fn a_later_check_suspends_and_an_operator_reinstates(trial: Trial) {
        let (db, [kim, _, operator]) = people(&trial).await;
        let id = apply(&db, kim, NUMBER).await.unwrap();
        judge(&db, id, NUMBER, Verdict::Active).await;
        decide(&db, operator, id, Decision::Approve).await.unwrap();
        judge(&db, id, NUMBER, Verdict::Dormant).await;
        assert!(!can_sell(&db, kim).await);
        let early = decide(&db, operator, id, Decision::Reinstate).await;
        assert_eq!(early, Err(DecideRefusal::NotVerified));
        judge(&db, id, NUMBER, Verdict::Active).await;
        assert!(!can_sell(&db, kim).await, "only an operator lets it sell again");
        decide(&db, operator, id, Decision::Reinstate).await.unwrap();
        assert!(can_sell(&db, kim).await);
        decide(&db, operator, id, Decision::Suspend).await.unwrap();
        let suspended = read(&db, id).await;
        assert_eq!(suspended.reason.as_deref(), Some("as the rules say"));
        assert!(!can_sell(&db, kim).await);
    }

    async fn an_operator_decides_about_what_they_saw(trial: Trial) {
        let (db, [kim, _, operator]) = people(&trial).await;
        let id = apply(&db, kim, NUMBER).await.unwrap();
        judge(&db, id, NUMBER, Verdict::Active).await;
        let seen = read(&db, id).await.applied_at;
        trial.advance(1);
        // A good company was looked at, and another one stands there by now.
        apply(&db, kim, OTHER).await.unwrap();
        judge(&db, id, OTHER, Verdict::Active).await;
        let ruling = Ruling { decision: Decision::Approve, seen, reason: None };
        assert_eq!(rule(&db, operator, id, ruling).await, Err(DecideRefusal::Changed));
        assert!(!can_sell(&db, kim).await);
        decide(&db, operator, id, Decision::Approve).await.unwrap();
    }

    async fn a_business_that_was_approved_is_so_again_under_another_name_alone(trial: Trial) {
        let (db, [kim, lee, operator]) = people(&trial).await;
        let typed = Typed {
            name: "Hana Trading",
            number: NUMBER,
            representative: "Kim Daepyo",
            email: "new@company.example",
            phone: "02-765-4321",
        };
        let contact = Company::parse(&typed).unwrap();
        let [renamed, other] = [
            Typed { name: "Dura Trading", ..typed },
            Typed { number: OTHER, ..typed },
        ].map(|typed| Company::parse(&typed).unwrap());
        let led_by_another = Typed { representative: "Lee Daepyo", ..typed };
        let led_by_another = Company::parse(&led_by_another).unwrap();

        assert_eq!(change(&db, kim, &contact).await, Err(ChangeRefusal::Unknown));
        let id = apply(&db, kim, NUMBER).await.unwrap();
        assert_eq!(change(&db, kim, &contact).await, Err(ChangeRefusal::NotDecided));
        judge(&db, id, NUMBER, Verdict::Active).await;
        decide(&db, operator, id, Decision::Approve).await.unwrap();

        assert_eq!(change(&db, kim, &contact).await, Ok(id));
        assert_eq!(read(&db, id).await.company.email(), "new@company.example");
        assert!(can_sell(&db, kim).await, "only where it is written to has changed");
        assert_eq!(change(&db, kim, &other).await, Err(ChangeRefusal::Number));
        for company in [&renamed, &led_by_another] {
            trial.advance(1);
            assert_eq!(change(&db, kim, company).await, Ok(id));
            assert!(!can_sell(&db, kim).await && read(&db, id).await.decided_by.is_none());
            assert_eq!(apply(&db, lee, NUMBER).await, Err(ApplyRefusal::NumberTaken));
            decide(&db, operator, id, Decision::Approve).await.unwrap();
            assert!(can_sell(&db, kim).await);
        }
        decide(&db, operator, id, Decision::Suspend).await.unwrap();
        assert_eq!(change(&db, kim, &renamed).await, Err(ChangeRefusal::Suspended));
        assert_eq!(read(&db, id).await.state, State::Suspended);
    }

    async fn of_many_who_apply_with_one_number_one_does(trial: Trial) {
        let (db, _) = people(&trial).await;
        let mut accounts = Vec::new();
        for index in 0..6 {
            let account = sign_up(&db, &format!("a{index}@shop.example")).await.unwrap().id;
            verify(&db, account).await;
            accounts.push(account);
        }
        let many: Vec<_> = accounts.into_iter().map(|account| {
            let db = db.clone();
            tokio::spawn(async move { apply(&db, account, NUMBER).await })
        }).collect();
        let mut applied = 0;
        for one in many {
            match one.await.unwrap() {
                Ok(_) => applied += 1,
                Err(refusal) => assert_eq!(refusal, ApplyRefusal::NumberTaken),
            }
        }
        assert_eq!(applied, 1);
    }

    async fn operators_find_those_that_wait_the_first_first(trial: Trial) {
        let (db, [kim, lee, operator]) = people(&trial).await;
        let first = apply(&db, kim, NUMBER).await.unwrap();
        trial.advance(1);
        let second = apply(&db, lee, OTHER).await.unwrap();
        let wanted = Wanted::new(1, None).unwrap();
        let page = business::list(&db.read(), State::Pending, wanted).await.unwrap();
        assert_eq!(page.items[0].id, first);
        let wanted = Wanted::new(1, page.next).unwrap();
        let page = business::list(&db.read(), State::Pending, wanted).await.unwrap();
        assert!(page.items[0].id == second && page.next.is_none());
        decide(&db, operator, first, Decision::Reject).await.unwrap();
        let rejected = business::of_account(&db.read(), kim).await.unwrap().unwrap();
        assert_eq!(rejected.state, State::Rejected);
    }

    async fn a_withdrawal_closes_the_business_and_keeps_the_company_alone(trial: Trial) {
        let (db, [kim, lee, operator]) = people(&trial).await;
        let id = apply(&db, kim, NUMBER).await.unwrap();
        judge(&db, id, NUMBER, Verdict::Active).await;
        decide(&db, operator, id, Decision::Approve).await.unwrap();
        let data = membership::personal_data(&db.read(), kim, db.now()).await.unwrap().unwrap();
        assert_eq!(data.business.unwrap().id, id);
        let withdrawn = db.write(async |tx| {
            let live = account::live(tx, kim).await.unwrap();
            membership::withdraw(tx, &live, &Untied).await
        });
        withdrawn.await.unwrap();
        let closed = read(&db, id).await;
        assert_eq!((closed.state, closed.company.name()), (State::Closed, "Hana Trading"));
        let left = everything(&db).await;
        for personal in ["Daepyo", "office@", "021234567", "identity.check_business"] {
            assert!(!left.contains(personal), "{personal} is left in {left}");
        }
        assert!(!judge(&db, id, NUMBER, Verdict::Active).await);
        let decided = decide(&db, operator, id, Decision::Suspend).await;
        assert_eq!(decided, Err(DecideRefusal::Unknown));
        apply(&db, lee, NUMBER).await.unwrap();
    }
}
