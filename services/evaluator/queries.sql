-- name: add_run!
-- Keeps a requested evaluation.
INSERT INTO evals (eval_id, tenant_id, dataset, candidate, baseline, seed, max_cases, requested_at)
VALUES (:eval_id, :tenant_id, :dataset, :candidate, :baseline, :seed, :max_cases, coalesce(:requested_at, now()))
ON CONFLICT (eval_id) DO NOTHING;
