-- Pictures, from the grant to upload one until its files are gone.
CREATE TABLE media (
    id {KEY} NOT NULL PRIMARY KEY,
    person {KEY} NOT NULL,
    -- public or private: part of where its files are.
    visibility {KEY} NOT NULL,
    -- granted, storing, ready, refused or removing.
    stage {KEY} NOT NULL,
    -- The type and the length that were granted.
    kind {KEY} NOT NULL,
    bytes BIGINT NOT NULL,
    -- What was drawn of it, as JSON, with the names of its files. NULL before that.
    picture TEXT,
    -- Since when no subject uses it. NULL: one does.
    free_since BIGINT
);
CREATE INDEX media_free ON media (stage, free_since);
CREATE INDEX media_person ON media (person, free_since);

-- Which subject shows which, in which order.
CREATE TABLE media_use (
    kind {KEY} NOT NULL,
    subject {KEY} NOT NULL,
    place BIGINT NOT NULL,
    media {KEY} NOT NULL REFERENCES media (id),
    PRIMARY KEY (kind, subject, place)
);
CREATE INDEX media_use_media ON media_use (media);
