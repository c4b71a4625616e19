-- What was uploaded or deleted over HTTP: one row a document, its newest version. Status comes from the views of ingest and indexer.
CREATE TABLE uploads (
    document_id   text        PRIMARY KEY,
    tenant_id     text        NOT NULL,
    version       int         NOT NULL,
    deleted       boolean     NOT NULL DEFAULT false,
    deleted_below int         NOT NULL DEFAULT 0, -- no version below may be shown any more, whatever came after the delete
    title         text        NOT NULL,
    media_type    text        NOT NULL,
    uri           text        NOT NULL,
    sha256        text        NOT NULL,
    bytes         bigint      NOT NULL,
    metadata      jsonb       NOT NULL DEFAULT '{}',
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX uploads_by_content ON uploads (tenant_id, sha256);

-- Answers to requests that carried an Idempotency-Key.
CREATE TABLE idempotency (
    tenant_id  text        NOT NULL,
    key        text        NOT NULL,
    digest     text        NOT NULL,
    response   jsonb       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, key)
);
