-- name: newest_version$
-- The newest version of a document that the indexer has heard of, or null.
SELECT version FROM documents WHERE document_id = :document_id;

-- name: claim_version$
-- Notes that a version is coming in, unless a greater one or a delete is known; gives its document's id, or null.
INSERT INTO documents (document_id, tenant_id, version, chunks) VALUES (:document_id, :tenant_id, :version, :chunks)
ON CONFLICT (document_id) DO UPDATE SET
    version = excluded.version, chunks = excluded.chunks, deleted = false, updated_at = now()
WHERE documents.version < excluded.version OR (documents.version = excluded.version AND NOT documents.deleted)
RETURNING document_id;

-- name: claim_placement$
-- Notes that a version is coming into a generation; gives whether it is still to be complete there.
INSERT INTO placements (document_id, generation, version, chunks) VALUES (:document_id, :generation, :version, :chunks)
ON CONFLICT (document_id, generation) DO UPDATE SET version = excluded.version, chunks = excluded.chunks
RETURNING complete_version IS DISTINCT FROM version;

-- name: record_batch!
-- A batch is in the vector store.
INSERT INTO batches (document_id, version, generation, batch_no, chunks) VALUES (:document_id, :version, :generation, :batch_no, :chunks)
ON CONFLICT DO NOTHING;

-- name: count_batches$
-- How many batches of a version are in a generation.
SELECT count(*) FROM batches WHERE document_id = :document_id AND version = :version AND generation = :generation;

-- name: complete_placement!
-- A generation has all of a version.
UPDATE placements SET complete_version = :version, complete_sha256 = :sha256 WHERE document_id = :document_id AND generation = :generation;

-- name: deciding_has_all$
-- Whether each generation that decides, the active and the wanted one, has all of a version.
SELECT NOT EXISTS (
    SELECT FROM generations g
    WHERE (g.state = 'active' OR g.wanted_at IS NOT NULL) AND NOT EXISTS (
        SELECT FROM placements p WHERE p.document_id = :document_id AND p.generation = g.generation AND p.complete_version = :version
    )
);

-- name: make_visible$
-- From this commit on, searches find this version and no other; gives its document's id, or null if they do already.
UPDATE documents SET visible_version = :version, visible_sha256 = :sha256, updated_at = now()
WHERE document_id = :document_id AND visible_version IS DISTINCT FROM :version
RETURNING document_id;

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

-- name: forget_placements!
-- No generation has anything of a document.
DELETE FROM placements WHERE document_id = :document_id;

-- name: count_change!
-- What this tenant's searches may find is not what it was.
INSERT INTO changes (tenant_id) VALUES (:tenant_id) ON CONFLICT (tenant_id) DO UPDATE SET changes = changes.changes + 1;

-- name: retire_older!
-- Points of older versions are to go from every generation, if there are any.
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
-- If a greater version of the document is known, what lies below it is to go, but nothing of the visible version.
INSERT INTO retirements (document_id, below)
SELECT document_id, coalesce(visible_version, version) FROM documents
WHERE document_id = :document_id AND version > :version AND (visible_version IS NULL OR visible_version > :version)
ON CONFLICT (document_id) DO UPDATE SET below = greatest(retirements.below, excluded.below);

-- name: due_retirements
-- What is to go.
SELECT document_id, below FROM retirements ORDER BY document_id LIMIT 1000;

-- name: retired!
-- It is gone.
DELETE FROM retirements WHERE document_id = :document_id AND below = :below;

-- Generations.

-- name: lock_generations!
-- Alone until the transaction ends: no version becomes visible, and no request is worked on.
SELECT pg_advisory_xact_lock(hashtext('indexer/generations'));

-- name: share_generations!
-- Until the transaction ends, the pointer does not move.
SELECT pg_advisory_xact_lock_shared(hashtext('indexer/generations'));

-- name: get_generation^
-- A generation.
SELECT * FROM generations WHERE generation = :generation;

-- name: live_generations
-- Those that documents are indexed for.
SELECT * FROM generations WHERE state IN ('building', 'active', 'kept') ORDER BY generation;

-- name: name_model!
-- The first batch says what model its generation is of.
UPDATE generations SET embedding_model = :embedding_model, dimensions = :dimensions
WHERE generation = :generation AND embedding_model IS NULL;

-- name: add_generation!
-- A new one, to be built.
INSERT INTO generations (generation, embedding, chunker) VALUES (:generation, :embedding, :chunker);

-- name: withdraw!
-- Queries are to stay where they are.
UPDATE generations SET wanted_at = NULL WHERE wanted_at IS NOT NULL;

-- name: want!
-- Queries are to move to this generation.
UPDATE generations SET wanted_at = now() WHERE generation = :generation;

-- name: wanted^
-- The generation that queries are to move to, whether it has had its time, and how many visible documents it does not have yet.
SELECT g.generation, g.wanted_at < now() - make_interval(secs => :patience_s) AS overdue,
    (SELECT count(*) FROM documents d
     LEFT JOIN placements p ON p.document_id = d.document_id AND p.generation = g.generation
     WHERE d.visible_version IS NOT NULL AND coalesce(p.complete_version, 0) < d.visible_version) AS behind
FROM generations g WHERE g.wanted_at IS NOT NULL;

-- name: keep_active!
-- The active generation becomes one that is kept for a rollback.
UPDATE generations SET state = 'kept' WHERE state = 'active';

-- name: activate!
-- From this commit on, queries use this generation.
UPDATE generations SET state = 'active', activated_at = now(), wanted_at = NULL WHERE generation = :generation;

-- name: reveal
-- Makes visible what every generation that decides has and searches do not find yet.
UPDATE documents d SET visible_version = d.version, visible_sha256 = p.complete_sha256, updated_at = now()
FROM placements p
JOIN generations a ON a.generation = p.generation AND a.state = 'active'
WHERE p.document_id = d.document_id AND p.complete_version = d.version AND NOT d.deleted
AND d.visible_version IS DISTINCT FROM d.version
AND NOT EXISTS (
    SELECT FROM generations w
    LEFT JOIN placements o ON o.generation = w.generation AND o.document_id = d.document_id
    WHERE w.wanted_at IS NOT NULL AND o.complete_version IS DISTINCT FROM d.version
)
RETURNING d.document_id, d.tenant_id, d.version, d.visible_sha256, p.chunks, a.embedding_model;

-- name: count_change_for_all!
-- What searches may find is not what it was, for anybody.
UPDATE changes SET changes = changes + 1;

-- name: retire_generation!
-- Nothing more is indexed for a generation.
UPDATE generations SET state = 'retired', retired_at = now() WHERE generation = :generation;

-- name: due_generations
-- Retired ones whose pointer nobody can have cached any more.
SELECT generation FROM generations WHERE state = 'retired' AND retired_at < now() - make_interval(secs => :after_s);

-- name: forget_placements_of!
-- What a generation had.
DELETE FROM placements WHERE generation = :generation;

-- name: forget_batches_of!
-- What came into a generation.
DELETE FROM batches WHERE generation = :generation;

-- name: dropped!
-- Its collection is gone.
UPDATE generations SET state = 'dropped' WHERE generation = :generation;
