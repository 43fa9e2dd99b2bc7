//! The ids of this crate's things.

store::id! {
    /// Which order.
    pub OrderId
}

store::id! {
    /// Which payment.
    pub PaymentId
}

store::id! {
    /// Which refund.
    pub RefundId
}

store::id! {
    /// Which deal. It is also the name of the deal's sale in the waiting room.
    pub DealId
}

store::id! {
    /// Which slot.
    pub SlotId
}

store::id! {
    /// Which invoice.
    pub InvoiceId
}

store::id! {
    /// Which entry of the books.
    pub EntryId
}

store::id! {
    /// Which hold of calm stock.
    pub CalmHoldId
}

store::id! {
    /// Which wish to send goods back.
    pub ReturnId
}
