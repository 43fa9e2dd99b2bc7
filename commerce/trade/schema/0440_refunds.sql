-- Money that somebody wanted given back. Whether it was given, the payment's steps say.
CREATE TABLE refund (
    id {KEY} NOT NULL PRIMARY KEY,
    order_id {KEY} NOT NULL REFERENCES orders (id),
    minor BIGINT NOT NULL,
    -- Who wanted it: the owner of the order, or an operator.
    wanted_by {KEY} NOT NULL REFERENCES account (id),
    reason TEXT NOT NULL,
    restocks BOOLEAN NOT NULL,
    wanted_at BIGINT NOT NULL,
    CHECK (minor > 0)
);
CREATE INDEX refund_order ON refund (order_id, wanted_at);

-- Which goods it was for, if it was for some.
CREATE TABLE refund_line (
    refund {KEY} NOT NULL REFERENCES refund (id),
    order_id {KEY} NOT NULL,
    position BIGINT NOT NULL,
    quantity BIGINT NOT NULL,
    PRIMARY KEY (refund, position),
    CHECK (quantity > 0)
);
CREATE INDEX refund_line_order ON refund_line (order_id);
