//! The tables of what accounts follow.

use std::collections::BTreeSet;

use identity::ids::AccountId;
use store::{
    Tx,
    sea_orm::{
        QueryOrder as _, QuerySelect as _, Set,
        entity::prelude::*,
        sea_query::{ExprTrait as _, OnConflict},
    },
};

use super::model::{Alerts, Keyword};
use crate::deal::Category;

/// The table of categories.
pub(super) mod categories {
    use identity::ids::AccountId;
    use store::sea_orm::{self, entity::prelude::*};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "category_alert")]
    pub(in super::super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub account: AccountId,
        pub categories: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The table of keywords.
pub(super) mod keywords {
    use identity::ids::AccountId;
    use store::sea_orm::{self, entity::prelude::*};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "keyword_alert")]
    pub(in super::super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub account: AccountId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub word: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The bit of a category.
fn bit(category: Category) -> i64 {
    let place = Category::ALL.iter().take_while(|known| **known != category).count();
    1 << place
}

/// The categories whose bits are set.
pub(super) fn categories_of(bits: i64) -> BTreeSet<Category> {
    Category::ALL.into_iter().filter(|category| bits & bit(*category) != 0).collect()
}

/// Writes what an account, which is locked, follows.
pub(super) async fn put(tx: &Tx, account: AccountId, alerts: &Alerts) -> Result<(), DbErr> {
    let bits = alerts.categories.iter().fold(0, |bits, category| bits | bit(*category));
    if bits == 0 {
        categories::Entity::delete_by_id(account).exec(tx).await?;
    } else {
        let row = categories::ActiveModel { account: Set(account), categories: Set(bits) };
        let conflict = OnConflict::column(categories::Column::Account)
            .update_column(categories::Column::Categories)
            .to_owned();
        categories::Entity::insert(row).on_conflict(conflict).exec_without_returning(tx).await?;
    }
    let old = keywords::Entity::delete_many().filter(keywords::COLUMN.account.eq(account));
    old.exec(tx).await?;
    let row = |Keyword(word): &Keyword| keywords::ActiveModel {
        account: Set(account),
        word: Set(word.clone()),
    };
    let rows: Vec<_> = alerts.keywords.iter().map(row).collect();
    keywords::Entity::insert_many(rows).exec_without_returning(tx).await.map(drop)
}

/// Accounts that follow a category, in the order of their ids.
pub(super) async fn of_category(
    tx: &Tx,
    category: Category,
    after: Option<AccountId>,
    max: u64,
) -> Result<Vec<AccountId>, DbErr> {
    let column = Expr::col(categories::Column::Categories);
    let mut those = categories::Entity::find()
        .select_only()
        .column(categories::Column::Account)
        .filter(column.bit_and(bit(category)).ne(0_i64))
        .order_by_asc(categories::COLUMN.account)
        .limit(max);
    if let Some(after) = after {
        those = those.filter(categories::COLUMN.account.gt(after));
    }
    those.into_tuple().all(tx).await
}

/// Accounts that follow one of these words, in the order of their ids.
pub(super) async fn of_words(
    tx: &Tx,
    words: BTreeSet<String>,
    after: Option<AccountId>,
    max: u64,
) -> Result<Vec<AccountId>, DbErr> {
    let mut those = keywords::Entity::find()
        .select_only()
        .column(keywords::Column::Account)
        .distinct()
        .filter(keywords::Column::Word.is_in(words))
        .order_by_asc(keywords::COLUMN.account)
        .limit(max);
    if let Some(after) = after {
        those = those.filter(keywords::COLUMN.account.gt(after));
    }
    those.into_tuple().all(tx).await
}

#[cfg(test)]
mod tests {
    use super::*;

    mod of_categories {
        store::entity_test!(crate::alert::rows::categories::Entity, &crate::tests::steps());
    }

    mod of_keywords {
        store::entity_test!(crate::alert::rows::keywords::Entity, &crate::tests::steps());
    }

    #[test]
    fn each_category_has_a_bit_of_its_own() {
        let all: BTreeSet<Category> = Category::ALL.into_iter().collect();
        assert_eq!(categories_of(0b1111_1111), all);
        for category in Category::ALL {
            assert_eq!(categories_of(bit(category)), [category].into());
        }
    }
}
