// Connect's stand-in as it would be with penpal: a message is a call.
import { WindowMessenger, connect } from "penpal";

const messenger = new WindowMessenger({ remoteWindow: parent, allowedOrigins: ["*"] });
const { promise } = connect({ messenger });

addEventListener("message", async ({ data }) => {
  if (typeof data?.count !== "number") return;
  const page = await promise;
  for (let number = 0; number < data.count; number++) void page.hear(data.message);
});
