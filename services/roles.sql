-- One role and one schema for each service, both named as the service. Run once, as an administrator, in the workbench database:
-- the compose file and the embedded stack do; in production the same is done by whoever owns the database. Running it again is harmless.
-- The roles' password is the setting workbench.password of the session (PGOPTIONS='-c workbench.password=...').
DO $$
DECLARE
    service text;
BEGIN
    FOREACH service IN ARRAY ARRAY['ingest', 'indexer', 'rag', 'evaluator', 'feedback'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = service) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', service);
        END IF;
        EXECUTE format('ALTER ROLE %I PASSWORD %L', service, current_setting('workbench.password'));
        EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', service, service);
        EXECUTE format('ALTER ROLE %I SET search_path = %I', service, service);
    END LOOP;
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
END
$$;
