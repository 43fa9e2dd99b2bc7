-- The books: entries of balanced postings, and what they come to for each account.
CREATE TABLE ledger_account (
    account {KEY} NOT NULL,
    currency {KEY} NOT NULL,
    minor BIGINT NOT NULL,
    PRIMARY KEY (account, currency)
);
CREATE TABLE ledger_entry (
    id {KEY} NOT NULL PRIMARY KEY,
    kind {KEY} NOT NULL,
    -- What it is about: one entry of a kind for each.
    subject {KEY} NOT NULL,
    at BIGINT NOT NULL,
    UNIQUE (kind, subject)
);
CREATE TABLE ledger_posting (
    entry {KEY} NOT NULL REFERENCES ledger_entry (id),
    account {KEY} NOT NULL,
    currency TEXT NOT NULL,
    -- A debit is positive, a credit negative.
    minor BIGINT NOT NULL,
    PRIMARY KEY (entry, account)
);

-- What each proof of the books found.
CREATE TABLE ledger_proof (
    at BIGINT NOT NULL PRIMARY KEY,
    payments BIGINT NOT NULL,
    -- The last of the payments that it went through although nothing had changed; NULL: the last there was.
    up_to {KEY},
    -- NULL: everything adds up.
    trouble TEXT
);
