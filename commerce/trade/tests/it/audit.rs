//! The proof of the books finds what does not add up.

use store::{
    on_both,
    sea_orm::{ConnectionTrait as _, DbErr, Statement},
};
use tokio::time::{Duration, Instant, sleep};
use trade::{
    audit,
    gateway::Provider,
    ledger::{self, Account, Kind},
    order::state::OrderState,
    till,
};

use crate::support::{Shop, won};

async fn execute(shop: &Shop, text: &str) {
    let done = shop.db.write(async |tx| {
        tx.execute_raw(Statement::from_string(tx.get_database_backend(), text)).await
    });
    assert!(done.await.unwrap().rows_affected() > 0, "{text}");
}

on_both! {
    async fn whatever_is_changed_behind_the_books_is_found(trial: Trial) {
        let shop = Shop::open(&trial, 5).await;
        let kim = shop.shopper("kim").await;
        shop.paid(&trial, kim, 1, Provider::Card).await;
        let found = async || audit::prove(&shop.db).await.unwrap();
        let sound = found().await;
        assert_eq!((sound.payments, sound.trouble), (1, None));
        for (wrong, right, words) in [
            (
                "UPDATE ledger_account SET minor = minor + 1 WHERE account = 'sales'",
                "UPDATE ledger_account SET minor = minor - 1 WHERE account = 'sales'",
                "the accounts differ from their postings",
            ),
            (
                "UPDATE payment SET taken = taken - 1",
                "UPDATE payment SET taken = taken + 1",
                "1 payments differ from their steps",
            ),
            (
                "UPDATE orders SET state = 'waiting'",
                "UPDATE orders SET state = 'paid'",
                "1 payments differ from their steps",
            ),
        ] {
            execute(&shop, wrong).await;
            let trouble = found().await.trouble.unwrap();
            assert!(trouble.contains(words), "{wrong}: {trouble}");
            execute(&shop, right).await;
            assert_eq!(found().await.trouble, None, "{right}");
        }
    }

    async fn a_payment_that_cannot_be_read_is_named_and_stops_neither_proof_nor_reconciliation(trial: Trial) {
        let shop = Shop::open(&trial, 5).await;
        let kim = shop.shopper("kim").await;
        let broken = shop.paid(&trial, kim, 1, Provider::Card).await;
        let payment = shop.kept(broken).await.id;
        let sound = shop.paid(&trial, kim, 1, Provider::KakaoPay).await;
        let reference = shop.kept(sound).await.payment.reference().unwrap().to_owned();
        let of = format!("WHERE payment = '{payment}' AND seq = 2");
        execute(&shop, &format!("UPDATE payment_step SET body = '\"unheard_of\"' {of}")).await;
        assert!(shop.kakaopay.return_unasked(&reference, 1_000));
        let trouble = audit::prove(&shop.db).await.unwrap().trouble.unwrap();
        assert!(trouble.contains(&payment.to_string()) && trouble.contains("step 2"), "{trouble}");
        // A night later.
        let work = shop.work_with(audit::on);
        let give_up = Instant::now() + Duration::from_mins(1);
        while shop.count("schedule WHERE name = 'trade.prove'").await == 0 {
            assert!(Instant::now() < give_up, "nobody knows of the proof");
            sleep(Duration::from_millis(10)).await;
        }
        trial.advance(25 * 3_600_000);
        while shop.read(sound).await.state != OrderState::PartRefunded {
            assert!(Instant::now() < give_up, "it was not looked up");
            trial.advance(50);
            sleep(Duration::from_millis(10)).await;
        }
        let proof = loop {
            match audit::last(&shop.db.read()).await.unwrap() {
                Some(proof) => break proof,
                None => sleep(Duration::from_millis(10)).await,
            }
            assert!(Instant::now() < give_up, "nothing was proved");
        };
        work.stop().await;
        assert!(proof.trouble.unwrap().contains("step 2"));
        assert!(!audit::last(&shop.db.read()).await.unwrap().unwrap().is_old(shop.db.now()));
    }

    async fn a_payment_is_added_up_again_when_it_changed_and_until_it_is_right(trial: Trial) {
        let shop = Shop::open(&trial, 5).await;
        let kim = shop.shopper("kim").await;
        let order = shop.paid(&trial, kim, 1, Provider::Card).await;
        let unproven = async || shop.count("payment WHERE steps <> proven").await;
        assert_eq!(unproven().await, 1);
        audit::prove(&shop.db).await.unwrap();
        assert_eq!(unproven().await, 0, "what was found right is not read again");
        execute(&shop, "UPDATE orders SET state = 'waiting'").await;
        for _ in 0..2 {
            assert!(audit::prove(&shop.db).await.unwrap().trouble.is_some());
            assert_eq!(unproven().await, 1, "what was found wrong is");
        }
        execute(&shop, "UPDATE orders SET state = 'paid'").await;
        assert_eq!(audit::prove(&shop.db).await.unwrap().trouble, None);
        assert_eq!(unproven().await, 0);
        let payment = shop.kept(order).await.id;
        shop.db.write(async |tx| till::look_up(tx, payment).await).await.unwrap();
        assert_eq!(unproven().await, 1, "a step makes it one to be read");
    }

    async fn an_entry_is_posted_once_for_what_it_is_about(trial: Trial) {
        let shop = Shop::open(&trial, 5).await;
        let post = async |minor| {
            let accounts = (Account::Rental, Account::Receivable);
            let posted = shop.db.write(async |tx| {
                ledger::move_money(tx, Kind::Rental, "slot-1", won(minor), accounts).await
            });
            posted.await
        };
        assert!(post(50_000).await.unwrap() && !post(70_000).await.unwrap());
        assert!(matches!(post(-1).await, Err(DbErr::Custom(_))));
        let balances = ledger::balances(&shop.db.read()).await.unwrap();
        let minor = balances.iter().map(|one| (one.account, one.amount.minor)).collect::<Vec<_>>();
        assert_eq!(minor, [(Account::Receivable, 50_000), (Account::Rental, -50_000)]);
        assert_eq!(ledger::posted(&shop.db.read()).await.unwrap(), balances);
    }
}
