/** An editor in a dialog, which does not close over what was typed. */

import { byId, h } from "../dom.js";
import { Editor } from "./editor.js";

/** Open one. `spec` as in editor.js; `title` is a dictionary key with its values. */
export function openEditor(title, spec, data, etag) {
  const dialog = byId("editor");
  const close = () => {
    dialog.onkeydown = null;
    dialog.close();
  };
  const leave = () => {
    if (!editor.isDirty) close();
    else ask();
  };
  const editor = new Editor({ ...spec, onLeave: leave, onSaved: (...saved) => {
    close();
    spec.onSaved(...saved);
  } }, data, etag);
  const leaving = h("div", { class: "alert leaving", role: "alert", hidden: true },
    h("p", { t: "desk.leaving" }),
    h("div", { class: "row" },
      h("button", { type: "button", class: "danger", t: "desk.throw-away", onclick: close }),
      h("button", { type: "button", class: "quiet", t: "desk.go-on", onclick: () => {
        leaving.hidden = true;
        editor.saver.focus();
      } })));
  const ask = () => {
    leaving.hidden = false;
    leaving.scrollIntoView({ block: "nearest" });
    leaving.querySelector(".quiet").focus();
  };
  dialog.replaceChildren(h("header", { class: "head" }, h("h2", { id: "editor-title", t: title })), editor.element, leaving);
  dialog.onkeydown = (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault(); // a browser closes a dialog at the second Escape, whatever its `cancel` says
    leave();
  };
  dialog.showModal();
  dialog.querySelector("[data-field] :is(input, select, textarea):not(:disabled)")?.focus();
}
