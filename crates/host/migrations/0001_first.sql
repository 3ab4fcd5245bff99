-- One text for SQLite and Postgres: TEXT and BIGINT only, times in milliseconds since 1970, JSON as text.

CREATE TABLE users (
    id TEXT PRIMARY KEY NOT NULL
);

-- Who is signed in. Only a fingerprint of the cookie is kept: reading this table signs nobody in.
CREATE TABLE sessions (
    fingerprint TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);

-- A bank connection of a user. "In progress" is not stored: it follows from the attempts.
CREATE TABLE connections (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    institution TEXT NOT NULL,
    login_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('needs-attention', 'up-to-date')),
    problem TEXT,
    refreshed_at BIGINT
);

CREATE INDEX connections_of_user ON connections (user_id, position);

-- The accounts the user picked in Connect's Account Selector; none means all.
CREATE TABLE selected_accounts (
    connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (connection_id, account_id)
);

-- The accounts as last fetched, each as the JSON the API answers.
CREATE TABLE accounts (
    connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (connection_id, account_id)
);

-- One try of one user to bring one connection back, from start to stored data.
CREATE TABLE attempts (
    id TEXT PRIMARY KEY NOT NULL,
    connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    tag TEXT NOT NULL UNIQUE,
    -- The session at Flinks; none while the user goes through the full flow.
    request_id TEXT,
    state TEXT NOT NULL CHECK (state IN ('open', 'set-aside', 'accepted', 'finished', 'failed')),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- Of the delivery's bytes, to know a repetition from another result; none while the host found the result itself.
    fingerprint TEXT,
    accepted_at BIGINT,
    -- Whether the data was asked for and Flinks is still working on it.
    data_step TEXT NOT NULL DEFAULT 'ask' CHECK (data_step IN ('ask', 'poll')),
    -- When a worker looks at it next, how often it did in vain, and which one holds it now.
    due_at BIGINT NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    claimed_by TEXT,
    claimed_until BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX attempts_due ON attempts (due_at) WHERE state IN ('open', 'accepted');
CREATE INDEX attempts_of_connection ON attempts (connection_id, created_at);
