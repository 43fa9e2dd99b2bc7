-- A person's account. Withdrawal keeps the row, for the orders that name it, and empties the rest.
CREATE TABLE account (
    id {KEY} NOT NULL PRIMARY KEY,
    -- As its owner writes it; and as addresses are compared, so that one has one account.
    email TEXT,
    email_key {KEY} UNIQUE,
    name TEXT NOT NULL,
    -- NULL: the person signs in elsewhere only.
    password_hash TEXT,
    is_verified BOOLEAN NOT NULL,
    is_operator BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    withdrawn_at BIGINT,
    CHECK (withdrawn_at IS NULL OR (email IS NULL AND email_key IS NULL AND name = ''
        AND password_hash IS NULL AND is_verified = FALSE AND is_operator = FALSE))
);

-- Proofs that somebody reads an account's address, each good for one purpose and once.
CREATE TABLE proof (
    id {KEY} NOT NULL PRIMARY KEY,
    account {KEY} NOT NULL REFERENCES account (id),
    purpose {KEY} NOT NULL,
    -- The address it was sent to: another one is not proven by it.
    email_key {KEY} NOT NULL,
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX proof_account ON proof (account, purpose, made_at);
CREATE INDEX proof_age ON proof (expires_at);
