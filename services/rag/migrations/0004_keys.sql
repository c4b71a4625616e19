-- API keys. The secret is not here: `sha256` is of its 256 random bits, which nobody can guess, so a slow hash would protect nothing more.
CREATE TABLE keys (
    key_id       text        PRIMARY KEY,
    tenant_id    text        NOT NULL,
    name         text        NOT NULL,
    scopes       text[]      NOT NULL,
    sha256       bytea       NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz -- to the minute
);
CREATE INDEX keys_by_tenant ON keys (tenant_id, key_id);

-- Who changed what; rows are only ever added.
CREATE TABLE audit (
    id        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT now(),
    tenant_id text        NOT NULL,
    actor     text,       -- the key that was used; null where none was asked for
    action    text        NOT NULL,
    subject   text        NOT NULL,
    detail    jsonb       NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_by_tenant ON audit (tenant_id, id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
