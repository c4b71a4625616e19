-- The ledger: every try of a language model, one row. The row is there before the call is made, with all that the call may cost and the
-- status `unknown`; the end of the call puts in what it did cost. A call whose end nobody saw keeps what it may have cost.
CREATE TABLE llm_calls (
    call_id             uuid        PRIMARY KEY,
    tenant_id           text        NOT NULL,
    key_id              text,
    run_id              text,
    request_id          text        NOT NULL,
    attempt             int         NOT NULL, -- from 1, of those with this request_id
    purpose             text        NOT NULL,
    provider            text        NOT NULL,
    model               text        NOT NULL,
    status              text        NOT NULL DEFAULT 'unknown' CHECK (status IN ('ok', 'failed', 'cancelled', 'unknown')),
    exact               boolean     NOT NULL DEFAULT false, -- whether tokens and cost are what was billed, not what may have been
    input_tokens        bigint      NOT NULL,
    output_tokens       bigint      NOT NULL,
    cost_micros         bigint,               -- millionths of a US dollar; null: the model has no known price
    started_at          timestamptz NOT NULL,
    settled_at          timestamptz,
    duration_ms         real,
    first_token_ms      real,
    error_code          text,
    provider_request_id text,
    trace_id            text,
    messages            jsonb,                -- these two only where the settings say that content is kept
    answer              text
) WITH (fillfactor = 85);
CREATE INDEX llm_calls_by_tenant ON llm_calls (tenant_id, started_at);
CREATE INDEX llm_calls_by_request ON llm_calls (tenant_id, request_id);
CREATE INDEX llm_calls_by_key ON llm_calls (key_id, started_at) WHERE key_id IS NOT NULL;
CREATE INDEX llm_calls_by_run ON llm_calls (run_id, started_at) WHERE run_id IS NOT NULL;

-- Which counters in Redis are right: those that hold the epoch that stands here. A counter without a row is wrong whatever it holds.
CREATE SEQUENCE llm_epochs;
CREATE TABLE llm_counters (
    tenant_id text   NOT NULL,
    name      text   NOT NULL,
    epoch     bigint NOT NULL DEFAULT nextval('llm_epochs'),
    PRIMARY KEY (tenant_id, name)
);

-- What changes the ledger shares this lock, what sums it up into a counter has it alone. Functions, because each of their statements sees
-- what was committed before the lock was had, which one statement that takes the lock itself does not.
CREATE FUNCTION llm_ledger_lock(tenant text) RETURNS bigint LANGUAGE sql STABLE AS
    $$ SELECT hashtextextended(current_schema() || '/llm_calls/' || tenant, 0) $$;

-- Whether a call may be written down that is reserved in the counters `held` at these epochs: they must all be right. Other counters that
-- should have it (`covering`) are wrong from now on.
CREATE FUNCTION llm_admits(tenant text, covering text[], held text[], epochs bigint[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(llm_ledger_lock(tenant));
    IF (
        SELECT count(*) FROM unnest(held, epochs) AS h (name, epoch)
        JOIN llm_counters c ON c.tenant_id = tenant AND c.name = h.name AND c.epoch = h.epoch
    ) < cardinality(held) THEN
        RETURN false;
    END IF;
    IF cardinality(held) = 0 THEN -- no budget depends on this row, so it need not wait for the disk
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    DELETE FROM llm_counters c WHERE c.tenant_id = tenant AND c.name = ANY (covering) AND c.name <> ALL (held);
    RETURN true;
END
$$;

-- The epochs of counters, in order; 0 for one that is wrong.
CREATE FUNCTION llm_epochs_of(tenant text, names text[]) RETURNS bigint[] LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(llm_ledger_lock(tenant));
    RETURN (
        SELECT coalesce(array_agg(coalesce(c.epoch, 0) ORDER BY n.at), '{}') FROM unnest(names) WITH ORDINALITY AS n (name, at)
        LEFT JOIN llm_counters c ON c.tenant_id = tenant AND c.name = n.name
    );
END
$$;
