/** The dialog that asks for an API key. */

import { byId } from "./dom.js";
import { useKey } from "./rest.js";

/** Ask for a key; `then` is called once there is one. */
export function askForKey(then) {
  const dialog = byId("api-key");
  dialog.returnValue = "";
  dialog.onclose = () => {
    const input = byId("api-key-input");
    const used = dialog.returnValue === "use";
    if (used) useKey(input.value);
    input.value = "";
    if (used) then();
  };
  dialog.showModal();
}
