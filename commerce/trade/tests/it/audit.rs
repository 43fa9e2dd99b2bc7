//! The proof of the books finds what does not add up.

use store::{
    on_both,
    sea_orm::{ConnectionTrait as _, DbErr, Statement},
};
use trade::{
    audit,
    gateway::Provider,
    ledger::{self, Account, Kind},
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
