-- name: documents
-- The newest version of each document with its status, from what rag, ingest and indexer know; all, or the one with this id,
-- or those with this content; in the order of their ids after the cursor. `heard` is whether ingest knows the newest version.
SELECT * FROM (
    SELECT
        coalesce(i.document_id, u.document_id) AS document_id,
        coalesce(i.tenant_id, u.tenant_id) AS tenant_id,
        greatest(u.version, i.version) AS version,
        CASE WHEN h.content THEN i.title ELSE coalesce(u.title, i.title) END AS title,
        CASE WHEN h.content THEN i.media_type ELSE coalesce(u.media_type, i.media_type) END AS media_type,
        CASE WHEN h.content THEN i.sha256 ELSE coalesce(u.sha256, i.sha256) END AS sha256,
        CASE WHEN h.content THEN i.bytes ELSE coalesce(u.bytes, i.bytes) END AS bytes,
        CASE
            WHEN taken.document_id IS NOT NULL THEN 'failed'
            WHEN NOT h.heard THEN CASE WHEN u.deleted THEN 'deleted' ELSE 'queued' END
            WHEN i.status <> 'embedded' THEN i.status
            WHEN x.visible_version = i.version THEN 'indexed'
            ELSE 'indexing'
        END AS status,
        CASE WHEN h.heard THEN CASE WHEN x.visible_version = i.version THEN x.chunks ELSE i.chunks END END AS chunks_total,
        CASE WHEN h.heard AND x.version = i.version THEN x.indexed ELSE 0 END AS chunks_indexed,
        CASE WHEN taken.document_id IS NOT NULL THEN 'document_id_taken' WHEN h.heard THEN i.error_code END AS error_code,
        CASE
            WHEN taken.document_id IS NOT NULL THEN 'another tenant was first to use this document id; choose another id'
            WHEN h.heard THEN i.error_message
        END AS error_message,
        least(u.created_at, i.created_at) AS created_at,
        greatest(u.updated_at, i.updated_at, x.updated_at) AS updated_at
    FROM uploads u
    FULL JOIN ingest.v_documents i ON i.document_id = u.document_id AND i.tenant_id = u.tenant_id
    LEFT JOIN indexer.v_documents x ON x.document_id = i.document_id AND x.tenant_id = i.tenant_id
    LEFT JOIN ingest.v_documents taken ON taken.document_id = u.document_id AND taken.tenant_id <> u.tenant_id
    CROSS JOIN LATERAL (
        SELECT coalesce(i.version >= coalesce(u.version, 0), false) AS heard,
               coalesce(i.version >= coalesce(u.version, 0) AND i.status <> 'deleted', false) AS content
    ) AS h
) AS d
WHERE d.tenant_id = :tenant_id
AND (:document_id::text IS NULL OR d.document_id = :document_id)
AND (:sha256::text IS NULL OR d.sha256 = :sha256)
AND (:after::text IS NULL OR d.document_id > :after)
AND (d.status <> 'deleted' OR :document_id::text IS NOT NULL)
ORDER BY d.document_id LIMIT :limit;

-- name: owner^
-- Whose a document id is, and its newest version.
SELECT tenant_id, version FROM uploads WHERE document_id = :document_id
UNION ALL
SELECT tenant_id, version FROM ingest.v_documents WHERE document_id = :document_id
ORDER BY version DESC LIMIT 1;

-- name: lock_content!
-- Lets one upload of a content, or of a document, be decided at a time.
SELECT pg_advisory_xact_lock(hashtextextended(:what, 0));

-- name: put_upload!
-- The newest version of a document.
INSERT INTO uploads (document_id, tenant_id, version, title, media_type, uri, sha256, bytes, metadata)
VALUES (:document_id, :tenant_id, :version, :title, :media_type, :uri, :sha256, :bytes, :metadata)
ON CONFLICT (document_id) DO UPDATE SET
    version = excluded.version, deleted = false, title = excluded.title, media_type = excluded.media_type, uri = excluded.uri,
    sha256 = excluded.sha256, bytes = excluded.bytes, metadata = excluded.metadata, updated_at = now();

-- name: put_delete!
-- The newest version of a document is that it is gone.
INSERT INTO uploads (document_id, tenant_id, version, deleted, deleted_below, title, media_type, uri, sha256, bytes)
VALUES (:document_id, :tenant_id, :version, true, :version, :title, :media_type, '', :sha256, :bytes)
ON CONFLICT (document_id) DO UPDATE SET
    version = excluded.version, deleted = true, deleted_below = excluded.version, updated_at = now();

-- name: lost_uploads
-- Uploads and deletes that ingest has not heard of for so long.
SELECT u.* FROM uploads u
LEFT JOIN ingest.v_documents i ON i.document_id = u.document_id AND i.version >= u.version
WHERE i.document_id IS NULL AND u.updated_at <= now() - make_interval(secs => :older_than_s)
ORDER BY u.updated_at LIMIT 1000;

-- name: touch_upload!
-- Starts the waiting time of an upload anew.
UPDATE uploads SET updated_at = now() WHERE document_id = :document_id AND version = :version;

-- name: get_idempotent^
-- What a request with this key was answered.
SELECT digest, response FROM idempotency WHERE tenant_id = :tenant_id AND key = :key;

-- name: put_idempotent!
-- Keeps what a request with this key is answered.
INSERT INTO idempotency (tenant_id, key, digest, response) VALUES (:tenant_id, :key, :digest, :response);

-- name: visible_versions
-- Which version of each document its tenant's searches may show: none from the moment of a delete on, though the index still has it.
SELECT x.tenant_id, x.document_id, x.visible_version FROM indexer.v_documents x
WHERE x.document_id = ANY(:document_ids) AND x.visible_version IS NOT NULL
AND NOT EXISTS (SELECT FROM uploads u WHERE u.document_id = x.document_id AND u.deleted_below > x.visible_version)
AND NOT EXISTS (SELECT FROM ingest.v_documents i WHERE i.document_id = x.document_id AND i.deleted_below > x.visible_version);

-- name: stored_quotes
-- What stands at the given spans of the stored texts, and on which page (null where there are no pages); in the order asked.
SELECT
    substring(t.text FROM a.start_at + 1 FOR a.length) AS quote,
    (SELECT p.number FROM unnest(t.page_numbers, t.page_starts) AS p (number, start_at)
     WHERE p.start_at <= a.start_at ORDER BY p.start_at DESC LIMIT 1) AS page
FROM unnest(:sha256s::text[], :starts::int[], :lengths::int[]) WITH ORDINALITY AS a (sha256, start_at, length, n)
LEFT JOIN ingest.v_texts t ON t.tenant_id = :tenant_id AND t.sha256 = a.sha256
ORDER BY a.n;

-- name: stored_text^
-- A part of a document's text, of the version that is asked for; without one of that which answers cite, or else the newest that has a
-- text. A deleted document has none from the moment of the delete on.
SELECT d.version, t.sha256, char_length(t.text) AS length, substring(t.text FROM :start + 1 FOR :length) AS text,
       t.page_numbers, t.page_starts
FROM (
    SELECT x.visible_version AS version, x.visible_sha256 AS sha256, 0 AS choice FROM indexer.v_documents x
    WHERE x.tenant_id = :tenant_id AND x.document_id = :document_id
    UNION ALL
    SELECT i.version, i.sha256, 1 FROM ingest.v_documents i
    WHERE i.tenant_id = :tenant_id AND i.document_id = :document_id AND i.status <> 'deleted'
) AS d
JOIN ingest.v_texts t ON t.tenant_id = :tenant_id AND t.sha256 = d.sha256
WHERE (:version::int IS NULL OR d.version = :version)
AND NOT EXISTS (SELECT FROM uploads u WHERE u.document_id = :document_id AND u.deleted_below > d.version)
AND NOT EXISTS (SELECT FROM ingest.v_documents i WHERE i.document_id = :document_id AND i.deleted_below > d.version)
ORDER BY d.choice LIMIT 1;

-- Keys and their audit trail; a tenant_id of null means all tenants.

-- name: put_key^
-- A new key.
INSERT INTO keys (key_id, tenant_id, name, scopes, sha256, expires_at)
VALUES (:key_id, :tenant_id, :name, :scopes, :sha256, :expires_at)
RETURNING *;

-- name: get_key^
-- A key.
SELECT * FROM keys WHERE key_id = :key_id AND (:tenant_id::text IS NULL OR tenant_id = :tenant_id);

-- name: list_keys
-- Keys in the order of their ids, which is that of their making.
SELECT * FROM keys
WHERE (:tenant_id::text IS NULL OR tenant_id = :tenant_id) AND (:after::text IS NULL OR key_id > :after)
ORDER BY key_id LIMIT :limit;

-- name: revoke_key^
-- Ends a key that is not revoked yet.
UPDATE keys SET revoked_at = now()
WHERE key_id = :key_id AND revoked_at IS NULL AND (:tenant_id::text IS NULL OR tenant_id = :tenant_id)
RETURNING *;

-- name: touch_key!
-- Keeps that a key was used, if nobody has said so later.
UPDATE keys SET last_used_at = :now WHERE key_id = :key_id AND (last_used_at IS NULL OR last_used_at < :now);

-- name: put_audit!
-- Who changed what.
INSERT INTO audit (tenant_id, actor, action, subject, detail) VALUES (:tenant_id, :actor, :action, :subject, :detail);

-- name: list_audit
-- The audit trail, newest first.
SELECT * FROM audit
WHERE (:tenant_id::text IS NULL OR tenant_id = :tenant_id) AND (:before::bigint IS NULL OR id < :before)
ORDER BY id DESC LIMIT :limit;

-- The registry of prompts and variants.

-- name: registry_names
-- Every name of a kind with its newest version.
SELECT name, max(version) AS latest FROM registry_versions WHERE tenant_id = :tenant_id AND kind = :kind GROUP BY name ORDER BY name;

-- name: registry_versions
-- All versions of a name, newest first.
SELECT * FROM registry_versions WHERE tenant_id = :tenant_id AND kind = :kind AND name = :name ORDER BY version DESC;

-- name: registry_version^
-- One version of a name; the newest without a number.
SELECT * FROM registry_versions
WHERE tenant_id = :tenant_id AND kind = :kind AND name = :name AND (:version::int IS NULL OR version = :version)
ORDER BY version DESC LIMIT 1;

-- name: put_registry_version^
-- A new version.
INSERT INTO registry_versions (tenant_id, kind, name, version, sha256, definition, message, author)
VALUES (:tenant_id, :kind, :name, :version, :sha256, :definition, :message, :author)
RETURNING *;

-- name: registry_labels
-- The newest move of each label, of one name or of all.
SELECT DISTINCT ON (name, label) * FROM registry_moves
WHERE tenant_id = :tenant_id AND kind = :kind AND (:name::text IS NULL OR name = :name)
ORDER BY name, label, number DESC;

-- name: registry_label^
-- The newest move of a label.
SELECT * FROM registry_moves
WHERE tenant_id = :tenant_id AND kind = :kind AND name = :name AND label = :label ORDER BY number DESC LIMIT 1;

-- name: registry_moves
-- All moves of a label, oldest first.
SELECT * FROM registry_moves WHERE tenant_id = :tenant_id AND kind = :kind AND name = :name AND label = :label ORDER BY number;

-- name: put_registry_move^
-- A move.
INSERT INTO registry_moves (tenant_id, kind, name, label, number, before, weights, restores, reason, actor, receipt)
VALUES (:tenant_id, :kind, :name, :label, :number, :before, :weights, :restores, :reason, :actor, :receipt)
RETURNING *;

-- Budgets, and what was spent; a tenant_id of null means all tenants.

-- name: budgets_of
-- The budgets of a tenant, and of one of its keys and one of its runs.
SELECT scope, subject, budget_window, micros, tokens FROM budgets
WHERE tenant_id = :tenant_id
AND (scope = 'tenant' OR (scope = 'key' AND subject = :key_id::text) OR (scope = 'run' AND subject = :run_id::text));

-- name: put_budget!
-- Sets a budget.
INSERT INTO budgets (tenant_id, scope, subject, budget_window, micros, tokens)
VALUES (:tenant_id, :scope, :subject, :window, :micros, :tokens)
ON CONFLICT (tenant_id, scope, subject, budget_window) DO UPDATE SET
    micros = excluded.micros, tokens = excluded.tokens, updated_at = now();

-- name: get_budget^
-- A budget.
SELECT micros, tokens FROM budgets
WHERE tenant_id = :tenant_id AND scope = :scope AND subject = :subject AND budget_window = :window;

-- name: remove_budget$
-- Removes a budget; null if there is none.
DELETE FROM budgets
WHERE tenant_id = :tenant_id AND scope = :scope AND subject = :subject AND budget_window = :window
RETURNING subject;

-- name: spent^
-- What a tenant, one of its keys or one of its runs has spent or reserved in a window.
SELECT coalesce(sum(cost_micros), 0)::bigint AS micros, coalesce(sum(input_tokens + output_tokens), 0)::bigint AS tokens
FROM llm_calls
WHERE tenant_id = :tenant_id AND started_at >= :start AND started_at < :end
AND CASE :scope::text WHEN 'tenant' THEN true WHEN 'key' THEN key_id = :subject WHEN 'run' THEN run_id = :subject END;

-- name: usage
-- Sums of the ledger, one row for each combination of what it is grouped `by`.
SELECT
    CASE WHEN 'tenant' = ANY (:by::text[]) THEN tenant_id END AS tenant,
    CASE WHEN 'key' = ANY (:by) THEN key_id END AS key,
    CASE WHEN 'run' = ANY (:by) THEN run_id END AS run,
    CASE WHEN 'day' = ANY (:by) THEN (started_at AT TIME ZONE 'UTC')::date END AS day,
    CASE WHEN 'provider' = ANY (:by) THEN provider END AS provider,
    CASE WHEN 'model' = ANY (:by) THEN model END AS model,
    CASE WHEN 'purpose' = ANY (:by) THEN purpose END AS purpose,
    count(*) AS calls,
    count(*) FILTER (WHERE status = 'failed') AS failed,
    count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
    count(*) FILTER (WHERE status = 'unknown') AS unknown,
    sum(input_tokens)::bigint AS input_tokens,
    sum(output_tokens)::bigint AS output_tokens,
    coalesce(sum(cost_micros), 0)::bigint AS micros,
    count(*) FILTER (WHERE cost_micros IS NULL) AS unpriced
FROM llm_calls
WHERE started_at >= :start AND started_at < :end AND (:tenant_id::text IS NULL OR tenant_id = :tenant_id)
GROUP BY 1, 2, 3, 4, 5, 6, 7
ORDER BY 1, 2, 3, 4, 5, 6, 7;

-- Index generations, as indexer and ingest publish them.

-- name: live_generation^
-- The generation of this name that can be asked, or the active one (null).
SELECT generation, embedding, embedding_model FROM indexer.v_generations
WHERE CASE WHEN :generation::text IS NULL THEN state = 'active' ELSE generation = :generation END
AND state IN ('building', 'active', 'kept');

-- name: generations
-- All generations, or one, with how many visible documents they have, and which cannot be in them.
SELECT g.generation, g.state, g.wanted, g.embedding, g.chunker, g.embedding_model, g.dimensions,
       coalesce(p.documents, 0) AS documents, coalesce(p.complete, 0) AS complete,
       (SELECT count(*) FROM ingest.v_builds b WHERE b.generation = g.generation AND b.status = 'failed')::int AS failed,
       ARRAY(
           SELECT b.document_id FROM ingest.v_builds b
           WHERE b.generation = g.generation AND b.status = 'failed' ORDER BY b.document_id LIMIT 10
       ) AS failures,
       g.requested_at, g.activated_at, g.retired_at
FROM indexer.v_generations g
LEFT JOIN indexer.v_progress p ON p.generation = g.generation
WHERE :generation::text IS NULL OR g.generation = :generation
ORDER BY g.requested_at, g.generation;

-- name: index_changes
-- For each tenant a number that moves whenever what its searches may find has changed in the index; none where nothing ever has.
SELECT tenant_id, changes FROM indexer.v_changes WHERE tenant_id = ANY(:tenant_ids);

-- Evaluations: what was asked for here, and what evaluator publishes of these and of those that were told on the topic alone.

-- name: put_eval$
-- Keeps a request; null if there is one of this id.
INSERT INTO evals (eval_id, tenant_id, request) VALUES (:eval_id, :tenant_id, :request) ON CONFLICT (eval_id) DO NOTHING RETURNING eval_id;

-- name: comparison$
-- The newest request to compare two runs under a gate.
SELECT eval_id FROM evals
WHERE tenant_id = :tenant_id AND request ->> 'candidate_run' = :candidate AND request ->> 'baseline_run' = :baseline
AND request ->> 'gate' IS NOT DISTINCT FROM :gate::text
ORDER BY requested_at DESC, eval_id DESC LIMIT 1;

-- name: cancel_eval!
-- Keeps that nobody wants it any more.
UPDATE evals SET cancelled_at = coalesce(cancelled_at, now()), told_at = now() WHERE eval_id = :eval_id AND tenant_id = :tenant_id;

-- name: lost_evals
-- Requests that evaluator has not heard of for so long, and those it goes on with after they were cancelled; none is older than a week.
SELECT a.eval_id, a.tenant_id, a.request, v.eval_id IS NOT NULL AS heard
FROM evals a LEFT JOIN evaluator.v_evals v ON v.eval_id = a.eval_id
WHERE a.requested_at > now() - interval '7 days' AND a.told_at <= now() - make_interval(secs => :older_than_s)
AND CASE WHEN v.eval_id IS NULL THEN a.cancelled_at IS NULL ELSE a.cancelled_at IS NOT NULL AND v.status IN ('requested', 'running') END
ORDER BY a.told_at LIMIT 1000;

-- name: touch_eval!
-- Starts the waiting time of a request anew.
UPDATE evals SET told_at = now() WHERE eval_id = :eval_id;

-- name: evals
-- Evaluations, newest first, after the one that is named, or one alone, with the records of its runs.
SELECT e.*, c.record AS candidate, b.record AS baseline FROM (
    SELECT
        coalesce(v.eval_id, a.eval_id) AS eval_id,
        coalesce(v.dataset, a.request ->> 'dataset') AS dataset, v.fingerprint,
        coalesce(v.candidate, a.request ->> 'candidate') AS candidate_variant,
        coalesce(v.baseline, a.request ->> 'baseline') AS baseline_variant,
        coalesce(v.candidate_run, (a.request ->> 'candidate_run')::uuid) AS candidate_run,
        coalesce(v.baseline_run, (a.request ->> 'baseline_run')::uuid) AS baseline_run,
        coalesce(v.gate, a.request ->> 'gate') AS gate,
        coalesce(v.experiment, a.request ->> 'experiment') AS experiment,
        coalesce(v.hypothesis, a.request ->> 'hypothesis') AS hypothesis,
        coalesce(v.seed, (a.request ->> 'seed')::int) AS seed,
        coalesce(v.repeats, (a.request ->> 'repeats')::int) AS repeats,
        coalesce(v.max_cases, (a.request ->> 'max_cases')::int) AS max_cases,
        coalesce(v.budget_usd, (a.request ->> 'budget_usd')::float8) AS budget_usd,
        coalesce(v.status, CASE WHEN a.cancelled_at IS NULL THEN 'requested' ELSE 'cancelled' END) AS status,
        v.error_code, v.error_message, v.verdict, v.reason, v.comparison, coalesce(v.receipts, '[]') AS receipts,
        coalesce(v.done, 0) AS done, coalesce(v.total, 0) AS total, coalesce(v.failed, 0) AS failed,
        coalesce(a.requested_at, v.requested_at) AS requested_at, v.completed_at
    FROM (SELECT * FROM evals WHERE tenant_id = :tenant_id AND (:eval_id::uuid IS NULL OR eval_id = :eval_id)) AS a
    FULL JOIN (
        SELECT * FROM evaluator.v_evals WHERE tenant_id = :tenant_id AND (:eval_id::uuid IS NULL OR eval_id = :eval_id)
    ) AS v ON v.eval_id = a.eval_id
) AS e
LEFT JOIN evaluator.v_eval_runs c ON c.tenant_id = :tenant_id AND c.run_id = e.candidate_run AND :eval_id::uuid IS NOT NULL
LEFT JOIN evaluator.v_eval_runs b ON b.tenant_id = :tenant_id AND b.run_id = e.baseline_run AND :eval_id::uuid IS NOT NULL
WHERE (:dataset::text IS NULL OR e.dataset = :dataset)
AND (:experiment::text IS NULL OR e.experiment = :experiment)
AND (:after::uuid IS NULL OR (e.requested_at, e.eval_id) < (
    SELECT coalesce(
        (SELECT requested_at FROM evals WHERE eval_id = :after AND tenant_id = :tenant_id),
        (SELECT requested_at FROM evaluator.v_evals WHERE eval_id = :after AND tenant_id = :tenant_id)
    ), :after::uuid
))
ORDER BY e.requested_at DESC, e.eval_id DESC LIMIT :limit;

-- name: eval_run^
-- A run, by its own id or by that of the evaluation whose candidate it was.
SELECT r.run_id, r.status, r.dataset, r.fingerprint, r.record FROM evaluator.v_eval_runs r
WHERE r.tenant_id = :tenant_id AND r.run_id = coalesce(
    (SELECT e.candidate_run FROM evaluator.v_evals e WHERE e.tenant_id = :tenant_id AND e.eval_id = :run_id), :run_id
);

-- name: eval_cases
-- The cases of a run beside those of another, by ordinal: the first answer to each, and the mean of a score over those repeats that have it.
-- Without any answer a case is worth less than with any, as evaluator counts it.
SELECT * FROM (
    SELECT c.ordinal, c.case_id, c.question, c.answerable, c.metadata, c.cluster, c.answers,
           c.score, c.answer, c.scores, c.error,
           b.ordinal IS NOT NULL AS compared, b.score AS baseline_score, b.answer AS baseline_answer, b.scores AS baseline_scores,
           b.error AS baseline_error,
           CASE
               WHEN b.ordinal IS NULL THEN NULL
               WHEN c.worth > b.worth THEN 'fixed'
               WHEN c.worth < b.worth THEN 'broken'
               WHEN coalesce(c.answer ->> 'text', '') <> coalesce(b.answer ->> 'text', '') THEN 'changed'
               ELSE 'same'
           END AS change
    FROM (
        SELECT *, CASE WHEN lost THEN '-Infinity' WHEN :higher_is_better::boolean THEN score ELSE -score END AS worth FROM (
            SELECT DISTINCT ON (ordinal) *,
                   avg((scores -> :score::text ->> 'value')::float8) FILTER (WHERE error IS NULL) OVER (PARTITION BY ordinal) AS score,
                   bool_and(error IS NOT NULL) OVER (PARTITION BY ordinal) AS lost
            FROM evaluator.v_case_results
            WHERE tenant_id = :tenant_id AND run_id = :candidate AND ordinal > :after ORDER BY ordinal, repeat
        ) AS first
    ) AS c
    LEFT JOIN (
        SELECT *, CASE WHEN lost THEN '-Infinity' WHEN :higher_is_better::boolean THEN score ELSE -score END AS worth FROM (
            SELECT DISTINCT ON (ordinal) *,
                   avg((scores -> :score::text ->> 'value')::float8) FILTER (WHERE error IS NULL) OVER (PARTITION BY ordinal) AS score,
                   bool_and(error IS NOT NULL) OVER (PARTITION BY ordinal) AS lost
            FROM evaluator.v_case_results
            WHERE tenant_id = :tenant_id AND run_id = :baseline::uuid AND ordinal > :after ORDER BY ordinal, repeat
        ) AS first
    ) AS b ON b.ordinal = c.ordinal
) AS cases
WHERE :change::text IS NULL OR change = :change
ORDER BY ordinal LIMIT :limit;

-- name: eval_record
-- Every answer of a run with the values of its scores, null where there is none, as they are exported.
SELECT case_id, cluster, answerable, metadata, repeat, answer ->> 'text' AS text, error,
       coalesce((SELECT jsonb_object_agg(key, value -> 'value') FROM jsonb_each(scores)), '{}') AS scores
FROM evaluator.v_case_results WHERE tenant_id = :tenant_id AND run_id = :run_id ORDER BY ordinal, repeat;

-- name: leaderboards
-- The runs of each dataset in their order, for each content that the dataset had, newest first.
SELECT dataset, fingerprint, board, updated_at FROM evaluator.v_leaderboards
WHERE tenant_id = :tenant_id AND (:dataset::text IS NULL OR dataset = :dataset) ORDER BY updated_at DESC, dataset, fingerprint;

-- name: experiments
-- Evaluations by what they belong to, the most recent experiment first.
SELECT experiment AS name, count(*)::int AS evaluations,
       count(*) FILTER (WHERE verdict = 'PASS')::int AS passed,
       count(*) FILTER (WHERE verdict = 'FAIL')::int AS failed,
       count(*) FILTER (WHERE verdict = 'INCONCLUSIVE')::int AS inconclusive,
       array_agg(DISTINCT dataset ORDER BY dataset) AS datasets,
       (array_agg(hypothesis ORDER BY requested_at DESC) FILTER (WHERE hypothesis IS NOT NULL))[1] AS hypothesis,
       min(requested_at) AS first_at, max(requested_at) AS last_at
FROM evaluator.v_evals WHERE tenant_id = :tenant_id AND experiment IS NOT NULL GROUP BY experiment ORDER BY max(requested_at) DESC;

-- name: put_dataset^
-- What a name stands for now; `created` unless it had this content before, whose blob is kept.
INSERT INTO datasets (tenant_id, name, fingerprint, description, cases, unanswerable, slices, gold, blob)
VALUES (:tenant_id, :name, :fingerprint, :description, :cases, :unanswerable, :slices, :gold, :blob)
ON CONFLICT (tenant_id, name, fingerprint) DO UPDATE SET
    description = excluded.description, gold = excluded.gold, uploaded_at = clock_timestamp()
RETURNING name, fingerprint, description, cases, unanswerable, slices, blob, created_at, uploaded_at, xmax = 0 AS created;

-- name: datasets
-- What each name stands for; by name after the cursor.
SELECT name, fingerprint, d.description, d.cases, d.unanswerable, d.slices, d.blob, d.created_at, d.uploaded_at
FROM datasets d JOIN v_datasets v USING (tenant_id, name, fingerprint)
WHERE tenant_id = :tenant_id AND (:after::text IS NULL OR name > :after)
ORDER BY name LIMIT :limit;

-- name: dataset_named^
-- What a name stands for, or the content with this fingerprint that it once had.
SELECT name, fingerprint, description, cases, unanswerable, slices, blob, created_at, uploaded_at FROM datasets
WHERE tenant_id = :tenant_id AND name = :name AND (:fingerprint::text IS NULL OR fingerprint = :fingerprint)
ORDER BY uploaded_at DESC LIMIT 1;

-- name: put_gold!
-- The documents that a dataset's cases rest on are counted.
UPDATE datasets SET gold = :gold WHERE tenant_id = :tenant_id AND name = :name AND fingerprint = :fingerprint;

-- name: gold_documents^
-- How many documents a dataset's cases rest on (null: nobody has counted), and which of them this tenant's searches cannot find now, in the
-- index generation if one is named. Searches show what `visible_versions` says.
SELECT cardinality(d.gold) AS gold, lost.missing, lost.examples
FROM datasets d
CROSS JOIN LATERAL (
    SELECT count(*)::int AS missing, coalesce((array_agg(g.document_id ORDER BY g.document_id))[1 : 5], '{}') AS examples
    FROM unnest(d.gold) AS g (document_id)
    WHERE NOT EXISTS (
        SELECT FROM indexer.v_documents x
        WHERE x.document_id = g.document_id AND x.tenant_id = d.tenant_id AND x.visible_version IS NOT NULL
        AND NOT EXISTS (SELECT FROM uploads u WHERE u.document_id = x.document_id AND u.deleted_below > x.visible_version)
        AND NOT EXISTS (SELECT FROM ingest.v_documents i WHERE i.document_id = x.document_id AND i.deleted_below > x.visible_version)
        AND (:generation::text IS NULL OR EXISTS (
            SELECT FROM indexer.v_placements p
            WHERE p.document_id = x.document_id AND p.generation = :generation AND p.complete_version >= x.visible_version
        ))
    )
) AS lost
WHERE d.tenant_id = :tenant_id AND d.name = :name AND d.fingerprint = :fingerprint;

-- name: dataset_uploads
-- All contents that a name ever had, the last first.
SELECT fingerprint, cases, unanswerable, created_at, uploaded_at FROM datasets
WHERE tenant_id = :tenant_id AND name = :name ORDER BY uploaded_at DESC;

-- name: has_dataset$
-- Whether a dataset has this name.
SELECT EXISTS (SELECT FROM v_datasets WHERE tenant_id = :tenant_id AND name = :name);
