//! What was ordered, as pages show it.

use base::money::Money;
use pages::shop::{Gateway, Line, Price, Sums};
use trade::{deal::Deal, gateway::Provider, order};

/// What was, or is to be, ordered of one deal.
#[derive(Debug)]
pub(super) struct Basket {
    deal: String,
    lines: Vec<Row>,
    list: Money,
    discount: Money,
    total: Money,
}

#[derive(Debug)]
struct Row {
    title: String,
    quantity: u32,
    unit: Money,
    list: Money,
    percent: u32,
    amount: Money,
}

/// Goods of one kind: what they are called, how many, and what one costs.
pub(super) type Kind<'a> = (&'a str, u32, Money);

impl Basket {
    /// Goods of a deal; without the deal, what they cost else is not known.
    pub(super) fn of(id: String, deal: Option<&Deal>, kinds: &[Kind<'_>]) -> Self {
        let rows = kinds.iter().map(|&(title, quantity, unit)| {
            let known = deal.filter(|deal| deal.terms.unit_price() == unit);
            let list = known.map_or(unit, |deal| deal.terms.price);
            let percent = known.map_or(0, |deal| deal.terms.discount.basis_points() / 100);
            let amount = unit.times(quantity).unwrap_or(unit);
            let title = str::to_owned(title);
            Row { title, quantity, unit, list, percent: percent.into(), amount }
        });
        let lines: Vec<Row> = rows.collect();
        let zero =
            Money::zero(lines.first().map_or(base::money::Currency::KRW, |row| row.unit.currency));
        let sum = |of: fn(&Row) -> Option<Money>| {
            lines.iter().fold(zero, |sum, row| of(row).and_then(|one| sum.plus(one)).unwrap_or(sum))
        };
        let list = sum(|row| row.list.times(row.quantity));
        let total = sum(|row| Some(row.amount));
        let discount = Money::new(total.minor - list.minor, total.currency);
        Self { deal: id, lines, list, discount, total }
    }

    /// What an order has.
    pub(super) fn of_order(order: &order::Order, deal: Option<&Deal>) -> Self {
        let kind = |line| {
            let order::Line { name, quantity, unit, .. }: &order::Line = line;
            (name.as_str(), *quantity, *unit)
        };
        let kinds: Vec<Kind<'_>> = order.lines.iter().map(kind).collect();
        Self::of(order.deal.to_string(), deal, &kinds)
    }

    pub(super) fn lines(&self) -> Vec<Line<'_>> {
        let line = |row| {
            let Row { title, quantity, unit, list, percent, amount }: &Row = row;
            Line {
                deal: &self.deal,
                title,
                picture: None,
                quantity: u64::from(*quantity),
                price: Price { now: money(unit), list: money(list), percent: *percent },
                amount: money(amount),
            }
        };
        self.lines.iter().map(line).collect()
    }

    pub(super) fn sums(&self) -> Sums<'_> {
        Sums { list: money(&self.list), discount: money(&self.discount), total: money(&self.total) }
    }
}

/// An amount as pages take it.
pub(super) fn money(amount: &Money) -> pages::Money<'_> {
    let currency = &amount.currency;
    pages::Money { minor: amount.minor, currency: currency.code(), digits: currency.digits() }
}

/// A provider as pages know it.
pub(super) const fn gateway(provider: Provider) -> Gateway {
    match provider {
        Provider::KakaoPay => Gateway::KakaoPay,
        Provider::Card => Gateway::Card,
    }
}
