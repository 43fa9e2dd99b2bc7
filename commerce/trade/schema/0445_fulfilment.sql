-- How far the goods of a paid order are on their way.
CREATE TABLE shipment (
    order_id {KEY} NOT NULL PRIMARY KEY REFERENCES orders (id),
    state TEXT NOT NULL,
    carrier TEXT,
    tracking TEXT,
    prepared_at BIGINT NOT NULL,
    shipped_at BIGINT,
    delivered_at BIGINT
);

-- Goods that somebody wants to send back.
CREATE TABLE return_request (
    id {KEY} NOT NULL PRIMARY KEY,
    order_id {KEY} NOT NULL REFERENCES orders (id),
    reason TEXT NOT NULL,
    state {KEY} NOT NULL,
    asked_at BIGINT NOT NULL,
    decided_at BIGINT
);
CREATE UNIQUE INDEX return_request_open ON return_request (order_id) WHERE state = 'open';
CREATE INDEX return_request_order ON return_request (order_id, asked_at, id);
CREATE INDEX return_request_state ON return_request (state, asked_at, id);
