-- Flinks' last answer about a connection's data, as it came, for the application to read until its time is over.
CREATE TABLE answers (
    connection_id TEXT PRIMARY KEY NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    kept_until BIGINT NOT NULL
);

CREATE INDEX answers_over ON answers (kept_until);
