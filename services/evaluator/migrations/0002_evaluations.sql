-- What was called a run is an evaluation: it asks for one or two runs. Yesterday's code still writes `runs`.
ALTER TABLE runs RENAME TO evals;
ALTER TABLE evals DROP CONSTRAINT runs_status_check;
ALTER TABLE evals
    ADD CHECK (status IN ('requested', 'running', 'completed', 'failed', 'cancelled')),
    ADD COLUMN fingerprint     text,             -- of the dataset's content; null until it was read
    ADD COLUMN candidate_run   uuid,             -- made by this evaluation, or an earlier one that was asked for
    ADD COLUMN baseline_run    uuid,
    ADD COLUMN baseline_record jsonb,            -- where an exported run lies
    ADD COLUMN gate            text,
    ADD COLUMN experiment      text,
    ADD COLUMN hypothesis      text,
    ADD COLUMN repeats         int              NOT NULL DEFAULT 1,
    ADD COLUMN budget_usd      double precision, -- what the calls of each run may cost
    ADD COLUMN error_code      text,
    ADD COLUMN error_message   text,
    ADD COLUMN verdict         text,
    ADD COLUMN reason          text,
    ADD COLUMN comparison      jsonb,
    ADD COLUMN receipts        jsonb            NOT NULL DEFAULT '[]',
    ADD COLUMN completed_at    timestamptz;
CREATE INDEX evals_by_tenant ON evals (tenant_id, requested_at DESC, eval_id);
CREATE VIEW runs AS SELECT eval_id, tenant_id, dataset, candidate, baseline, seed, max_cases, status, requested_at FROM evals;

-- A variant measured on a dataset. `sample` are the ordinals of its cases, in the order in which they are asked; shards are ranges of it.
-- `record` says what was asked, by names, versions and hashes, and what came of it; `done` and `failed` count when nothing is asked any more.
CREATE TABLE eval_runs (
    run_id       uuid        PRIMARY KEY,
    tenant_id    text        NOT NULL,
    eval_id      uuid        NOT NULL REFERENCES evals,
    dataset      text        NOT NULL,
    fingerprint  text        NOT NULL,
    origin       text        NOT NULL CHECK (origin IN ('measured', 'recorded')),
    status       text        NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
    sample       int[]       NOT NULL,
    repeats      int         NOT NULL,
    seed         int         NOT NULL,
    done         int         NOT NULL DEFAULT 0,
    failed       int         NOT NULL DEFAULT 0,
    record       jsonb       NOT NULL,
    started_at   timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz
);
CREATE INDEX eval_runs_by_eval ON eval_runs (eval_id);
CREATE INDEX eval_runs_by_dataset ON eval_runs (tenant_id, dataset, fingerprint) WHERE status = 'completed';

-- A dataset as it was read, once for each content. A case never changes.
CREATE TABLE cases (
    tenant_id   text  NOT NULL,
    fingerprint text  NOT NULL,
    ordinal     int   NOT NULL,
    case_id     text  NOT NULL,
    body        jsonb NOT NULL,
    PRIMARY KEY (tenant_id, fingerprint, ordinal)
);
CREATE INDEX cases_by_id ON cases (tenant_id, fingerprint, case_id);

-- What came of asking a case: an answer with its scores, or why there is none. The first result stays.
CREATE TABLE results (
    run_id  uuid  NOT NULL REFERENCES eval_runs,
    ordinal int   NOT NULL,
    repeat  int   NOT NULL,
    answer  jsonb,
    scores  jsonb NOT NULL DEFAULT '{}',
    error   text,
    code    text, -- of the error
    PRIMARY KEY (run_id, ordinal, repeat),
    CHECK ((answer IS NULL) = (error IS NOT NULL))
);
CREATE INDEX results_without_answer ON results (run_id) WHERE error IS NOT NULL;

-- The places `[first, last)` of a run's sample that one message asks. A few of a run are told at a time, so that runs do not wait for a
-- larger one that came before.
CREATE TABLE shards (
    shard_id  uuid        PRIMARY KEY,
    tenant_id text        NOT NULL,
    run_id    uuid        NOT NULL REFERENCES eval_runs,
    first     int         NOT NULL,
    last      int         NOT NULL,
    done      boolean     NOT NULL DEFAULT false,
    told_at   timestamptz
);
CREATE INDEX shards_open ON shards (run_id, first) WHERE NOT done;

-- The runs of a dataset in their order.
CREATE TABLE leaderboards (
    tenant_id   text        NOT NULL,
    dataset     text        NOT NULL,
    fingerprint text        NOT NULL,
    board       jsonb       NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, dataset, fingerprint)
);

-- What others may read.
CREATE VIEW v_evals AS
SELECT e.eval_id, e.tenant_id, e.dataset, e.fingerprint, e.candidate, e.baseline, e.candidate_run, e.baseline_run, e.gate, e.experiment,
       e.hypothesis, e.seed, e.repeats, e.max_cases, e.budget_usd, e.status, e.error_code, e.error_message, e.verdict, e.reason,
       e.comparison, e.receipts, coalesce(asked.done, 0)::int AS done, coalesce(asked.total, 0)::int AS total,
       coalesce(asked.failed, 0)::int AS failed, e.requested_at, e.completed_at
FROM evals e
LEFT JOIN LATERAL (
    SELECT sum(CASE WHEN r.status = 'running' THEN (SELECT count(*) FROM results a WHERE a.run_id = r.run_id) ELSE r.done END) AS done,
           sum(CASE WHEN r.status = 'running'
                    THEN (SELECT count(*) FROM results a WHERE a.run_id = r.run_id AND a.error IS NOT NULL) ELSE r.failed END) AS failed,
           sum(cardinality(r.sample) * r.repeats) AS total
    FROM eval_runs r WHERE r.eval_id = e.eval_id AND r.origin = 'measured'
) asked ON true;

CREATE VIEW v_eval_runs AS
SELECT run_id, tenant_id, eval_id, dataset, fingerprint, status, record, started_at, completed_at FROM eval_runs;

CREATE VIEW v_case_results AS
SELECT a.run_id, r.tenant_id, a.ordinal, a.repeat, c.case_id, c.body ->> 'question' AS question,
       (c.body ->> 'answerable')::boolean AS answerable, c.body -> 'metadata' AS metadata, c.body -> 'answers' AS answers,
       a.answer, a.scores, a.error, c.body ->> 'cluster' AS cluster
FROM results a
JOIN eval_runs r USING (run_id)
JOIN cases c ON (c.tenant_id, c.fingerprint, c.ordinal) = (r.tenant_id, r.fingerprint, a.ordinal);

CREATE VIEW v_leaderboards AS SELECT tenant_id, dataset, fingerprint, board, updated_at FROM leaderboards;
GRANT SELECT ON v_evals, v_eval_runs, v_case_results, v_leaderboards TO rag;
