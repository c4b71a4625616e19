-- A content may be cut and embedded in several ways at once, one for each index generation; `recipe` says how. Its text is one, made by one
-- parser: every generation's offsets count in it.
ALTER TABLE chunks ADD COLUMN recipe text NOT NULL DEFAULT '';
UPDATE chunks c SET recipe = t.recipe FROM texts t WHERE t.tenant_id = c.tenant_id AND t.sha256 = c.sha256;
ALTER TABLE chunks DROP CONSTRAINT chunks_pkey, ADD PRIMARY KEY (tenant_id, sha256, recipe, chunk_no);
UPDATE texts SET recipe = split_part(recipe, '/', 1);
ALTER TABLE texts ADD COLUMN headings jsonb; -- [[start, level, text], ...]; null where it was parsed before this was kept

-- The newest version of each document that was embedded: what an index generation is built from. It outlives a newer version's failure, as
-- the older version's visibility does.
CREATE TABLE sources (
    document_id text   PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
    tenant_id   text   NOT NULL,
    version     int    NOT NULL,
    title       text   NOT NULL,
    media_type  text   NOT NULL,
    uri         text   NOT NULL,
    sha256      text   NOT NULL,
    bytes       bigint NOT NULL,
    metadata    jsonb  NOT NULL
);
CREATE INDEX sources_by_content ON sources (tenant_id, sha256);
INSERT INTO sources (document_id, tenant_id, version, title, media_type, uri, sha256, bytes, metadata)
SELECT document_id, tenant_id, version, title, media_type, uri, sha256, bytes, metadata FROM documents WHERE status = 'embedded';

-- How far a document is for a generation.
CREATE TABLE builds (
    document_id   text        NOT NULL REFERENCES documents ON DELETE CASCADE,
    generation    text        NOT NULL,
    version       int         NOT NULL,
    status        text        NOT NULL CHECK (status IN ('queued', 'embedded', 'failed')),
    recipe        text,
    error_code    text,
    error_message text,
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (document_id, generation)
);
CREATE INDEX builds_unfinished ON builds (generation, updated_at) WHERE status = 'queued';
INSERT INTO builds (document_id, generation, version, status) SELECT document_id, 'g1', version, 'embedded' FROM sources;

-- The version of the last delete: nothing below it may be shown, however many uploads came since.
ALTER TABLE documents ADD COLUMN deleted_below int;
UPDATE documents SET deleted_below = version WHERE status = 'deleted';
CREATE OR REPLACE VIEW v_documents AS
SELECT document_id, tenant_id, version, status, title, media_type, sha256, bytes, metadata, chunks, error_code, error_message,
       created_at, updated_at, deleted_below
FROM documents;

CREATE VIEW v_builds AS SELECT document_id, generation, version, status, error_code, error_message, updated_at FROM builds;
GRANT SELECT ON v_builds TO rag;
