//! The page where a shopper pays.

use base::moment::Moment;

use super::payment::{Method, Payment};
use crate::page::{Choice, Language, won};

/// What the page says of a payment as it is now.
pub(super) fn of(payment: &Payment, now: Moment, language: Language) -> Choice {
    let say = |korean, english| language.say(korean, english);
    let choice = |value: &str, label: &str| (value.to_owned(), label.to_owned());
    let is_open = payment.state(now).is_open();
    let mut choices = Vec::new();
    if is_open {
        if payment.allows(Method::Money) {
            choices.push(choice("money", say("페이머니로 결제", "Pay with money")));
        }
        if payment.allows(Method::Card) {
            choices.push(choice("card", say("카드로 결제", "Pay by card")));
        }
        choices.push(choice("cancel", say("결제 취소", "Cancel")));
        choices.push(choice("fail", say("비밀번호 틀리기", "Enter a wrong password")));
    } else {
        choices.push(choice("back", say("상점으로 돌아가기", "Back to the shop")));
    }
    Choice {
        title: say("카카오페이 (시험용)", "KakaoPay (double)").to_owned(),
        note: if is_open {
            say("실제 돈은 움직이지 않습니다.", "No real money moves.")
        } else {
            say(
                "이 결제는 끝났거나 시간이 지났습니다.",
                "This payment has ended or its time is over.",
            )
        },
        facts: vec![
            (say("상품", "Item"), payment.item_name.clone()),
            (say("수량", "Quantity"), payment.quantity.to_string()),
            (say("결제 금액", "Amount"), won(payment.total)),
            (say("주문 번호", "Order"), payment.order.clone()),
        ],
        choices,
    }
}
