-- Money for one order. All but the provider follows from the steps; it stands here to be found and added up.
CREATE TABLE payment (
    id {KEY} NOT NULL PRIMARY KEY,
    order_id {KEY} NOT NULL UNIQUE REFERENCES orders (id),
    -- NULL: nothing was begun.
    provider TEXT,
    -- What the provider knows it by.
    reference TEXT,
    method TEXT,
    currency TEXT NOT NULL,
    due BIGINT NOT NULL,
    taken BIGINT NOT NULL,
    back BIGINT NOT NULL,
    -- Why a person has to look, and since when.
    doubt TEXT,
    doubt_at BIGINT,
    steps BIGINT NOT NULL,
    -- How many steps it had when a proof of the books last found it right; -1: none did, or the last found it wrong.
    proven BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    CHECK ((doubt IS NULL) = (doubt_at IS NULL)),
    CHECK (due > 0)
);
CREATE INDEX payment_desk ON payment (doubt_at, id) WHERE doubt_at IS NOT NULL;
CREATE INDEX payment_unproven ON payment (id) WHERE steps <> proven;

-- What happened to a payment, in order. Steps are only added.
CREATE TABLE payment_step (
    payment {KEY} NOT NULL REFERENCES payment (id),
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (payment, seq)
);
