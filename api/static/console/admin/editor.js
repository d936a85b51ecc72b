/**
 * A form over one thing that others may change meanwhile. What was typed stays until it is saved or thrown away on
 * purpose: through a lost connection, a refusal, and somebody else's change, of which both versions are shown.
 *
 * A `spec` has
 *   valuesOf(data)         the values of the form, by field
 *   draw(values)           {element, read()}; `read` returns values, or throws Faults
 *   send(changes, etag, base)  saves: {data, etag}
 *   fetch()                what is saved now: {data, etag}; missing for what is new
 *   fields                 {name: {t, show(value)}}, to compare two versions by
 *   onSaved(data, etag)
 *   onLeave()              for a form that can be left; one in a page can only be taken back
 */

import { h } from "../dom.js";
import { askForKey } from "../key.js";
import { bind } from "../language.js";
import { LOCKED, RestError } from "../rest.js";
import { announce } from "./announce.js";
import { askFirst } from "./confirm.js";
import { clearFaults, faultsOf, showFaults, tell } from "./forms.js";

/** What the page itself can tell is wrong. */
export class Faults extends Error {
  constructor(faults) {
    super("faults");
    this.faults = faults;
  }
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

export class Editor {
  constructor(spec, data, etag = null) {
    this.spec = spec;
    this.etag = etag;
    this.base = spec.valuesOf(data);
    this.alert = h("div", { class: "alert", role: "alert", hidden: true });
    this.place = h("div");
    this.choice = h("div", { hidden: true });
    this.form = h("form", { class: "editor", novalidate: true, onsubmit: (event) => {
      event.preventDefault();
      this.save();
    } }, this.place, this.alert, this.buttons());
    this.element = h("div", {}, this.form, this.choice);
    this.isDirty = false; // something was typed that is not saved
    this.form.addEventListener("input", () => (this.isDirty = true));
    this.fill(this.base);
  }

  buttons() {
    this.saver = h("button", { type: "submit", class: "primary", t: "desk.save" });
    const { onLeave } = this.spec;
    const leaver = onLeave
      ? h("button", { type: "button", class: "quiet", t: "desk.cancel", onclick: onLeave })
      : askFirst("desk.undo", "desk.leaving", () => this.take(null));
    return h("div", { class: "row actions" }, this.saver, leaver);
  }

  /** Go back to what is saved: this, where it is known anew. */
  take(data, etag) {
    if (data !== null) {
      this.base = this.spec.valuesOf(data);
      this.etag = etag;
    }
    this.quiet();
    this.fill(this.base);
    this.isDirty = false;
  }

  fill(values) {
    this.fields = this.spec.draw(values);
    this.place.replaceChildren(this.fields.element);
  }

  async save() {
    if (this.saver.disabled) return;
    let values;
    try {
      values = this.fields.read();
    } catch (error) {
      if (!(error instanceof Faults)) throw error;
      this.complain(error.faults);
      return;
    }
    const changes = this.spec.fetch ? changed(this.base, values) : values;
    if (this.spec.fetch && !Object.keys(changes).length) {
      this.isDirty = false;
      this.spec.onLeave?.();
      return;
    }
    this.quiet();
    await this.working(async () => {
      const { data, etag } = await this.spec.send(changes, this.etag, this.base);
      this.settle(data, etag);
    }, values);
  }

  /** It is saved. */
  settle(data, etag) {
    this.etag = etag;
    this.base = this.spec.valuesOf(data);
    this.isDirty = false;
    announce("desk.saved");
    this.spec.onSaved(data, etag);
  }

  /** Nothing is sent twice, and whatever goes wrong is told in the form. */
  async working(work, values) {
    const held = document.activeElement;
    this.saver.disabled = true;
    this.place.inert = true; // what is typed now would be lost with the form that is saved
    try {
      await work();
      this.place.inert = false;
    } catch (error) {
      this.place.inert = false;
      if (held?.isConnected) held.focus();
      if (!(error instanceof RestError)) throw error;
      if (this.spec.fetch && isOvertaken(error)) await this.compare(values);
      else this.refused(error);
    } finally {
      this.saver.disabled = false;
    }
  }

  refused(error) {
    const faults = (this.spec.faults ?? faultsOf)(error);
    if (faults.length) this.complain(faults);
    else this.trouble(error);
  }

  complain(faults) {
    this.quiet();
    const homeless = showFaults(this.form, faults);
    if (homeless.length) this.say(homeless.map((fault) => {
      const line = h("p");
      tell(line, fault);
      return h("div", {}, h("code", {}, fault.line ? `${fault.line}: ${fault.key}` : fault.key), line);
    }));
  }

  trouble(error) {
    const line = h("p");
    if (error.kind === "unreachable" || error.status === 503) bind(line, "text", this.spec.fetch ? "desk.unreachable" : "desk.unreachable.new");
    else if (error.kind === "failed") bind(line, "text", "desk.failed", { text: error.values.text });
    else bind(line, "text", `desk.${error.kind}`);
    this.say([line, LOCKED.has(error.kind) && h("button", { type: "button", class: "quiet", t: "admin.key", onclick: () => askForKey(() => this.save()) })]);
  }

  say(content) {
    this.alert.replaceChildren(...content.filter(Boolean));
    this.alert.hidden = false;
    this.alert.scrollIntoView({ block: "nearest" });
  }

  quiet() {
    this.alert.hidden = true;
    clearFaults(this.form);
  }

  /** Somebody else was faster: show where the two differ, and let the person choose. */
  async compare(mine) {
    let now;
    try {
      now = await this.spec.fetch();
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      this.trouble(error);
      return;
    }
    const theirs = this.spec.valuesOf(now.data);
    const names = Object.keys(theirs).filter((name) => !same(theirs[name], mine[name]));
    const before = this.base;
    this.base = theirs;
    this.etag = now.etag;
    if (!names.length) {
      this.settle(now.data, now.etag);
      return;
    }
    this.ask(names, theirs, mine, before);
  }

  ask(names, theirs, mine, before) {
    const picks = Object.fromEntries(names.map((name) => [name, same(mine[name], before[name]) ? "theirs" : "mine"]));
    const pick = (name, whose, value) => {
      const radio = h("input", { type: "radio", name: `pick-${name}`, value: whose, checked: picks[name] === whose, onchange: () => (picks[name] = whose) });
      return h("td", {}, h("label", { class: "pick" }, radio, h("span", {}, this.spec.fields[name].show(value))));
    };
    const row = (name) => h("tr", {}, h("th", { scope: "row", t: this.spec.fields[name].t }), pick(name, "theirs", theirs[name]), pick(name, "mine", mine[name]));
    const go = (then) => {
      const values = { ...mine };
      for (const name of names) values[name] = picks[name] === "theirs" ? theirs[name] : mine[name];
      this.choice.hidden = true;
      this.form.hidden = false;
      this.fill(values);
      then();
    };
    const heading = h("h2", { tabindex: "-1", t: "desk.overtaken" });
    const heads = ["desk.field", "desk.theirs", "desk.mine"].map((t) => h("th", { scope: "col", t }));
    this.choice.replaceChildren(heading, h("p", { class: "hint", t: "desk.overtaken.hint" }),
      h("div", { class: "sheet" }, h("table", { class: "records compare" }, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, names.map(row)))),
      h("div", { class: "row actions" },
        h("button", { type: "button", class: "primary", t: "desk.save-choice", onclick: () => go(() => this.save()) }),
        h("button", { type: "button", class: "quiet", t: "desk.back", onclick: () => go(() => this.saver.focus()) })));
    this.form.hidden = true;
    this.choice.hidden = false;
    heading.focus();
  }
}

const isOvertaken = ({ status, code }) => status === 412 || (status === 409 && code === "conflict");

function changed(base, values) {
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => !same(value, base[name])));
}
