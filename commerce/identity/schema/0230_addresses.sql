-- Where an account has things sent. Orders copy what they need of it.
CREATE TABLE address (
    id {KEY} NOT NULL PRIMARY KEY,
    account {KEY} NOT NULL REFERENCES account (id),
    receiver TEXT NOT NULL,
    -- Digits.
    phone TEXT NOT NULL,
    zip TEXT NOT NULL,
    road TEXT NOT NULL,
    -- The house's part, such as a flat; may be empty.
    detail TEXT NOT NULL,
    is_default BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX address_account ON address (account, created_at);
CREATE UNIQUE INDEX address_default ON address (account) WHERE is_default = TRUE;
