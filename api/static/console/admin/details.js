/** One record in a dialog. */

import { byId, h } from "../dom.js";

/** `facts` are [dictionary key, value]; those without a value are left out. */
export function showDetails(title, facts, ...more) {
  const dialog = byId("details");
  dialog.replaceChildren(
    h(
      "header",
      { class: "head" },
      h("h2", { id: "details-title", t: title }),
      h("button", { type: "button", class: "quiet", t: "admin.close", onclick: () => dialog.close() }),
    ),
    factList(facts),
    ...more,
  );
  if (!dialog.open) dialog.showModal();
}

export function factList(facts) {
  const known = facts.filter(([, value]) => value !== undefined && value !== null && value !== "");
  return h("dl", { class: "facts" }, known.map(([key, value]) => h("div", {}, h("dt", { t: key }), h("dd", {}, value))));
}

export const pill = (prefix, value) => h("span", { class: `pill ${value}`, t: `${prefix}.${value}` });
