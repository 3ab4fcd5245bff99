-- What the rules of crates/backend decide on: versions, the sign-in under way, and where an attempt is.

-- Rises with every change of a connection or of its attempts; a change decided on an older one is not stored.
ALTER TABLE connections ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
-- The language it was made in: at Flinks a part of the login.
ALTER TABLE connections ADD COLUMN language TEXT;
-- The live sign-in under way, marked before it is sent.
ALTER TABLE connections ADD COLUMN sign_in_attempt TEXT;
ALTER TABLE connections ADD COLUMN sign_in_until BIGINT;

ALTER TABLE attempts ADD COLUMN stage TEXT NOT NULL DEFAULT 'session'
    CHECK (stage IN ('signing-in', 'session', 'full-flow', 'session-over'));
-- The token the session began with.
ALTER TABLE attempts ADD COLUMN token TEXT;
-- Flinks' LastRefresh before the attempt began; only later data is its result.
ALTER TABLE attempts ADD COLUMN baseline BIGINT NOT NULL DEFAULT 0;
-- The accounts picked anew, as a JSON list, until Flinks has shown that it has them.
ALTER TABLE attempts ADD COLUMN choice TEXT NOT NULL DEFAULT '[]';
-- The session the accepted result is of; one attempt for each.
ALTER TABLE attempts ADD COLUMN result TEXT;
ALTER TABLE attempts ADD COLUMN transactions TEXT NOT NULL DEFAULT 'wanted' CHECK (transactions IN ('wanted', 'left-out'));

UPDATE attempts SET stage = 'full-flow' WHERE request_id IS NULL;
UPDATE attempts SET baseline =
    COALESCE((SELECT c.refreshed_at FROM connections c WHERE c.id = attempts.connection_id), 0)
    WHERE state IN ('open', 'set-aside');

CREATE UNIQUE INDEX attempts_of_result ON attempts (result) WHERE result IS NOT NULL;
-- A webhook may name nothing but the session.
CREATE INDEX attempts_of_session ON attempts (request_id) WHERE request_id IS NOT NULL;
-- A user's sign-ins under way are counted.
CREATE INDEX connections_signing_in ON connections (user_id) WHERE sign_in_until IS NOT NULL;
