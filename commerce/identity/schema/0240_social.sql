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

-- People who were sent to a provider and are not back yet, each good for one return. State, nonce and
-- PKCE verifier are made of the id by a MAC.
CREATE TABLE social_flow (
    id {KEY} NOT NULL PRIMARY KEY,
    provider {KEY} NOT NULL,
    -- As what the person signs in; or in which session an account is to be linked.
    role {KEY},
    session {KEY} REFERENCES session (id) ON DELETE CASCADE,
    -- Where in the shop the person goes afterwards.
    return_to TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    CHECK ((role IS NULL) <> (session IS NULL))
);
CREATE INDEX social_flow_age ON social_flow (expires_at);
CREATE INDEX social_flow_session ON social_flow (session);
