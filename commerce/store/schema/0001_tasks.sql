-- What has to happen later, elsewhere or again. A leased task is due again when its lease ends.
CREATE TABLE task (
    kind {KEY} NOT NULL,
    key {KEY} NOT NULL,
    body {JSON} NOT NULL,
    due_at BIGINT NOT NULL,
    -- Who works on it; nobody if NULL.
    lease TEXT,
    -- When it was assigned again while somebody worked on it.
    again_at BIGINT,
    attempts BIGINT NOT NULL,
    -- Why the last attempt failed.
    trouble TEXT,
    is_dead BOOLEAN NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX task_due ON task (is_dead, kind, due_at);

-- When each regular job runs next. Whoever moves it on assigns the tick's task.
CREATE TABLE schedule (
    name {KEY} NOT NULL PRIMARY KEY,
    next_at BIGINT NOT NULL
);

-- What requests with an idempotency key were answered.
CREATE TABLE kept_answer (
    principal {KEY} NOT NULL,
    route {KEY} NOT NULL,
    key {KEY} NOT NULL,
    -- A hash of all that was asked.
    digest {BYTES} NOT NULL,
    status BIGINT NOT NULL,
    location TEXT,
    body {BYTES} NOT NULL,
    kept_at BIGINT NOT NULL,
    PRIMARY KEY (principal, route, key)
);
CREATE INDEX kept_answer_age ON kept_answer (kept_at);
