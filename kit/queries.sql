-- name: record_inbox$
-- Gives the digest that stands in the inbox for this event, or null if this call put it there.
-- A call that meets another transaction's row waits for its end, and then sees it: an INSERT alone does, whatever the snapshot.
INSERT INTO inbox (consumer_group, event_source, event_id, digest)
VALUES (:consumer_group, :event_source, :event_id, :digest)
ON CONFLICT (consumer_group, event_source, event_id) DO UPDATE SET digest = inbox.digest
RETURNING CASE WHEN xmax <> 0 THEN digest END;

-- name: record_all_in_inbox
-- The same for several events of which none comes twice: for each the digest that stood there, or null. In one order everywhere, so
-- that two such calls wait for each other and do not lock each other up.
INSERT INTO inbox (consumer_group, event_source, event_id, digest)
SELECT :consumer_group, told.source, told.id, told.digest
FROM unnest(:sources::text[], :ids::text[], :digests::text[]) AS told (source, id, digest)
ORDER BY told.source, told.id
ON CONFLICT (consumer_group, event_source, event_id) DO UPDATE SET digest = inbox.digest
RETURNING event_source, event_id, CASE WHEN xmax <> 0 THEN digest END AS handled;

-- name: seen_in_inbox$
-- Gives the digest under which this event was handled, or null.
SELECT digest FROM inbox
WHERE consumer_group = :consumer_group AND event_source = :event_source AND event_id = :event_id;

-- name: forget_old_inbox!
-- Drops what was handled so many days ago.
DELETE FROM inbox WHERE consumer_group = :consumer_group AND handled_at < now() - make_interval(days => :days);

-- name: add_to_outbox*!
-- Keeps records, in their order, until the relay has published them.
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
