-- Where a session can be sent pushes to. A token belongs to whoever registered it last.
CREATE TABLE device (
    session {KEY} NOT NULL PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE,
    account {KEY} NOT NULL REFERENCES account (id),
    platform {KEY} NOT NULL,
    token {KEY} NOT NULL UNIQUE,
    seen_at BIGINT NOT NULL
);
CREATE INDEX device_account ON device (account);
