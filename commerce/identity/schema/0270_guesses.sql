-- Wrong passwords, for a quarter of an hour.
CREATE TABLE guess (
    id {KEY} NOT NULL PRIMARY KEY,
    -- The address that it was for, under a keyed hash, whether it has an account or not.
    address {KEY} NOT NULL,
    made_at BIGINT NOT NULL
);
CREATE INDEX guess_address ON guess (address, made_at);
CREATE INDEX guess_age ON guess (made_at);
