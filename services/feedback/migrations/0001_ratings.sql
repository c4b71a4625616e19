-- What people said of answers, as they said it.
CREATE TABLE ratings (
    feedback_id uuid        PRIMARY KEY,
    answer_id   uuid        NOT NULL,
    tenant_id   text        NOT NULL,
    rating      text        NOT NULL,
    comment     text,
    correction  text,
    labels      text[]      NOT NULL,
    rated_at    timestamptz NOT NULL
);
CREATE INDEX ratings_by_answer ON ratings (answer_id);

-- The answers that can be rated: a rating of an unknown answer is kept too, since its answer may still be on its way.
CREATE TABLE answers (
    answer_id   uuid        PRIMARY KEY,
    tenant_id   text        NOT NULL,
    question    text        NOT NULL,
    answer      text        NOT NULL,
    abstained   boolean     NOT NULL,
    variant     text        NOT NULL,
    prompt      text        NOT NULL,
    model       text        NOT NULL,
    answered_at timestamptz NOT NULL
);

CREATE VIEW v_ratings AS SELECT * FROM ratings;
GRANT USAGE ON SCHEMA feedback TO rag, evaluator;
GRANT SELECT ON v_ratings TO rag, evaluator;
