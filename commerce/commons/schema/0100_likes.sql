-- Who likes what. The id says when, and sorts.
CREATE TABLE liked (
    id {KEY} NOT NULL PRIMARY KEY,
    person {KEY} NOT NULL,
    kind {KEY} NOT NULL,
    subject {KEY} NOT NULL,
    UNIQUE (person, kind, subject)
);
CREATE INDEX liked_person ON liked (person, kind, id);
CREATE INDEX liked_subject ON liked (kind, subject, id);

-- How many like it: as many as there are rows above.
CREATE TABLE like_count (
    kind {KEY} NOT NULL,
    subject {KEY} NOT NULL,
    count BIGINT NOT NULL CHECK (count >= 0),
    PRIMARY KEY (kind, subject)
);
