-- Who did what to which subject. Rows are added and never changed. The id says when, and sorts.
CREATE TABLE audit_entry (
    id {KEY} NOT NULL PRIMARY KEY,
    -- NULL: nobody in person.
    person {KEY},
    -- As what: operator, business, schedule.
    role {KEY} NOT NULL,
    action {KEY} NOT NULL,
    kind {KEY} NOT NULL,
    subject {KEY} NOT NULL,
    -- More about it: a map of texts, as JSON.
    detail TEXT NOT NULL
);
CREATE INDEX audit_subject ON audit_entry (kind, subject, id);
CREATE INDEX audit_person ON audit_entry (person, id);
