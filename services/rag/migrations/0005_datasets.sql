-- Datasets: what was ever uploaded under a name, by its content. The name stands for what was uploaded last.
CREATE TABLE datasets (
    tenant_id    text        NOT NULL,
    name         text        NOT NULL,
    fingerprint  text        NOT NULL,
    description  text        NOT NULL DEFAULT '',
    cases        int         NOT NULL CHECK (cases >= 1),
    unanswerable int         NOT NULL CHECK (unanswerable >= 0),
    slices       jsonb       NOT NULL DEFAULT '{}', -- how many cases have which value of a metadata field
    blob         jsonb       NOT NULL, -- uri, sha256, bytes: JSON Lines, one case a line
    created_at   timestamptz NOT NULL DEFAULT now(),
    uploaded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, name, fingerprint)
);

CREATE VIEW v_datasets AS
SELECT DISTINCT ON (tenant_id, name) tenant_id, name, fingerprint, cases, unanswerable, blob, created_at
FROM datasets ORDER BY tenant_id, name, uploaded_at DESC;

GRANT USAGE ON SCHEMA rag TO evaluator;
GRANT SELECT ON v_datasets TO evaluator;
