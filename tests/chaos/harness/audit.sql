-- Keeps every write that a service committed, for the checker alone. A write that an ON CONFLICT makes vanish is kept as well: it is a
-- second effect all the same. `seq` orders the writes of one row, since their transactions wait for each other.
CREATE SCHEMA IF NOT EXISTS chaos;
CREATE TABLE IF NOT EXISTS chaos.effects (
    seq bigserial PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    origin text NOT NULL,
    entry jsonb NOT NULL
);
CREATE INDEX IF NOT EXISTS effects_origin ON chaos.effects (origin);
CREATE OR REPLACE FUNCTION chaos.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO chaos.effects (origin, entry) VALUES (TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, to_jsonb(NEW));
    RETURN NEW;
END
$$;
GRANT USAGE ON SCHEMA chaos TO PUBLIC;
