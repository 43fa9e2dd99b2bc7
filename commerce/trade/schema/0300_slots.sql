-- Hours that deals have booked. A slot that was freed keeps its row, for its invoice.
CREATE TABLE slot (
    id {KEY} NOT NULL PRIMARY KEY,
    business {KEY} NOT NULL,
    deal {KEY} NOT NULL UNIQUE,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    booked_at BIGINT NOT NULL,
    freed_at BIGINT,
    CHECK (starts_at < ends_at)
);

CREATE INDEX slot_business ON slot (business, starts_at, id);

-- How many slots have each hour. Whoever books or frees hours locks their rows, the earliest first.
CREATE TABLE slot_hour (
    starts_at BIGINT NOT NULL PRIMARY KEY,
    taken BIGINT NOT NULL,
    CHECK (taken >= 0)
);

-- What a business pays for a slot.
CREATE TABLE rental_invoice (
    id {KEY} NOT NULL PRIMARY KEY,
    slot {KEY} NOT NULL UNIQUE,
    business {KEY} NOT NULL,
    hours BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    currency TEXT NOT NULL,
    -- Of what the deal sells, in hundredths of a percent.
    commission BIGINT NOT NULL,
    state {KEY} NOT NULL,
    issued_at BIGINT NOT NULL,
    -- When it was paid, voided or credited.
    settled_at BIGINT,
    CHECK (amount >= 0 AND hours > 0),
    CHECK ((state = 'due') = (settled_at IS NULL))
);
CREATE INDEX rental_invoice_business ON rental_invoice (business, issued_at, id);
