/**
 * One record, shown; and for those who may, its two deeds: change it, cancel it. Both are done to the version that is on
 * the screen: where another stands by now, that one is shown first.
 */

import { byId, h } from "../dom.js";
import { bind } from "../language.js";
import { getTagged, RestError, send } from "../rest.js";
import { forScope } from "../scopes.js";
import { announce } from "./announce.js";
import { askFirst } from "./confirm.js";
import { openEditor } from "./editor-dialog.js";
import { faultsOf, tell } from "./forms.js";

/**
 * The deeds of a record as elements for its dialog. `kind` has `path(record)`, `title(record)`, `spec(record)` for the
 * editor (a promise), `show(record, ...notes)`, `canCancel(record)` and `question`; `then` is called after each change.
 */
export function deeds(kind, record, then) {
  const problem = h("p", { class: "alert", role: "alert", hidden: true });
  const guarded = (work) => async () => {
    problem.hidden = true;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      describe(problem, error);
    }
  };
  const change = guarded(async () => {
    const { data, etag } = await getTagged(kind.path(record));
    const spec = await kind.spec(data);
    byId("details").close();
    openEditor(kind.title(data), { ...spec, onSaved: then }, data, etag);
  });
  const cancel = guarded(async () => {
    const { data, etag } = await getTagged(kind.path(record));
    if (JSON.stringify(data) !== JSON.stringify(record)) {
      then();
      kind.show(data, h("p", { class: "alert", role: "alert", t: "desk.changed" }));
      return;
    }
    await send("PUT", kind.path(record), { status: "cancelled" }, etag);
    byId("details").close();
    announce("desk.cancelled");
    then();
  });
  const row = h("div", { class: "row actions" },
    h("button", { type: "button", class: "primary", t: "desk.edit", onclick: change }),
    kind.canCancel(record) && askFirst(kind.cancel, kind.question, cancel));
  return [problem, forScope("write", row)];
}

/** Say what went wrong, where there is no form to say it in. */
export function describe(element, error) {
  const [fault] = faultsOf(error);
  if (fault) tell(element, fault);
  else if (error.kind === "failed" && /^(order|appointment)_/.test(error.code ?? "")) bind(element, "text", `rule.${error.code}`, { said: error.values.text });
  else if (error.status === 409 || error.status === 412) bind(element, "text", "desk.changed-again");
  else if (error.status === 503) bind(element, "text", "desk.unreachable");
  else if (error.kind === "failed") bind(element, "text", "desk.failed", { text: error.values.text });
  else bind(element, "text", `desk.${error.kind}`);
  element.hidden = false;
}
