import { Bank } from "./bank";

// Rendered anew for every visitor, on the server.
export const dynamic = "force-dynamic";

export default function Page() {
  return <Bank id="nightly" />;
}
