//! One entry of the books.

use base::money::{Currency, Money};
use store::sea_orm::{self, DeriveActiveEnum, EnumIter};

/// What the money of an entry belongs to. Their order is that of their names in the table, in which they are
/// locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Account {
    /// What was paid to us without a provider, such as rent.
    #[sea_orm(string_value = "bank")]
    Bank,
    /// What providers keep.
    #[sea_orm(string_value = "fees")]
    Fees,
    /// What payment providers owe us: money that was taken, less what was given back.
    #[sea_orm(string_value = "provider")]
    Provider,
    /// What businesses owe us; less than nothing is what we owe them.
    #[sea_orm(string_value = "receivable")]
    Receivable,
    /// What was given back.
    #[sea_orm(string_value = "refunds")]
    Refunds,
    /// What businesses pay for their slots.
    #[sea_orm(string_value = "rental")]
    Rental,
    /// What was sold, before refunds.
    #[sea_orm(string_value = "sales")]
    Sales,
}

/// One line of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Of which account.
    pub account: Account,
    /// A debit is positive, a credit negative.
    pub amount: Money,
}

/// Lines that belong together: all debits are all credits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    postings: Vec<Posting>,
}

/// Why lines are no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryError {
    /// There are none, or nothing moves.
    Empty,
    /// Debits and credits differ.
    Unbalanced,
    /// They are of several currencies, or too large to be added.
    NotAddable,
}

impl Entry {
    /// Makes an entry of lines, in the order of their accounts: whoever writes several locks them in this
    /// order.
    ///
    /// # Errors
    ///
    /// As [`EntryError`] says.
    pub fn new(postings: impl IntoIterator<Item = (Account, Money)>) -> Result<Self, EntryError> {
        let postings = postings.into_iter().map(|(account, amount)| Posting { account, amount });
        let mut postings: Vec<Posting> = postings.collect();
        let currency = postings.first().ok_or(EntryError::Empty)?.amount.currency;
        if postings.iter().any(|posting| posting.amount.minor == 0) {
            return Err(EntryError::Empty);
        }
        let sum = postings
            .iter()
            .try_fold(Money::zero(currency), |sum, posting| sum.plus(posting.amount))
            .ok_or(EntryError::NotAddable)?;
        if sum.minor != 0 {
            return Err(EntryError::Unbalanced);
        }
        postings.sort_by_key(|posting| posting.account);
        Ok(Self { postings })
    }

    /// An amount that moves from one account to another.
    ///
    /// # Errors
    ///
    /// As [`EntryError`] says.
    pub fn moving(
        minor: i64,
        currency: Currency,
        from: Account,
        to: Account,
    ) -> Result<Self, EntryError> {
        if minor <= 0 || from == to {
            return Err(EntryError::Empty);
        }
        let credit = minor.checked_neg().ok_or(EntryError::NotAddable)?;
        Self::new([(to, Money::new(minor, currency)), (from, Money::new(credit, currency))])
    }

    /// Its lines.
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn won(minor: i64) -> Money {
        Money::new(minor, Currency::KRW)
    }

    #[test]
    fn only_what_is_balanced_is_an_entry() {
        use Account::{Fees, Provider, Sales};
        let sold = Entry::new([(Sales, won(-31_000)), (Fees, won(900)), (Provider, won(30_100))]);
        let accounts = sold.unwrap().postings().iter().map(|one| one.account).collect::<Vec<_>>();
        assert_eq!(accounts, [Fees, Provider, Sales]);
        let refused = |postings: &[(Account, Money)]| Entry::new(postings.to_vec()).unwrap_err();
        assert_eq!(refused(&[]), EntryError::Empty);
        assert_eq!(refused(&[(Sales, won(0)), (Fees, won(0))]), EntryError::Empty);
        assert_eq!(refused(&[(Sales, won(-5)), (Provider, won(4))]), EntryError::Unbalanced);
        let euros = Money::new(5, Currency::parse("EUR").unwrap());
        assert_eq!(refused(&[(Sales, won(-5)), (Provider, euros)]), EntryError::NotAddable);
        let moving = |minor, to| Entry::moving(minor, Currency::KRW, Provider, to);
        assert!(moving(5, Sales).is_ok());
        assert_eq!(moving(-5, Sales), Err(EntryError::Empty));
        assert_eq!(moving(5, Provider), Err(EntryError::Empty));
        assert_eq!(refused(&[(Sales, won(i64::MIN)), (Fees, won(-1))]), EntryError::NotAddable);
    }
}
