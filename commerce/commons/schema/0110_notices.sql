-- What people are told. The id says when, and sorts.
CREATE TABLE notice (
    id {KEY} NOT NULL PRIMARY KEY,
    person {KEY} NOT NULL,
    -- What happened, such as deal.opens; to what; and which of several times, such as 1h.
    kind {KEY} NOT NULL,
    subject_kind {KEY} NOT NULL,
    subject {KEY} NOT NULL,
    detail {KEY} NOT NULL,
    -- What stands in its sentences: a map of texts, as JSON.
    words TEXT NOT NULL,
    -- After this, it is sent nowhere any more. NULL: it does not age.
    until BIGINT,
    read_at BIGINT,
    UNIQUE (person, kind, subject_kind, subject, detail)
);
CREATE INDEX notice_person ON notice (person, id);
CREATE INDEX notice_unread ON notice (person, id) WHERE read_at IS NULL;

-- How a person wants to be told, beside the inbox, of all kinds that begin with the topic and a dot.
CREATE TABLE notice_choice (
    person {KEY} NOT NULL,
    topic {KEY} NOT NULL,
    push BOOLEAN NOT NULL,
    mail BOOLEAN NOT NULL,
    PRIMARY KEY (person, topic)
);
