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

-- The ledger of calls to language models; see kit/gateway/ledger.py.

-- name: put_llm_call$
-- Writes down a call that is about to be made, if the counters that it is reserved in are right; null if one is not. Again is harmless.
INSERT INTO llm_calls (
    call_id, tenant_id, key_id, run_id, request_id, attempt, purpose, provider, model,
    input_tokens, output_tokens, cost_micros, started_at, trace_id, messages
)
SELECT
    :call_id, :tenant_id, :key_id, :run_id, :request_id,
    1 + (SELECT count(*) FROM llm_calls WHERE tenant_id = :tenant_id AND request_id = :request_id),
    :purpose, :provider, :model, :input_tokens, :output_tokens, :cost_micros, :started_at, :trace_id, :messages
FROM llm_admits(:tenant_id, :covering::text[], :held::text[], :epochs::bigint[]) AS admitted
WHERE admitted
ON CONFLICT (call_id) DO UPDATE SET call_id = excluded.call_id
RETURNING attempt;

-- name: llm_epochs$
-- The epochs of counters, in order; 0 for one that is wrong.
SELECT llm_epochs_of(:tenant_id, :names::text[]);

-- name: settle_llm_call$
-- Writes down how a call ended, once; gives the epochs that its counters had then, or null if it has ended before. It does not wait for
-- the disk: a database that loses the end of a call in a crash still has its beginning, with all that it may have cost.
UPDATE llm_calls SET
    status = :status, exact = :exact, input_tokens = :input_tokens, output_tokens = :output_tokens, cost_micros = :cost_micros,
    settled_at = :settled_at, duration_ms = :duration_ms, first_token_ms = :first_token_ms, error_code = :error_code,
    provider_request_id = :provider_request_id, answer = :answer
FROM llm_epochs_of(:tenant_id, :counters::text[]) AS epochs, set_config('synchronous_commit', 'off', true)
WHERE call_id = :call_id AND settled_at IS NULL
RETURNING epochs;

-- name: lock_llm_ledger!
-- Until the transaction ends nobody changes the ledger of this tenant.
SELECT pg_advisory_xact_lock(llm_ledger_lock(:tenant_id));

-- name: renew_llm_counters
-- Gives those counters new epochs that have not the epoch that was seen.
INSERT INTO llm_counters (tenant_id, name)
SELECT :tenant_id, s.name FROM unnest(:names::text[], :epochs::bigint[]) AS s (name, epoch)
WHERE NOT EXISTS (SELECT FROM llm_counters c WHERE c.tenant_id = :tenant_id AND c.name = s.name AND c.epoch = s.epoch)
ON CONFLICT (tenant_id, name) DO UPDATE SET epoch = excluded.epoch
RETURNING name;

-- name: sum_llm_calls
-- What counters must hold: their epoch, what all their calls cost together, and which of these have not ended.
SELECT b.name, e.epoch, s.micros, s.tokens, s.open
FROM unnest(:names::text[], :scopes::text[], :subjects::text[], :starts::timestamptz[], :ends::timestamptz[])
    AS b (name, scope, subject, starts, ends)
JOIN llm_counters e ON e.tenant_id = :tenant_id AND e.name = b.name
CROSS JOIN LATERAL (
    SELECT
        coalesce(sum(cost_micros), 0)::bigint AS micros,
        coalesce(sum(input_tokens + output_tokens), 0)::bigint AS tokens,
        coalesce(
            jsonb_object_agg(call_id, jsonb_build_array(coalesce(cost_micros, 0), input_tokens + output_tokens))
            FILTER (WHERE settled_at IS NULL), '{}'
        ) AS open
    FROM (
        SELECT * FROM llm_calls WHERE b.scope = 'tenant' AND tenant_id = :tenant_id AND started_at >= b.starts AND started_at < b.ends
        UNION ALL
        SELECT * FROM llm_calls
        WHERE b.scope = 'key' AND key_id = b.subject AND tenant_id = :tenant_id AND started_at >= b.starts AND started_at < b.ends
        UNION ALL
        SELECT * FROM llm_calls
        WHERE b.scope = 'run' AND run_id = b.subject AND tenant_id = :tenant_id AND started_at >= b.starts AND started_at < b.ends
    ) AS calls
) AS s;

-- name: outdate_llm_counters!
-- Makes counters wrong, of one tenant or (null) of all, those of these names or (null) all, so that they are summed up anew.
DELETE FROM llm_counters
WHERE (:tenant_id::text IS NULL OR tenant_id = :tenant_id) AND (:names::text[] IS NULL OR name = ANY (:names));
