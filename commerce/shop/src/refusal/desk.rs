//! Refusals of what sellers and operators do with orders, payments and tasks.

use axum::http::StatusCode as S;
use trade::{
    deal::DecideRefusal,
    fulfilment::{self, ShipRefusal},
    refund::RefundRefusal,
    rental::SettleRefusal,
    till::{self, DeskRefusal},
};

use super::words::{Row, lasting};

/// Why it is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DoneRefusal {
    /// No such order, or not of a deal of the caller's.
    OrderUnknown,
    /// Of a deal that is decided about.
    Decide(DecideRefusal),
    /// Of a shipment.
    Ship(ShipRefusal),
    /// Of goods that come back.
    Return(fulfilment::ReturnRefusal),
    /// Of money that is given back.
    Refund(RefundRefusal),
    /// Of a payment that a person looks at.
    Desk(DeskRefusal),
    /// Of a doubt about a payment that somebody decides.
    Doubt(till::DecideRefusal),
    /// Of an invoice.
    Settle(SettleRefusal),
    /// There is no such task, or it is being tried.
    TaskUnknown,
}

impl DoneRefusal {
    /// The row of a refusal.
    #[rustfmt::skip]
    pub(super) const fn row(self) -> Row {
        match self {
            Self::OrderUnknown | Self::Ship(ShipRefusal::Unknown) | Self::Refund(RefundRefusal::Unknown) => lasting(S::NOT_FOUND, "order_unknown", "그런 주문이 없습니다.", "there is no such order"),
            Self::Decide(DecideRefusal::Unknown) => lasting(S::NOT_FOUND, "deal_unknown", "그런 딜이 없습니다.", "there is no such deal"),
            Self::Decide(DecideRefusal::NotAnOperator) | Self::Refund(RefundRefusal::NotAnOperator) | Self::Settle(SettleRefusal::NotAnOperator) | Self::Doubt(till::DecideRefusal::NotAnOperator) => lasting(S::FORBIDDEN, "not_an_operator", "운영자 계정이 아닙니다.", "the account does not run the platform"),
            Self::Decide(DecideRefusal::Draft) => lasting(S::CONFLICT, "deal_draft", "아직 공개하지 않은 딜입니다.", "the deal is a draft: it can be published or deleted"),
            Self::Decide(DecideRefusal::Over) => lasting(S::CONFLICT, "deal_over", "끝난 딜입니다.", "the deal is over"),
            Self::Decide(DecideRefusal::PausedByOthers) => lasting(S::CONFLICT, "deal_paused_by_others", "플랫폼이 멈춘 딜입니다.", "the platform has paused the deal"),
            Self::Ship(ShipRefusal::NotPaid) | Self::Refund(RefundRefusal::NotPaid) => lasting(S::CONFLICT, "order_not_paid", "결제된 주문이 아닙니다.", "the order is not paid"),
            Self::Ship(ShipRefusal::NotShipped) | Self::Return(fulfilment::ReturnRefusal::NotShipped) => lasting(S::CONFLICT, "order_not_shipped", "아직 보내지 않은 상품입니다.", "the goods were not shipped"),
            Self::Ship(ShipRefusal::Delivered) => lasting(S::CONFLICT, "order_delivered", "이미 도착한 상품입니다.", "the goods have arrived"),
            Self::Return(fulfilment::ReturnRefusal::Unknown) => lasting(S::NOT_FOUND, "return_unknown", "그런 반품 요청이 없거나 이미 결정되었습니다.", "there is no such order, or nothing to decide"),
            Self::Return(fulfilment::ReturnRefusal::Reason) | Self::Refund(RefundRefusal::Reason) | Self::Doubt(till::DecideRefusal::Reason) => lasting(S::UNPROCESSABLE_ENTITY, "reason_invalid", "이유를 500자 안으로 적어 주세요.", "a reason has 1 to 500 characters"),
            Self::Refund(RefundRefusal::Shipped) | Self::Doubt(till::DecideRefusal::Shipped) => lasting(S::CONFLICT, "order_shipped", "이미 보낸 상품입니다.", "the goods are on their way: they have to be returned first"),
            Self::Refund(RefundRefusal::NothingLeft) => lasting(S::CONFLICT, "nothing_left", "이미 모두 환불했거나 환불하고 있습니다.", "all of the money is given back already"),
            Self::Refund(RefundRefusal::Amount) => lasting(S::UNPROCESSABLE_ENTITY, "refund_amount", "환불할 수 있는 금액이 아닙니다.", "the amount is not between one minor unit and what is left"),
            Self::Refund(RefundRefusal::Lines) => lasting(S::UNPROCESSABLE_ENTITY, "refund_lines", "환불할 수 있는 상품이 아닙니다.", "the order has no such goods left"),
            Self::Desk(DeskRefusal::Unknown) | Self::Doubt(till::DecideRefusal::Unknown) => lasting(S::NOT_FOUND, "payment_unknown", "그런 결제가 없습니다.", "there is no such payment"),
            Self::Desk(DeskRefusal::NoDoubt) => lasting(S::CONFLICT, "payment_clear", "확인할 것이 없는 결제입니다.", "nothing about the payment is in doubt"),
            Self::Doubt(till::DecideRefusal::WrongDoubt) => lasting(S::CONFLICT, "payment_doubt_wrong", "지금 상태의 결제에는 할 수 없는 결정입니다.", "this cannot be decided about the payment as it stands"),
            Self::Settle(SettleRefusal::Unknown) => lasting(S::NOT_FOUND, "invoice_unknown", "그런 청구서가 없습니다.", "there is no such invoice"),
            Self::Settle(SettleRefusal::NotDue) => lasting(S::CONFLICT, "invoice_not_due", "낼 것이 없는 청구서입니다.", "the invoice is not to be paid: its hours were freed"),
            Self::TaskUnknown => lasting(S::NOT_FOUND, "task_unknown", "그런 작업이 없거나 다시 시도하고 있습니다.", "there is no such task that gave up"),
        }
    }
}
