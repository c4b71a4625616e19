-- The documents that a dataset's cases rest on, each once. Null where nobody has counted them yet: rag does when somebody asks.
ALTER TABLE datasets ADD COLUMN gold text[];
