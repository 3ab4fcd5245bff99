-- What the application is to be told, written in the transaction of what it tells, and deleted when the application has it.
CREATE TABLE events (
    id TEXT PRIMARY KEY NOT NULL,
    connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    -- Rises with the connection's version, while its row is held: the order of numbers is the order of commits.
    number BIGINT NOT NULL,
    -- The JSON that is posted.
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- When it is posted next, how often it was in vain, and until when it is tried.
    due_at BIGINT NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    tried_until BIGINT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'parked')),
    claimed_by TEXT,
    claimed_until BIGINT NOT NULL DEFAULT 0
);

CREATE UNIQUE INDEX events_of_connection ON events (connection_id, number);
CREATE INDEX events_due ON events (due_at) WHERE state = 'waiting';
CREATE INDEX events_parked ON events (created_at) WHERE state = 'parked';
