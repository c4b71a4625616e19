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
    chunks = (SELECT count(*) FROM chunks c WHERE c.tenant_id = :tenant_id AND c.sha256 = :sha256)
WHERE document_id = :document_id AND version = :version AND status <> 'deleted';

-- name: finish_document$
-- The version is embedded; gives its id, or null if a greater version or a delete came in between.
UPDATE documents SET status = 'embedded', updated_at = now()
WHERE document_id = :document_id AND version = :version AND status <> 'deleted'
RETURNING document_id;

-- name: fail_document$
-- The version cannot be ingested; gives its id, or null if a greater version or a delete came in between.
UPDATE documents SET status = 'failed', error_code = :code, error_message = :message, updated_at = now()
WHERE document_id = :document_id AND version = :version AND status <> 'deleted'
RETURNING document_id;

-- name: delete_document$
-- Marks a document deleted as of a version, known before or not; gives its id, or null if a greater version is known.
INSERT INTO documents (document_id, tenant_id, version, status) VALUES (:document_id, :tenant_id, :version, 'deleted')
ON CONFLICT (document_id) DO UPDATE SET version = excluded.version, status = 'deleted', updated_at = now()
WHERE documents.tenant_id = excluded.tenant_id AND documents.version <= excluded.version
RETURNING document_id;

-- name: forget_text!
-- Drops a content that no living document has.
DELETE FROM texts
WHERE tenant_id = :tenant_id AND sha256 = :sha256 AND NOT EXISTS (
    SELECT FROM documents d WHERE d.tenant_id = texts.tenant_id AND d.sha256 = texts.sha256 AND d.status <> 'deleted'
);

-- name: forget_texts!
-- Drops every content that no living document has and no search can cite any more: what newer versions left behind.
DELETE FROM texts t
WHERE NOT EXISTS (SELECT FROM documents d WHERE d.tenant_id = t.tenant_id AND d.sha256 = t.sha256 AND d.status <> 'deleted')
AND NOT EXISTS (SELECT FROM indexer.v_documents x WHERE x.tenant_id = t.tenant_id AND x.visible_sha256 = t.sha256);

-- name: get_text$
-- The extracted text of a content, if the same recipe made it.
SELECT text FROM texts WHERE tenant_id = :tenant_id AND sha256 = :sha256 AND recipe = :recipe;

-- name: put_text!
-- Keeps a text; its chunks are put right after.
INSERT INTO texts (tenant_id, sha256, recipe, text, page_numbers, page_starts)
VALUES (:tenant_id, :sha256, :recipe, :text, :page_numbers, :page_starts)
ON CONFLICT (tenant_id, sha256) DO UPDATE SET
    recipe = excluded.recipe, text = excluded.text, created_at = now(),
    page_numbers = excluded.page_numbers, page_starts = excluded.page_starts;

-- name: clear_chunks!
-- Drops the chunks that another recipe made.
DELETE FROM chunks WHERE tenant_id = :tenant_id AND sha256 = :sha256;

-- name: put_chunk*!
-- Keeps where a chunk stands in its text.
INSERT INTO chunks (tenant_id, sha256, chunk_no, span, page, heading)
VALUES (:tenant_id, :sha256, :chunk_no, int4range(:start, :end), :page, :heading);

-- name: get_chunks
-- All chunks of a content, in order.
SELECT chunk_no, lower(span) AS start_at, upper(span) AS end_at, page, heading, vector FROM chunks
WHERE tenant_id = :tenant_id AND sha256 = :sha256 ORDER BY chunk_no;

-- name: put_vector*!
-- Keeps the vector of a chunk.
UPDATE chunks SET vector = :vector WHERE tenant_id = :tenant_id AND sha256 = :sha256 AND chunk_no = :chunk_no;

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
