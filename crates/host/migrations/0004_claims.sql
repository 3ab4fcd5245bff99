-- A claim belongs to one step about one attempt: `claimed_by` is a random value that only this step knows. It is renewed and given back by
-- the attempt's id, so nothing is looked for by owner any more.
DROP INDEX attempts_claimed;
-- Earlier versions left claims on attempts that had ended.
UPDATE attempts SET claimed_by = NULL, claimed_until = 0
    WHERE claimed_by IS NOT NULL AND state NOT IN ('open', 'accepted');
