-- One row a document. `version` is the newest heard of and the fence; `visible_version` is the one that searches find.
CREATE TABLE documents (
    document_id     text        PRIMARY KEY,
    tenant_id       text        NOT NULL,
    version         int         NOT NULL,
    visible_version int,
    visible_sha256  text,
    deleted         boolean     NOT NULL DEFAULT false,
    chunks          int         NOT NULL DEFAULT 0,
    updated_at      timestamptz NOT NULL DEFAULT now()
);

-- Which batches of a version are in the vector store.
CREATE TABLE batches (
    document_id text NOT NULL REFERENCES documents ON DELETE CASCADE,
    version     int  NOT NULL,
    batch_no    int  NOT NULL,
    chunks      int  NOT NULL,
    PRIMARY KEY (document_id, version, batch_no)
);

-- Points that are to go from the vector store: every version of the document below `below`. A row stays until they are gone.
CREATE TABLE retirements (
    document_id text PRIMARY KEY,
    below       int  NOT NULL
);

-- What others may read.
CREATE VIEW v_documents AS
SELECT d.document_id, d.tenant_id, d.version, d.visible_version, d.visible_sha256, d.deleted, d.chunks,
       coalesce((SELECT sum(b.chunks) FROM batches b WHERE b.document_id = d.document_id AND b.version = d.version), 0)::int AS indexed,
       d.updated_at
FROM documents d;

GRANT USAGE ON SCHEMA indexer TO rag, ingest;
GRANT SELECT ON v_documents TO rag, ingest;
