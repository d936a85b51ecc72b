/** Files that a route gives: fetched with the key, which a link could not send, and handed to the browser to keep. */

import { h } from "../dom.js";
import { getFile, RestError } from "../rest.js";

/** A button that keeps what `path()` has under a name, and says so where that fails. */
export function downloadButton(words, path, name) {
  const trouble = h("span", { class: "hint", role: "status" });
  const button = h("button", { type: "button", class: "quiet", t: words, onclick: async () => {
    button.disabled = true;
    trouble.replaceChildren();
    try {
      keep(await getFile(path()), name);
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      trouble.replaceChildren(h("span", { t: [`admin.${error.kind}`, error.values] }));
    } finally {
      button.disabled = false;
    }
  } });
  return h("span", { class: "row" }, button, trouble);
}

export function keepJson(data, name) {
  keep(URL.createObjectURL(new Blob([JSON.stringify(data, null, 2)], { type: "application/json" })), name);
}

function keep(url, name) {
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser may still be reading
}
