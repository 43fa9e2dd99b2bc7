-- What somebody bought. State and ending are copies of what the payment's steps come to.
CREATE TABLE orders (
    id {KEY} NOT NULL PRIMARY KEY,
    -- What people call it.
    number {KEY} NOT NULL UNIQUE,
    account {KEY} NOT NULL REFERENCES account (id),
    deal {KEY} NOT NULL,
    -- Who keeps the units, and which of its holds they are.
    keeper TEXT NOT NULL,
    sale {KEY} NOT NULL,
    purchase {KEY} NOT NULL,
    currency TEXT NOT NULL,
    total BIGINT NOT NULL,
    -- Of all its lines together.
    units BIGINT NOT NULL,
    -- Where it is sent: a copy, which no later change of the address reaches.
    receiver TEXT NOT NULL,
    phone TEXT NOT NULL,
    zip TEXT NOT NULL,
    road TEXT NOT NULL,
    detail TEXT NOT NULL,
    state {KEY} NOT NULL,
    ending TEXT,
    -- When its state or its ending last changed.
    changed_at BIGINT NOT NULL,
    placed_at BIGINT NOT NULL,
    pay_by BIGINT NOT NULL,
    UNIQUE (sale, purchase),
    CHECK (total > 0 AND units > 0)
);
-- Those whose receiver is known.
CREATE INDEX orders_named ON orders (changed_at) WHERE receiver <> '';
CREATE INDEX orders_account ON orders (account, placed_at, id);
CREATE INDEX orders_deal ON orders (deal, placed_at, id);
CREATE INDEX orders_deal_state ON orders (deal, state, placed_at, id);

-- Goods of one kind in an order, as they were sold.
CREATE TABLE order_line (
    order_id {KEY} NOT NULL REFERENCES orders (id),
    position BIGINT NOT NULL,
    sku TEXT NOT NULL,
    name TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    unit BIGINT NOT NULL,
    PRIMARY KEY (order_id, position),
    CHECK (quantity > 0 AND unit >= 0)
);
