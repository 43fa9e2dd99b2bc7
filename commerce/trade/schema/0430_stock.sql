-- What the keeper of the stock last told of each purchase. It may come before the order.
CREATE TABLE purchase_seen (
    sale {KEY} NOT NULL,
    purchase {KEY} NOT NULL,
    -- The number of the last event that counted.
    last_event BIGINT NOT NULL,
    -- NULL: the units are held.
    seen TEXT,
    PRIMARY KEY (sale, purchase)
);

-- Goods without a rush: how many there are, are held for somebody, and were sold.
CREATE TABLE calm_stock (
    sale {KEY} NOT NULL,
    sku {KEY} NOT NULL,
    total BIGINT NOT NULL,
    held BIGINT NOT NULL,
    sold BIGINT NOT NULL,
    unit BIGINT NOT NULL,
    currency TEXT NOT NULL,
    PRIMARY KEY (sale, sku),
    CHECK (held >= 0 AND sold >= 0 AND held + sold <= total AND unit >= 0)
);

-- Units of them that are held for somebody.
CREATE TABLE calm_hold (
    id {KEY} NOT NULL PRIMARY KEY,
    sale {KEY} NOT NULL,
    account {KEY} NOT NULL REFERENCES account (id),
    units TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE TABLE calm_item (
    hold {KEY} NOT NULL REFERENCES calm_hold (id),
    sku {KEY} NOT NULL,
    quantity BIGINT NOT NULL,
    unit BIGINT NOT NULL,
    PRIMARY KEY (hold, sku),
    CHECK (quantity > 0)
);
