//! The tables of the books.

use store::{
    Tx, insert_if_absent,
    sea_orm::{Set, entity::prelude::*, sea_query::ExprTrait as _},
};

use super::{
    entry::{Account, Entry as Balanced, Posting},
    model::Kind,
};
use crate::ids::EntryId;

/// What each account comes to.
pub(super) mod account {
    use store::sea_orm::{self, entity::prelude::*};

    use crate::ledger::entry::Account;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "ledger_account")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub account: Account,
        #[sea_orm(primary_key, auto_increment = false)]
        pub currency: String,
        pub minor: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Entries.
pub(super) mod entry {
    use store::{
        At,
        sea_orm::{self, entity::prelude::*},
    };

    use crate::{ids::EntryId, ledger::model::Kind};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "ledger_entry")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: EntryId,
        pub kind: Kind,
        pub subject: String,
        pub at: At,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Their lines.
pub(super) mod posting {
    use store::sea_orm::{self, entity::prelude::*};

    use crate::{ids::EntryId, ledger::entry::Account};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "ledger_posting")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub entry: EntryId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub account: Account,
        pub currency: String,
        pub minor: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Inserts an entry unless there is one about the same, and says whether it did.
pub(super) async fn insert(
    tx: &Tx,
    kind: Kind,
    subject: &str,
    new: &Balanced,
) -> Result<bool, DbErr> {
    let id = EntryId::new(tx.now());
    let row = entry::ActiveModel {
        id: Set(id),
        kind: Set(kind),
        subject: Set(subject.to_owned()),
        at: Set(tx.now().into()),
    };
    let unique = [entry::Column::Kind, entry::Column::Subject];
    if !insert_if_absent::<entry::Entity>(tx, row, unique).await? {
        return Ok(false);
    }
    let lines = new.postings().iter().map(|line| posting::ActiveModel {
        entry: Set(id),
        account: Set(line.account),
        currency: Set(line.amount.currency.code().to_owned()),
        minor: Set(line.amount.minor),
    });
    posting::Entity::insert_many(lines).exec_without_returning(tx).await?;
    Ok(true)
}

/// Adds a line to what its account comes to.
pub(super) async fn add(tx: &Tx, line: &Posting) -> Result<(), DbErr> {
    let currency = line.amount.currency.code();
    if changed(tx, line.account, currency, line.amount.minor).await? {
        return Ok(());
    }
    let row = account::ActiveModel {
        account: Set(line.account),
        currency: Set(currency.to_owned()),
        minor: Set(0),
    };
    let unique = [account::Column::Account, account::Column::Currency];
    insert_if_absent::<account::Entity>(tx, row, unique).await?;
    changed(tx, line.account, currency, line.amount.minor).await.map(drop)
}

async fn changed(tx: &Tx, of: Account, currency: &str, minor: i64) -> Result<bool, DbErr> {
    let sum = Expr::col(account::Column::Minor).add(minor);
    let one = account::Entity::update_many()
        .col_expr(account::Column::Minor, sum)
        .filter(account::Column::Account.eq(of))
        .filter(account::Column::Currency.eq(currency));
    Ok(one.exec(tx).await?.rows_affected > 0)
}

#[cfg(test)]
mod accounts {
    store::entity_test!(crate::ledger::rows::account::Entity, &crate::tests::steps());
}

#[cfg(test)]
mod entries {
    store::entity_test!(crate::ledger::rows::entry::Entity, &crate::tests::steps());
}

#[cfg(test)]
mod postings {
    store::entity_test!(crate::ledger::rows::posting::Entity, &crate::tests::steps());
}
