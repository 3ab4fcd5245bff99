import { theApplication } from "../../../server/application";

// POST /api/connections/{id}/reconnect, /api/reconnects and /api/flinks/webhook.
export const POST = (request) => theApplication().bank.fetch(request);
