-- Evaluations that were asked for over HTTP: found from the moment they are told, and told again if evaluator has not heard of them.
-- What became of them, and of those that others told on the topic, is in evaluator's views.
CREATE TABLE evals (
    eval_id      uuid        PRIMARY KEY,
    tenant_id    text        NOT NULL,
    request      jsonb       NOT NULL, -- the event
    requested_at timestamptz NOT NULL DEFAULT now(),
    cancelled_at timestamptz,
    told_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX evals_by_tenant ON evals (tenant_id, requested_at DESC, eval_id);
CREATE INDEX evals_by_age ON evals (requested_at);
