-- name: add_rating!
-- Keeps a rating.
INSERT INTO ratings (feedback_id, answer_id, tenant_id, rating, comment, correction, labels, rated_at)
VALUES (:feedback_id, :answer_id, :tenant_id, :rating, :comment, :correction, :labels, coalesce(:rated_at, now()))
ON CONFLICT (feedback_id) DO NOTHING;

-- name: add_answer!
-- Keeps an answer that may be rated.
INSERT INTO answers (answer_id, tenant_id, question, answer, abstained, variant, prompt, model, answered_at)
VALUES (:answer_id, :tenant_id, :question, :answer, :abstained, :variant, :prompt, :model, coalesce(:answered_at, now()))
ON CONFLICT (answer_id) DO NOTHING;
