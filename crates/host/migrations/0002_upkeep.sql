-- When a connection became up to date last, by this host's clock (`refreshed_at` is Flinks'): what Flinks said before is out of date.
ALTER TABLE connections ADD COLUMN settled_at BIGINT;

-- What Flinks reports of a login concerns every connection that has it.
CREATE INDEX connections_of_login ON connections (login_id);
-- Claims are renewed by owner.
CREATE INDEX attempts_claimed ON attempts (claimed_by) WHERE claimed_by IS NOT NULL;
-- Attempts are forgotten, and sign-ins end, by time.
CREATE INDEX attempts_ended ON attempts (expires_at) WHERE state IN ('set-aside', 'finished', 'failed');
CREATE INDEX sessions_ended ON sessions (expires_at);
