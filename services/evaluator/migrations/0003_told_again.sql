-- A request that is not planned is told again from time to time, by one replica.
ALTER TABLE evals ADD COLUMN told_at timestamptz NOT NULL DEFAULT now();
