-- One row a document: its newest known version. `version` is the fence: only a greater or the same version may write.
CREATE TABLE documents (
    document_id   text        PRIMARY KEY,
    tenant_id     text        NOT NULL,
    version       int         NOT NULL,
    status        text        NOT NULL CHECK (status IN ('parsing', 'embedding', 'embedded', 'failed', 'deleted')),
    title         text        NOT NULL DEFAULT '',
    media_type    text        NOT NULL DEFAULT '',
    uri           text        NOT NULL DEFAULT '',
    sha256        text        NOT NULL DEFAULT '',
    bytes         bigint      NOT NULL DEFAULT 0,
    metadata      jsonb       NOT NULL DEFAULT '{}',
    chunks        int,
    error_code    text,
    error_message text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX documents_by_content ON documents (tenant_id, sha256);
CREATE INDEX documents_unfinished ON documents (updated_at) WHERE status IN ('parsing', 'embedding', 'embedded');

-- The extracted text of a content, and its chunks; made by `recipe` (parser, splitter and embedding model). Shared by every document
-- of the tenant with that content, so the same content is never parsed or embedded twice.
CREATE TABLE texts (
    tenant_id   text        NOT NULL,
    sha256      text        NOT NULL,
    recipe      text        NOT NULL,
    text        text        NOT NULL,
    page_numbers int[]      NOT NULL, -- pages with text, in order; empty where the format has no pages
    page_starts  int[]      NOT NULL, -- where each of them begins, in code points
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, sha256)
);

CREATE TABLE chunks (
    tenant_id text NOT NULL,
    sha256    text NOT NULL,
    chunk_no  int  NOT NULL,
    span      int4range NOT NULL,
    page      int,
    heading   text,
    vector    bytea,
    PRIMARY KEY (tenant_id, sha256, chunk_no),
    FOREIGN KEY (tenant_id, sha256) REFERENCES texts ON DELETE CASCADE
);

-- What others may read.
CREATE VIEW v_documents AS
SELECT document_id, tenant_id, version, status, title, media_type, sha256, bytes, metadata, chunks, error_code, error_message,
       created_at, updated_at
FROM documents;

CREATE VIEW v_texts AS SELECT tenant_id, sha256, text, page_numbers, page_starts FROM texts;

GRANT USAGE ON SCHEMA ingest TO rag;
GRANT SELECT ON v_documents, v_texts TO rag;
