/** A question with two answers, in the page: asked before what cannot be taken back. */

import { h } from "../dom.js";

/** A button that asks first, in its own place; `then` is called for a yes. */
export function askFirst(t, question, then, look = "quiet") {
  const holder = h("span", { class: "ask" });
  const button = h("button", { type: "button", class: look, t, onclick: () => {
    const no = h("button", { type: "button", class: "quiet", t: "desk.no", onclick: () => {
      holder.replaceChildren(button);
      button.focus();
    } });
    const yes = h("button", { type: "button", class: "danger", t: "desk.yes", onclick: () => {
      holder.replaceChildren(button);
      then();
    } });
    holder.replaceChildren(h("span", { role: "alert", t: question }), yes, no);
    no.focus();
  } });
  holder.append(button);
  return holder;
}
