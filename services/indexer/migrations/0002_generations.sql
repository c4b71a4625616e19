-- One row an index generation. Null recipes are what the services' settings say. `active` is the one that queries use; `wanted` is the one
-- that they are to move to. `embedding_model` and `dimensions` are those of its first batch.
CREATE TABLE generations (
    generation      text        PRIMARY KEY,
    state           text        NOT NULL DEFAULT 'building' CHECK (state IN ('building', 'active', 'kept', 'retired', 'dropped')),
    embedding       jsonb,
    chunker         jsonb,
    embedding_model text,
    dimensions      int,
    wanted_at       timestamptz,
    requested_at    timestamptz NOT NULL DEFAULT now(),
    activated_at    timestamptz, -- the last time
    retired_at      timestamptz
);
CREATE UNIQUE INDEX generations_active ON generations (state) WHERE state = 'active';
CREATE UNIQUE INDEX generations_wanted ON generations ((true)) WHERE wanted_at IS NOT NULL;
INSERT INTO generations (generation, state, activated_at) VALUES ('g1', 'active', now());

-- What a generation has of a document: `version` is the newest of which something came, `complete_version` the newest that is all there.
CREATE TABLE placements (
    document_id      text NOT NULL REFERENCES documents ON DELETE CASCADE,
    generation       text NOT NULL REFERENCES generations,
    version          int  NOT NULL,
    chunks           int  NOT NULL,
    complete_version int,
    complete_sha256  text,
    PRIMARY KEY (document_id, generation)
);
INSERT INTO placements (document_id, generation, version, chunks, complete_version, complete_sha256)
SELECT document_id, 'g1', version, chunks, visible_version, visible_sha256 FROM documents WHERE NOT deleted;

ALTER TABLE batches ADD COLUMN generation text NOT NULL DEFAULT 'g1' REFERENCES generations;
ALTER TABLE batches DROP CONSTRAINT batches_pkey, ADD PRIMARY KEY (document_id, version, generation, batch_no);

-- Moved by all that changes what a tenant's searches may find.
CREATE TABLE changes (
    tenant_id text   PRIMARY KEY,
    changes   bigint NOT NULL DEFAULT 1
);

-- `chunks` and `indexed` are those of the active generation.
CREATE OR REPLACE VIEW v_documents AS
SELECT d.document_id, d.tenant_id, d.version, d.visible_version, d.visible_sha256, d.deleted,
       coalesce(p.chunks, d.chunks) AS chunks,
       coalesce(
           CASE WHEN p.complete_version = d.version THEN p.chunks END,
           (SELECT sum(b.chunks) FROM batches b
            WHERE b.document_id = d.document_id AND b.version = d.version AND b.generation = a.generation),
           0
       )::int AS indexed,
       d.updated_at
FROM documents d
CROSS JOIN (SELECT generation FROM generations WHERE state = 'active') a
LEFT JOIN placements p ON p.document_id = d.document_id AND p.generation = a.generation AND p.version = d.version;

CREATE VIEW v_generations AS
SELECT generation, state, embedding, chunker, embedding_model, dimensions, wanted_at IS NOT NULL AS wanted,
       requested_at, activated_at, retired_at
FROM generations;

CREATE VIEW v_placements AS SELECT document_id, generation, version, complete_version FROM placements;

CREATE VIEW v_changes AS SELECT tenant_id, changes FROM changes;

-- How many documents searches may find, and of how many a generation that is not retired has that version or a newer one.
CREATE VIEW v_progress AS
SELECT g.generation, count(d.document_id)::int AS documents,
       (count(*) FILTER (WHERE p.complete_version >= d.visible_version))::int AS complete
FROM generations g
LEFT JOIN documents d ON d.visible_version IS NOT NULL
LEFT JOIN placements p ON p.document_id = d.document_id AND p.generation = g.generation
WHERE g.state IN ('building', 'active', 'kept')
GROUP BY g.generation;

GRANT SELECT ON v_generations, v_placements, v_changes, v_progress TO rag, ingest;
