// connect-web-sdk: another vendor's package that inserts a frame itself, given the address.
import { Connect } from "connect-web-sdk";
import { address, begins } from "../begin.js";

const ignore = () => {};

begins(() => {
  Connect.launch(address(), { onDone: ignore, onCancel: ignore, onError: ignore }, { selector: "#place" });
  return () => Connect.destroy();
});
