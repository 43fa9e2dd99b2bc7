-- What businesses sell for some hours. How a deal stands follows from its times and from the engine.
CREATE TABLE deal (
    id {KEY} NOT NULL PRIMARY KEY,
    business {KEY} NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    category {KEY} NOT NULL,
    price BIGINT NOT NULL,
    currency TEXT NOT NULL,
    -- In hundredths of a percent.
    discount BIGINT NOT NULL,
    -- Units that the deal has in all, sold ones included.
    stock BIGINT NOT NULL,
    per_shopper_max BIGINT NOT NULL,
    -- The ids of its pictures in order, with spaces between.
    media TEXT NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    written_at BIGINT NOT NULL,
    published_at BIGINT,
    -- When it is over: at its end, unless it was closed or cancelled before.
    over_at BIGINT NOT NULL,
    -- Since when each of them has it paused; the platform does so while the business is suspended.
    owner_paused_at BIGINT,
    platform_paused_at BIGINT,
    operator_paused_at BIGINT,
    cancelled_at BIGINT,
    -- Why it was closed or cancelled.
    reason TEXT,
    CHECK (starts_at < ends_at AND over_at <= ends_at),
    CHECK (price > 0 AND discount BETWEEN 0 AND 10000 AND stock >= 0 AND per_shopper_max > 0),
    CHECK (cancelled_at IS NULL OR published_at IS NOT NULL)
);
CREATE INDEX deal_business ON deal (business, written_at, id);
-- What everybody sees: by hour, in all and of a category.
CREATE INDEX deal_hours ON deal (starts_at, id) WHERE published_at IS NOT NULL AND cancelled_at IS NULL;
CREATE INDEX deal_category ON deal (category, starts_at, id)
    WHERE published_at IS NOT NULL AND cancelled_at IS NULL;
CREATE INDEX deal_over ON deal (over_at, id) WHERE published_at IS NOT NULL;
