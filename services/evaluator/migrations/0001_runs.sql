-- Evaluations that were asked for.
CREATE TABLE runs (
    eval_id      uuid        PRIMARY KEY,
    tenant_id    text        NOT NULL,
    dataset      text        NOT NULL,
    candidate    text        NOT NULL,
    baseline     text,
    seed         int         NOT NULL,
    max_cases    int,
    status       text        NOT NULL DEFAULT 'requested' CHECK (status IN ('requested')),
    requested_at timestamptz NOT NULL
);

CREATE VIEW v_runs AS SELECT * FROM runs;
GRANT USAGE ON SCHEMA evaluator TO rag;
GRANT SELECT ON v_runs TO rag;
