-- name: begin_eval^
-- Keeps a request; gives whose the evaluation is and how far.
WITH added AS (
    INSERT INTO evals (eval_id, tenant_id, dataset, candidate, baseline, seed, max_cases, candidate_run, baseline_run, baseline_record, gate,
                       repeats, budget_usd, experiment, hypothesis, requested_at)
    VALUES (:eval_id, :tenant_id, :dataset, :candidate, :baseline, :seed, :max_cases, :candidate_run, :baseline_run, :baseline_record, :gate,
            :repeats, :budget_usd, :experiment, :hypothesis, coalesce(:requested_at, now()))
    ON CONFLICT (eval_id) DO NOTHING
    RETURNING tenant_id, status
)
SELECT tenant_id, status FROM added UNION ALL SELECT tenant_id, status FROM evals WHERE eval_id = :eval_id LIMIT 1;

-- name: start_eval$
-- The evaluation is planned: its runs are known; null unless it waited for that.
UPDATE evals SET status = 'running', fingerprint = :fingerprint, candidate_run = :candidate_run, baseline_run = :baseline_run
WHERE eval_id = :eval_id AND status = 'requested'
RETURNING eval_id;

-- name: wait_briefly!
-- Who waits for a row this long had better come again: what holds it may be summing up for a minute.
SET LOCAL lock_timeout = '5s';

-- name: lock_eval^
-- An evaluation, for whoever decides about it alone.
SELECT * FROM evals WHERE eval_id = :eval_id FOR UPDATE;

-- name: end_eval!
-- Nothing is done for it any more.
UPDATE evals SET status = :status, verdict = :verdict, reason = :reason, comparison = :comparison, receipts = :receipts,
    error_code = :error_code, error_message = :error_message, completed_at = now()
WHERE eval_id = :eval_id;

-- name: put_run!
-- Keeps a run.
INSERT INTO eval_runs (run_id, tenant_id, eval_id, dataset, fingerprint, origin, status, sample, repeats, seed, record, completed_at)
VALUES (:run_id, :tenant_id, :eval_id, :dataset, :fingerprint, :origin, :status, :sample, :repeats, :seed, :record,
        CASE WHEN :status = 'running' THEN NULL ELSE now() END);

-- name: get_run^
-- A run of a tenant, with how many cases it asks.
SELECT r.run_id, r.tenant_id, r.eval_id, r.dataset, r.fingerprint, r.origin, r.status, r.seed, r.repeats, r.record,
       cardinality(r.sample) AS cases
FROM eval_runs r WHERE r.run_id = :run_id AND r.tenant_id = :tenant_id;

-- name: runs_apart$
-- How long lies between the ends of two runs.
SELECT (SELECT completed_at FROM eval_runs WHERE run_id = :candidate) - (SELECT completed_at FROM eval_runs WHERE run_id = :baseline);

-- name: runs_of
-- The runs that an evaluation made.
SELECT run_id, status, record, origin FROM eval_runs WHERE eval_id = :eval_id ORDER BY run_id;

-- name: end_run!
-- Nothing is asked for it any more: its counts stand.
UPDATE eval_runs r SET status = :status, record = coalesce(:record, r.record), completed_at = now(),
    done = (SELECT count(*) FROM results a WHERE a.run_id = r.run_id),
    failed = (SELECT count(*) FROM results a WHERE a.run_id = r.run_id AND a.error IS NOT NULL)
WHERE r.run_id = :run_id AND r.status = 'running';

-- name: put_shard*!
-- Keeps a shard that nobody is told of yet.
INSERT INTO shards (shard_id, tenant_id, run_id, first, last) VALUES (:shard_id, :tenant_id, :run_id, :first, :last);

-- name: next_shards
-- The first shards of a run that nobody was told of; whoever reads them here tells them.
UPDATE shards SET told_at = now()
WHERE shard_id IN (
    SELECT shard_id FROM shards WHERE run_id = :run_id AND told_at IS NULL AND NOT done ORDER BY first LIMIT :count FOR UPDATE SKIP LOCKED
)
RETURNING shard_id, tenant_id, run_id, first, last;

-- name: touch_shard!
-- A shard is told again.
UPDATE shards SET told_at = now() WHERE shard_id = :shard_id;

-- name: finish_shard$
-- All its cases have a result; null if that was known.
UPDATE shards SET done = true WHERE shard_id = :shard_id AND NOT done RETURNING shard_id;

-- name: open_shards$
-- How many shards of a run have cases without a result.
SELECT count(*) FROM shards WHERE run_id = :run_id AND NOT done;

-- name: lost_evals
-- Requests that were told long ago and are not planned; whoever reads them here tells them again.
UPDATE evals SET told_at = now() WHERE status = 'requested' AND told_at <= now() - make_interval(secs => :older_than_s) RETURNING *;

-- name: lost_shards
-- Shards of unfinished runs that were told of long ago.
SELECT s.shard_id, s.tenant_id, s.run_id, s.first, s.last, r.eval_id
FROM shards s JOIN eval_runs r USING (run_id)
WHERE NOT s.done AND r.status = 'running' AND s.told_at <= now() - make_interval(secs => :older_than_s);

-- name: lock_cases!
-- Waits until nobody else stores the cases of this dataset.
SELECT pg_advisory_xact_lock(hashtextextended(:tenant_id || ' ' || :fingerprint, 0));

-- name: count_cases$
-- How many cases of a dataset are stored: all or none.
SELECT count(*) FROM cases WHERE tenant_id = :tenant_id AND fingerprint = :fingerprint;

-- name: put_cases!
-- Keeps cases in their order.
INSERT INTO cases (tenant_id, fingerprint, ordinal, case_id, body)
SELECT :tenant_id, :fingerprint, c.ordinal, c.body ->> 'id', c.body
FROM unnest(:ordinals::int[], :bodies::jsonb[]) AS c (ordinal, body);

-- name: analyse_cases!
-- Postgres learns how many there are. Until it does, as a minute later by itself, it may read all of a dataset to find one case.
ANALYZE cases;

-- name: sample_of$
-- The ordinals of a dataset's cases, or of so many that `seed` draws: the same ones whatever their order.
SELECT array_agg(ordinal ORDER BY ordinal) FROM (
    SELECT ordinal FROM cases WHERE tenant_id = :tenant_id AND fingerprint = :fingerprint
    ORDER BY CASE WHEN :max_cases::int IS NULL THEN NULL ELSE sha256(convert_to(:seed::int || ' ' || case_id, 'UTF8')) END
    LIMIT :max_cases
) drawn;

-- name: waiting_cases
-- The cases of a shard that have no result yet, as often as they are to be asked. OFFSET 0: a few rows are looked for by their keys, which
-- Postgres would join to whole tables that grow faster than it counts them.
SELECT s.ordinal, n.repeat, c.body
FROM eval_runs r
CROSS JOIN LATERAL unnest(r.sample[:first::int + 1 : :last::int]) WITH ORDINALITY AS s (ordinal, place)
CROSS JOIN LATERAL generate_series(0, r.repeats - 1) AS n (repeat)
CROSS JOIN LATERAL (SELECT body FROM cases WHERE (tenant_id, fingerprint, ordinal) = (r.tenant_id, r.fingerprint, s.ordinal) OFFSET 0) AS c
WHERE r.run_id = :run_id
AND NOT EXISTS (SELECT FROM results a WHERE (a.run_id, a.ordinal, a.repeat) = (r.run_id, s.ordinal, n.repeat) OFFSET 0)
ORDER BY n.repeat, s.place;

-- name: put_results$
-- Keeps what came of cases, unless something is known; gives the status of their run.
WITH kept AS (
    INSERT INTO results (run_id, ordinal, repeat, answer, scores, error, code)
    SELECT :run_id, * FROM unnest(:ordinals::int[], :repeats::int[], :answers::jsonb[], :scores::jsonb[], :errors::text[], :codes::text[])
    ON CONFLICT DO NOTHING
)
SELECT status FROM eval_runs WHERE run_id = :run_id;

-- name: put_recorded$
-- Keeps the results of a recorded run; gives how many are of cases that the dataset has.
WITH kept AS (
    INSERT INTO results (run_id, ordinal, repeat, answer, scores, error)
    SELECT :run_id, c.ordinal, t.repeat, t.answer, t.scores, t.error
    FROM unnest(:case_ids::text[], :repeats::int[], :answers::jsonb[], :scores::jsonb[], :errors::text[])
        AS t (case_id, repeat, answer, scores, error)
    JOIN cases c ON (c.tenant_id, c.fingerprint, c.case_id) = (:tenant_id, :fingerprint, t.case_id)
    RETURNING ordinal
)
SELECT count(*) FROM kept;

-- name: scored_results
-- What a run's answers were worth, in the order of the cases: all scores with what the first repeat said, or the one that is named.
SELECT a.ordinal, c.case_id, c.body ->> 'cluster' AS cluster, (c.body ->> 'answerable')::boolean AS answerable, c.body -> 'metadata' AS metadata,
       (SELECT jsonb_object_agg(key, value -> 'value') FROM jsonb_each(a.scores) WHERE :only::text IS NULL OR key = :only) AS scores,
       a.error IS NOT NULL AS failed, CASE WHEN a.repeat = 0 AND :only::text IS NULL THEN a.answer ->> 'text' END AS text
FROM results a
JOIN eval_runs r USING (run_id)
JOIN cases c ON (c.tenant_id, c.fingerprint, c.ordinal) = (r.tenant_id, r.fingerprint, a.ordinal)
WHERE a.run_id = :run_id
ORDER BY a.ordinal, a.repeat;

-- name: spent_by_run^
-- What a run's answers cost, and who gave them.
SELECT coalesce(sum((answer ->> 'input_tokens')::bigint), 0)::bigint AS input_tokens,
       coalesce(sum((answer ->> 'output_tokens')::bigint), 0)::bigint AS output_tokens,
       sum((answer ->> 'cost_usd')::float) AS cost_usd,
       count(*) FILTER (WHERE error IS NOT NULL)::int AS errors,
       count(*) FILTER (WHERE answer IS NOT NULL AND answer ->> 'cost_usd' IS NULL)::int AS unpriced,
       count(*) FILTER (WHERE code = 'budget_spent')::int AS unpaid,
       array_agg(DISTINCT (answer ->> 'provider') || '/' || (answer ->> 'model')) FILTER (WHERE answer IS NOT NULL) AS models
FROM results WHERE run_id = :run_id;

-- name: dataset_named^
-- The newest upload of a dataset.
SELECT fingerprint, cases, blob FROM rag.v_datasets WHERE tenant_id = :tenant_id AND name = :name ORDER BY created_at DESC LIMIT 1;

-- name: dataset_names$
-- The datasets that a tenant has.
SELECT array_agg(DISTINCT name) FROM rag.v_datasets WHERE tenant_id = :tenant_id;

-- name: contending_runs
-- Of each variant on a dataset the measured run over the most cases; of equals the newest that lost at most one question in a hundred,
-- or else the newest.
SELECT DISTINCT ON (record -> 'variant') run_id, record FROM eval_runs
WHERE tenant_id = :tenant_id AND dataset = :dataset AND fingerprint = :fingerprint AND status = 'completed' AND origin = 'measured'
ORDER BY record -> 'variant', cardinality(sample) DESC, failed * 100 > cardinality(sample) * repeats, completed_at DESC;

-- name: lock_board!
-- Waits until nobody else ranks this dataset.
SELECT pg_advisory_xact_lock(hashtextextended('board ' || :tenant_id || ' ' || :fingerprint || ' ' || :dataset, 0));

-- name: put_board!
-- Keeps a leaderboard.
INSERT INTO leaderboards (tenant_id, dataset, fingerprint, board) VALUES (:tenant_id, :dataset, :fingerprint, :board)
ON CONFLICT (tenant_id, dataset, fingerprint) DO UPDATE SET board = excluded.board, updated_at = now();
