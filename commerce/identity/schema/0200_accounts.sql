-- A person's account. Withdrawal keeps the row, for the orders that name it, and empties the rest.
CREATE TABLE account (
    id {KEY} NOT NULL PRIMARY KEY,
    -- As its owner writes it; and as addresses are compared, so that one has one account. NULL: the
    -- person signs in elsewhere, and gave no address.
    email TEXT,
    email_key {KEY} UNIQUE,
    -- Empty: the person gave none.
    name TEXT NOT NULL,
    -- Digits. NULL: the person gave none.
    phone TEXT,
    -- NULL: the person signs in elsewhere only.
    password_hash TEXT,
    -- In which language the person is written to.
    language {KEY} NOT NULL,
    is_verified BOOLEAN NOT NULL,
    is_operator BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    withdrawn_at BIGINT,
    CHECK ((email IS NULL) = (email_key IS NULL)),
    CHECK (email IS NOT NULL OR is_verified = FALSE),
    CHECK (withdrawn_at IS NULL OR (email IS NULL AND name = '' AND phone IS NULL
        AND password_hash IS NULL AND is_operator = FALSE))
);

-- Accounts that may turn out to be nobody's.
CREATE INDEX account_unverified ON account (id) WHERE is_verified = FALSE AND withdrawn_at IS NULL;

-- Proofs that somebody reads an account's address, each good for one purpose and once.
CREATE TABLE proof (
    id {KEY} NOT NULL PRIMARY KEY,
    account {KEY} NOT NULL REFERENCES account (id),
    purpose {KEY} NOT NULL,
    -- The address it is for: it is sent to no other, and proves no other.
    email_key {KEY} NOT NULL,
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX proof_account ON proof (account, purpose, made_at);
CREATE INDEX proof_age ON proof (expires_at);

-- When proofs were sent, for a day. No row names an account, so that a withdrawal forgets none of it.
CREATE TABLE proof_mail (
    proof {KEY} NOT NULL PRIMARY KEY,
    -- The address, under a keyed hash.
    address {KEY} NOT NULL,
    purpose {KEY} NOT NULL,
    made_at BIGINT NOT NULL
);
CREATE INDEX proof_mail_address ON proof_mail (address, purpose, made_at);
CREATE INDEX proof_mail_age ON proof_mail (made_at);
