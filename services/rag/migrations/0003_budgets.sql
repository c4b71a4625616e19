-- Budgets that somebody set; they go before those of the settings. A window that has no limit of one kind has null there.
CREATE TABLE budgets (
    tenant_id     text        NOT NULL,
    scope         text        NOT NULL CHECK (scope IN ('tenant', 'key', 'run')),
    subject       text        NOT NULL,
    budget_window text        NOT NULL CHECK (budget_window IN ('day', 'month', 'total')),
    micros        bigint      CHECK (micros >= 0), -- millionths of a US dollar
    tokens        bigint      CHECK (tokens >= 0),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, scope, subject, budget_window),
    CHECK (micros IS NOT NULL OR tokens IS NOT NULL)
);
