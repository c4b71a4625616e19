-- Every service schema has these two tables: what it has handled, and what it has yet to tell.
CREATE TABLE inbox (
    consumer_group text        NOT NULL,
    event_id       text        NOT NULL,
    event_source   text        NOT NULL,
    digest         text        NOT NULL,
    handled_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer_group, event_source, event_id)
);

CREATE INDEX inbox_by_age ON inbox (handled_at);

CREATE TABLE outbox (
    id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic    text        NOT NULL,
    key      bytea       NOT NULL,
    value    bytea       NOT NULL,
    headers  jsonb       NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now()
);
