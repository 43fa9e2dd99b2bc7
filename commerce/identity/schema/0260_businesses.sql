-- Accounts that sell, or apply for it. Withdrawal of the account removes the persons and keeps the
-- company, which its customers have a right to know.
CREATE TABLE business (
    id {KEY} NOT NULL PRIMARY KEY,
    account {KEY} NOT NULL UNIQUE REFERENCES account (id),
    state {KEY} NOT NULL,
    company TEXT NOT NULL,
    -- Ten digits.
    number TEXT NOT NULL,
    -- The same while nobody else can have it: not after a rejection or a withdrawal.
    number_key {KEY} UNIQUE,
    representative TEXT NOT NULL,
    email TEXT NOT NULL,
    phone TEXT NOT NULL,
    -- What the tax service said of the number last, and when.
    verdict {KEY},
    checked_at BIGINT,
    -- Why it was rejected or suspended.
    reason TEXT,
    -- Or said last who it is.
    applied_at BIGINT NOT NULL,
    decided_at BIGINT,
    -- The operator; NULL if the tax service's verdict decided.
    decided_by {KEY} REFERENCES account (id),
    CHECK ((verdict IS NULL) = (checked_at IS NULL)),
    CHECK (state <> 'approved' OR verdict = 'active')
);
CREATE INDEX business_state ON business (state, applied_at, id);
