-- The categories that an account wants to hear of: one bit for each, in the order of the code.
CREATE TABLE category_alert (
    account {KEY} NOT NULL PRIMARY KEY,
    categories BIGINT NOT NULL,
    CHECK (categories > 0)
);

-- The words that it wants to hear of, without spaces and capitals.
CREATE TABLE keyword_alert (
    account {KEY} NOT NULL,
    word {KEY} NOT NULL,
    PRIMARY KEY (account, word)
);
CREATE INDEX keyword_alert_word ON keyword_alert (word, account);
