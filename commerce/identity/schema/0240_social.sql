-- Accounts elsewhere that people sign in by. The provider's own name for the person is what counts;
-- addresses there change hands.
CREATE TABLE social_link (
    id {KEY} NOT NULL PRIMARY KEY,
    account {KEY} NOT NULL REFERENCES account (id),
    provider {KEY} NOT NULL,
    subject {KEY} NOT NULL,
    -- What the person is shown of it: the address that the provider told; may be NULL.
    email TEXT,
    linked_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    UNIQUE (provider, subject)
);
CREATE INDEX social_link_account ON social_link (account, linked_at);

-- Sign-ins elsewhere from which somebody came back, each good for one return. What was begun is kept in
-- the browser alone.
CREATE TABLE social_return (
    flow {KEY} NOT NULL PRIMARY KEY,
    -- After this the return would not count anyway.
    expires_at BIGINT NOT NULL
);
CREATE INDEX social_return_age ON social_return (expires_at);
