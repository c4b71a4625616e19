-- name: get_document^
-- The newest known version of a document.
SELECT document_id, tenant_id, version, status, sha256 FROM documents WHERE document_id = :document_id;

-- name: begin_document!
-- Notes that a version is being worked on, unless a greater one is known.
INSERT INTO documents (document_id, tenant_id, version, status, title, media_type, uri, sha256, bytes, metadata)
VALUES (:document_id, :tenant_id, :version, 'parsing', :title, :media_type, :uri, :sha256, :bytes, :metadata)
ON CONFLICT (document_id) DO UPDATE SET
    version = excluded.version, status = 'parsing', title = excluded.title, media_type = excluded.media_type, uri = excluded.uri,
    sha256 = excluded.sha256, bytes = excluded.bytes, metadata = excluded.metadata, chunks = NULL,
    error_code = NULL, error_message = NULL, updated_at = now()
WHERE documents.version <= excluded.version;

-- name: note_chunks!
-- The text is cut; embedding begins.
UPDATE documents SET status = 'embedding', updated_at = now(),
    chunks = (SELECT count(*) FROM chunks c WHERE c.tenant_id = :tenant_id AND c.sha256 = :sha256 AND c.recipe = :recipe)
WHERE document_id = :document_id AND version = :version AND status <> 'deleted';

-- name: finish_document$
-- The version is embedded; gives its id, or null if a greater version or a delete came in between.
UPDATE documents SET status = 'embedded', updated_at = now()
WHERE document_id = :document_id AND version = :version AND status <> 'deleted'
RETURNING document_id;

-- name: fail_document$
-- The version cannot be ingested; gives its id, or null if a greater version or a delete came in between, or another has its id or version.
UPDATE documents SET status = 'failed', error_code = :code, error_message = :message, updated_at = now()
WHERE document_id = :document_id AND version = :version AND status <> 'deleted' AND (tenant_id, sha256) = (:tenant_id, :sha256)
RETURNING document_id;

-- name: delete_document$
-- Marks a document deleted as of a version, known before or not; gives its id, or null if a greater version is known.
INSERT INTO documents (document_id, tenant_id, version, status, deleted_below)
VALUES (:document_id, :tenant_id, :version, 'deleted', :version)
ON CONFLICT (document_id) DO UPDATE SET
    version = excluded.version, status = 'deleted', deleted_below = excluded.deleted_below, updated_at = now()
WHERE documents.tenant_id = excluded.tenant_id AND documents.version <= excluded.version
RETURNING document_id;

-- name: forget_text!
-- Drops a content that no living document has.
DELETE FROM texts
WHERE tenant_id = :tenant_id AND sha256 = :sha256
AND NOT EXISTS (SELECT FROM documents d WHERE d.tenant_id = texts.tenant_id AND d.sha256 = texts.sha256 AND d.status <> 'deleted')
AND NOT EXISTS (SELECT FROM sources s WHERE s.tenant_id = texts.tenant_id AND s.sha256 = texts.sha256);

-- name: forget_texts!
-- Drops every content that no living document has and no search can cite any more: what newer versions left behind.
DELETE FROM texts t
WHERE NOT EXISTS (SELECT FROM documents d WHERE d.tenant_id = t.tenant_id AND d.sha256 = t.sha256 AND d.status <> 'deleted')
AND NOT EXISTS (SELECT FROM sources s WHERE s.tenant_id = t.tenant_id AND s.sha256 = t.sha256)
AND NOT EXISTS (SELECT FROM indexer.v_documents x WHERE x.tenant_id = t.tenant_id AND x.visible_sha256 = t.sha256);

-- name: get_text^
-- The extracted text of a content with all that cutting it needs; by whatever parser if none is named.
SELECT text, page_numbers, page_starts, headings FROM texts
WHERE tenant_id = :tenant_id AND sha256 = :sha256 AND (:parser::text IS NULL OR recipe = :parser) AND headings IS NOT NULL;

-- name: put_text!
-- Keeps a text.
INSERT INTO texts (tenant_id, sha256, recipe, text, page_numbers, page_starts, headings)
VALUES (:tenant_id, :sha256, :parser, :text, :page_numbers, :page_starts, :headings)
ON CONFLICT (tenant_id, sha256) DO UPDATE SET
    recipe = excluded.recipe, text = excluded.text, created_at = now(),
    page_numbers = excluded.page_numbers, page_starts = excluded.page_starts, headings = excluded.headings;

-- name: clear_chunks!
-- Drops the chunks of another text.
DELETE FROM chunks c USING texts t
WHERE c.tenant_id = :tenant_id AND c.sha256 = :sha256
AND t.tenant_id = c.tenant_id AND t.sha256 = c.sha256 AND t.text <> :text;

-- name: put_chunk*!
-- Keeps where a chunk stands in its text.
INSERT INTO chunks (tenant_id, sha256, recipe, chunk_no, span, page, heading)
VALUES (:tenant_id, :sha256, :recipe, :chunk_no, int4range(:start, :end), :page, :heading)
ON CONFLICT DO NOTHING;

-- name: get_chunks
-- All chunks of a content, in order.
SELECT chunk_no, lower(span) AS start_at, upper(span) AS end_at, page, heading, vector FROM chunks
WHERE tenant_id = :tenant_id AND sha256 = :sha256 AND recipe = :recipe ORDER BY chunk_no;

-- name: put_vector*!
-- Keeps the vector of a chunk.
UPDATE chunks SET vector = :vector WHERE tenant_id = :tenant_id AND sha256 = :sha256 AND recipe = :recipe AND chunk_no = :chunk_no;

-- name: unfinished_documents
-- Newest versions that have not become searchable for so long; indexer tells which are.
SELECT d.document_id, d.tenant_id, d.version, d.status, d.title, d.media_type, d.uri, d.sha256, d.bytes, d.metadata
FROM documents d
LEFT JOIN indexer.v_documents x ON x.document_id = d.document_id AND x.visible_version = d.version
WHERE d.status IN ('parsing', 'embedding', 'embedded') AND x.document_id IS NULL
AND d.updated_at <= now() - make_interval(secs => :older_than_s)
ORDER BY d.updated_at LIMIT 1000;

-- name: restart_document!
-- An unfinished document is to be ingested from the start, with a waiting time of its own.
UPDATE documents SET status = 'parsing', updated_at = now()
WHERE document_id = :document_id AND version = :version AND status IN ('parsing', 'embedding', 'embedded');

-- Index generations: what each document is for each of them.

-- name: live_generations
-- The generations that documents are indexed for, as indexer says.
SELECT generation, state, embedding, chunker FROM indexer.v_generations WHERE state IN ('building', 'active', 'kept') ORDER BY generation;

-- name: put_source!
-- The newest version that was embedded.
INSERT INTO sources (document_id, tenant_id, version, title, media_type, uri, sha256, bytes, metadata)
VALUES (:document_id, :tenant_id, :version, :title, :media_type, :uri, :sha256, :bytes, :metadata)
ON CONFLICT (document_id) DO UPDATE SET
    version = excluded.version, title = excluded.title, media_type = excluded.media_type, uri = excluded.uri,
    sha256 = excluded.sha256, bytes = excluded.bytes, metadata = excluded.metadata;

-- name: forget_source!
-- There is nothing left to build from.
DELETE FROM sources WHERE document_id = :document_id;

-- name: forget_builds!
-- Nor has any generation anything of it.
DELETE FROM builds WHERE document_id = :document_id;

-- name: lock_source^
-- The version of a document that generations are built from; no other takes its place until the transaction ends.
SELECT version FROM sources WHERE document_id = :document_id FOR SHARE;

-- name: source_version$
-- The version of a document that generations are built from, or null.
SELECT version FROM sources WHERE document_id = :document_id;

-- name: put_build!
-- How far a version is for a generation.
INSERT INTO builds (document_id, generation, version, status, recipe, error_code, error_message)
VALUES (:document_id, :generation, :version, :status, :recipe, :error_code, :error_message)
ON CONFLICT (document_id, generation) DO UPDATE SET
    version = excluded.version, status = excluded.status, recipe = coalesce(excluded.recipe, builds.recipe),
    error_code = excluded.error_code, error_message = excluded.error_message, updated_at = now()
WHERE builds.version <= excluded.version;

-- name: count_queued$
-- How many documents are on their way into a generation.
SELECT count(*) FROM builds WHERE generation = :generation AND status = 'queued';

-- name: queue_builds
-- Takes documents whose newest embedded version is not in a generation, nor on its way there, and gives them.
WITH queued AS (
    INSERT INTO builds (document_id, generation, version, status)
    SELECT s.document_id, :generation, s.version, 'queued'
    FROM sources s LEFT JOIN builds b ON b.document_id = s.document_id AND b.generation = :generation
    WHERE b.version IS NULL OR b.version < s.version
    ORDER BY s.document_id LIMIT :limit
    ON CONFLICT (document_id, generation) DO UPDATE SET
        version = excluded.version, status = 'queued', error_code = NULL, error_message = NULL, updated_at = now()
    WHERE builds.version < excluded.version
    RETURNING document_id, version
)
SELECT s.*, :generation::text AS generation FROM sources s JOIN queued q ON q.document_id = s.document_id AND q.version = s.version;

-- name: unfinished_builds
-- What was told for a generation other than the active one and is not there after so long; indexer tells what is.
SELECT s.*, b.generation
FROM builds b
JOIN sources s ON s.document_id = b.document_id AND s.version = b.version
JOIN indexer.v_generations g ON g.generation = b.generation AND g.state IN ('building', 'kept')
LEFT JOIN indexer.v_placements p ON p.document_id = b.document_id AND p.generation = b.generation AND p.complete_version >= b.version
WHERE b.status <> 'failed' AND p.document_id IS NULL AND b.updated_at <= now() - make_interval(secs => :older_than_s)
ORDER BY b.updated_at LIMIT 1000;

-- name: forget_generations!
-- Drops what was made for generations that are not live any more.
WITH gone AS (
    DELETE FROM builds b USING indexer.v_generations g
    WHERE g.generation = b.generation AND g.state IN ('retired', 'dropped') RETURNING b.recipe
)
DELETE FROM chunks WHERE recipe IN (
    SELECT recipe FROM gone
    EXCEPT
    SELECT b.recipe FROM builds b JOIN indexer.v_generations g ON g.generation = b.generation AND g.state NOT IN ('retired', 'dropped')
);
