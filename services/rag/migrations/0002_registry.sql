-- Prompts and variants: what was ever said under a name. A version is never changed, and a label's state is its newest move.
CREATE TABLE registry_versions (
    tenant_id  text        NOT NULL,
    kind       text        NOT NULL, -- prompt, variant
    name       text        NOT NULL,
    version    int         NOT NULL CHECK (version >= 1),
    sha256     text        NOT NULL,
    definition jsonb       NOT NULL,
    message    text        NOT NULL,
    author     text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, kind, name, version)
);

-- `weights` are the shares of the versions a label points to, such as {"3": 0.9, "4": 0.1}; `before` are those it had.
-- A rollback `restores` the state that another move made.
CREATE TABLE registry_moves (
    tenant_id text        NOT NULL,
    kind      text        NOT NULL,
    name      text        NOT NULL,
    label     text        NOT NULL,
    number    int         NOT NULL CHECK (number >= 1),
    before    jsonb,
    weights   jsonb       NOT NULL,
    restores  int,
    reason    text        NOT NULL,
    actor     text        NOT NULL,
    receipt   jsonb,
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, kind, name, label, number)
);

CREATE FUNCTION refuse_registry_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER registry_versions_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON registry_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_registry_change();
CREATE TRIGGER registry_moves_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON registry_moves
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_registry_change();
