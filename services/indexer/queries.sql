-- name: newest_version$
-- The newest version of a document that the indexer has heard of, or null.
SELECT version FROM documents WHERE document_id = :document_id;

-- name: claim_version$
-- Notes that a version is coming in, unless a greater one or a delete is known; gives whether it is still to become visible, or null.
INSERT INTO documents (document_id, tenant_id, version, chunks) VALUES (:document_id, :tenant_id, :version, :chunks)
ON CONFLICT (document_id) DO UPDATE SET
    version = excluded.version, chunks = excluded.chunks, deleted = false, updated_at = now()
WHERE documents.version < excluded.version OR (documents.version = excluded.version AND NOT documents.deleted)
RETURNING visible_version IS DISTINCT FROM version;

-- name: record_batch!
-- A batch is in the vector store.
INSERT INTO batches (document_id, version, batch_no, chunks) VALUES (:document_id, :version, :batch_no, :chunks)
ON CONFLICT DO NOTHING;

-- name: count_batches$
-- How many batches of a version are in.
SELECT count(*) FROM batches WHERE document_id = :document_id AND version = :version;

-- name: make_visible!
-- From this commit on, searches find this version and no other.
UPDATE documents SET visible_version = :version, visible_sha256 = :sha256, updated_at = now() WHERE document_id = :document_id;

-- name: forget_batches!
-- The batches of older versions are of no more use.
DELETE FROM batches WHERE document_id = :document_id AND version < :version;

-- name: mark_deleted$
-- From this commit on, searches find no version; gives the document's id, or null if a greater version is known.
INSERT INTO documents (document_id, tenant_id, version, deleted) VALUES (:document_id, :tenant_id, :version, true)
ON CONFLICT (document_id) DO UPDATE SET
    version = excluded.version, visible_version = NULL, visible_sha256 = NULL, deleted = true, chunks = 0, updated_at = now()
WHERE documents.version <= excluded.version
RETURNING document_id;

-- name: retire_older!
-- Points of older versions are to go, if there are any.
INSERT INTO retirements (document_id, below)
SELECT document_id, :version FROM documents d
WHERE document_id = :document_id
AND (visible_version < :version OR EXISTS (SELECT FROM batches b WHERE b.document_id = d.document_id AND b.version < :version))
ON CONFLICT (document_id) DO UPDATE SET below = greatest(retirements.below, excluded.below);

-- name: retire!
-- The points of every older version are to go.
INSERT INTO retirements (document_id, below) VALUES (:document_id, :below)
ON CONFLICT (document_id) DO UPDATE SET below = greatest(retirements.below, excluded.below);

-- name: retire_overtaken!
-- If a greater version of the document is known, what lies below it is to go.
INSERT INTO retirements (document_id, below)
SELECT document_id, version FROM documents WHERE document_id = :document_id AND version > :version
ON CONFLICT (document_id) DO UPDATE SET below = greatest(retirements.below, excluded.below);

-- name: due_retirements
-- What is to go.
SELECT document_id, below FROM retirements ORDER BY document_id LIMIT 1000;

-- name: retired!
-- It is gone.
DELETE FROM retirements WHERE document_id = :document_id AND below = :below;
