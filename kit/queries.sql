-- name: record_inbox$
-- Gives the digest that stands in the inbox for this event, or null if this call put it there.
WITH fresh AS (
    INSERT INTO inbox (consumer_group, event_source, event_id, digest)
    VALUES (:consumer_group, :event_source, :event_id, :digest)
    ON CONFLICT DO NOTHING
    RETURNING digest
)
SELECT digest FROM inbox
WHERE consumer_group = :consumer_group AND event_source = :event_source AND event_id = :event_id
AND NOT EXISTS (SELECT FROM fresh);

-- name: seen_in_inbox$
-- Gives the digest under which this event was handled, or null.
SELECT digest FROM inbox
WHERE consumer_group = :consumer_group AND event_source = :event_source AND event_id = :event_id;

-- name: forget_old_inbox!
-- Drops what was handled so many days ago.
DELETE FROM inbox WHERE consumer_group = :consumer_group AND handled_at < now() - make_interval(days => :days);

-- name: add_to_outbox!
-- Keeps a record until the relay has published it.
INSERT INTO outbox (topic, key, value, headers) VALUES (:topic, :key, :value, :headers);

-- name: next_in_outbox
-- The oldest records, in the order they were written.
SELECT id, topic, key, value, headers FROM outbox ORDER BY id LIMIT :batch;

-- name: remove_from_outbox!
-- Forgets records that the broker has acknowledged.
DELETE FROM outbox WHERE id = ANY(:ids);

-- name: count_outbox$
-- How many records wait.
SELECT count(*) FROM outbox;
