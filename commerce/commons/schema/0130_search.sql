-- What can be searched for.
CREATE TABLE search_document (
    kind {KEY} NOT NULL,
    subject {KEY} NOT NULL,
    title TEXT NOT NULL,
    at BIGINT NOT NULL,
    -- When it is over. NULL: never.
    over_at BIGINT,
    -- A hash of all that is indexed of it.
    digest {BYTES} NOT NULL,
    PRIMARY KEY (kind, subject)
);
CREATE INDEX search_document_at ON search_document (kind, at, subject);

-- Which tokens each has, and how much each counts.
CREATE TABLE search_token (
    kind {KEY} NOT NULL,
    token {KEY} NOT NULL,
    subject {KEY} NOT NULL,
    weight BIGINT NOT NULL,
    PRIMARY KEY (kind, token, subject)
--sqlite:) WITHOUT ROWID;
--postgres:);
CREATE INDEX search_token_subject ON search_token (kind, subject);
