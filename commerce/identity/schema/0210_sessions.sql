-- Where people are signed in. A refresh token is the session's id and a generation, under a MAC.
CREATE TABLE session (
    id {KEY} NOT NULL PRIMARY KEY,
    account {KEY} NOT NULL REFERENCES account (id),
    -- As what: a shopper, a business or an operator.
    role {KEY} NOT NULL,
    -- What the person is shown of it: a kind of browser, never an address.
    device TEXT NOT NULL,
    -- Which refresh token is good now; the one before it is for a moment, as its answer may be lost.
    generation BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    refreshed_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX session_account ON session (account, opened_at);
CREATE INDEX session_age ON session (expires_at);
CREATE INDEX session_ended ON session (ended_at, id);
