/** The business: what Carlos may say of it, what callers asked in vain, and who may ring. */

import { h } from "../dom.js";
import { languages, translate } from "../language.js";
import { getTagged, RestError, send } from "../rest.js";
import { may } from "../scopes.js";
import { announce } from "./announce.js";
import { keyTool } from "./desk.js";
import { Editor } from "./editor.js";
import { documentOf, drawFacts, factsFaults, FIELDS, valuesOf } from "./facts-form.js";
import { area, field, tell } from "./forms.js";
import { LinePanel } from "./line-panel.js";
import { Page } from "./page.js";
import { QuestionsPanel } from "./questions-panel.js";

const PATH = "/facts";

export class Business extends Page {
  constructor(root) {
    super(root, "business.title");
    this.editors = [];
    this.questions = new QuestionsPanel(() => this.look());
    this.line = new LinePanel();
    languages.addEventListener("change", () => this.isOpen && this.retell());
  }

  /** Whether something was typed that is not saved; it stays while other sections are looked at. */
  get isDirty() {
    return this.editors.some((editor) => editor.isDirty);
  }

  open() {
    if (this.isDirty) {
      this.isOpen = true;
      return this.retell();
    }
    return this.load(PATH);
  }

  async refresh() {
    try {
      const [{ data, etag }, canWrite] = await Promise.all([getTagged(PATH), may("write")]);
      if (!this.isOpen) return;
      Object.assign(this, { data, etag, canWrite });
      this.editors = [];
      super.redraw();
      await this.retell();
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      if (this.isOpen) this.fail(error);
    }
  }

  /** Words follow the language by themselves, and what was typed stays. */
  redraw() {}

  async retell() {
    for (const { element } of [this.questions, this.line]) translate(element); // they were not in the page all the time
    await Promise.all([this.questions.refresh(), this.line.refresh()]);
  }

  draw(data) {
    const form = new Editor(this.spec(), data, this.etag);
    const text = new Editor(this.textSpec(), data, this.etag);
    this.editors = [form, text];
    for (const editor of this.editors) {
      if (!this.canWrite) this.lock(editor);
    }
    this.spoiled = h("div", { class: "card trouble", role: "alert" });
    this.form = form.element;
    this.asText = h("details", { class: "card" }, h("summary", { t: "business.text" }), text.element);
    this.tellFaults(data);
    return [h("div", { class: "business" },
      this.questions.element, this.spoiled, this.form, this.asText, this.line.element,
      h("p", { class: "hint", t: `business.kept.${data.kept}` }))];
  }

  lock(editor) {
    for (const control of editor.form.querySelectorAll("input, textarea, select, button")) control.disabled = true;
    for (const each of editor.form.querySelectorAll(".actions, .remove, .rows + button")) each.hidden = true;
  }

  /** A text that another hand has spoiled is mended as a text; the form would lose what is in it. */
  tellFaults({ faults }) {
    this.spoiled.hidden = !faults.length;
    this.form.hidden = faults.length > 0;
    if (!faults.length) return;
    this.asText.open = true;
    this.spoiled.replaceChildren(h("p", { t: "business.spoiled" }), h("ul", {}, faults.map((fault) => {
      const said = h("span");
      tell(said, fault);
      return h("li", {}, h("code", {}, `${fault.line}: ${fault.key}`), " ", said);
    })));
  }

  spec() {
    return {
      valuesOf: (data) => valuesOf(data.facts),
      draw: drawFacts,
      send: (changes, etag, base) => send("PUT", PATH, documentOf({ ...base, ...changes }), etag),
      fetch: () => getTagged(PATH),
      fields: FIELDS,
      faults: factsFaults,
      onSaved: (data, etag) => this.take(data, etag),
    };
  }

  textSpec() {
    return {
      valuesOf: ({ text }) => ({ text }),
      draw: ({ text }) => {
        const control = area(text, { class: "code", spellcheck: "false", maxlength: 100_000 });
        return { element: field("text", "business.text.label", control, { hint: "business.text.hint" }), read: () => ({ text: control.value }) };
      },
      send: ({ text }, etag) => send("PUT", `${PATH}/text`, { text }, etag),
      fetch: () => getTagged(PATH),
      fields: { text: { t: "business.text", show: String } },
      faults: factsFaults,
      onSaved: (data, etag) => this.take(data, etag),
    };
  }

  /** What is saved is known anew: in each form that nobody is typing in. */
  take(data, etag) {
    Object.assign(this, { data, etag });
    for (const editor of this.editors) {
      if (!editor.isDirty) editor.take(data, etag);
    }
    this.tellFaults(data);
  }

  /** Look again, after an answer was put into the facts. */
  async look() {
    try {
      const { data, etag } = await getTagged(PATH);
      this.take(data, etag);
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      this.fail(error);
    }
  }

  tools() {
    const look = () => (this.isDirty ? announce("business.unsaved") : this.refresh());
    this.refresher ??= h("button", { type: "button", class: "quiet refresh", t: "admin.refresh", onclick: look });
    return [...keyTool(this), this.refresher];
  }
}
