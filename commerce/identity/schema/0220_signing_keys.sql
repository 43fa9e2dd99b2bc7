-- The public halves of the keys that access tokens are signed with. The private halves are never here.
CREATE TABLE signing_key (
    -- The key's thumbprint (RFC 7638), the `kid` of its tokens.
    id {KEY} NOT NULL PRIMARY KEY,
    public_key {BYTES} NOT NULL,
    published_at BIGINT NOT NULL,
    -- Until when tokens that were signed with it may hold.
    holds_until BIGINT NOT NULL,
    -- When it was found to be known to others: nothing that it signed holds, and the row stays.
    revoked_at BIGINT
);
CREATE INDEX signing_key_age ON signing_key (holds_until);
