/** What callers asked and the facts did not answer: an answer is made of it, or it is dismissed. */

import { h } from "../dom.js";
import { date } from "../format.js";
import { get, RestError, send } from "../rest.js";
import { forScope } from "../scopes.js";
import { announce } from "./announce.js";
import { openEditor } from "./editor-dialog.js";
import { area, faultsOf, field, lines } from "./forms.js";
import { describe } from "./record-dialog.js";

const PATH = "/facts/questions";

export class QuestionsPanel {
  /** `then` is called when the facts have got an answer. */
  constructor(then) {
    this.then = then;
    this.place = h("div");
    this.problem = h("p", { class: "alert", role: "alert", hidden: true });
    this.element = h("section", { class: "card", id: "questions", "aria-labelledby": "questions-title" },
      h("h2", { id: "questions-title", t: "questions.title" }), h("p", { class: "hint", t: "questions.hint" }), this.problem, this.place);
  }

  async refresh() {
    await this.attempt(async () => {
      const found = await get(PATH);
      this.place.replaceChildren(found.length ? h("ul", { class: "asked" }, found.map((each) => this.item(each))) : h("p", { class: "hint", t: "questions.none" }));
    });
  }

  item(asked) {
    const { question, times, last } = asked;
    return h("li", {},
      h("div", {}, question, h("small", { t: [times === 1 ? "questions.once" : "questions.times", { n: times, when: date(last) }] })),
      forScope("write", h("div", { class: "row" },
        h("button", { type: "button", class: "primary", t: "questions.answer", onclick: () => this.answer(asked) }),
        h("button", { type: "button", class: "quiet", t: "questions.dismiss", onclick: () => this.attempt(() => this.dismiss(asked)) }))));
  }

  answer({ id, question }) {
    openEditor("questions.answer.title", {
      valuesOf: () => ({ asked: question, answer: "" }),
      draw: (values) => {
        const answer = area(values.answer, { maxlength: 600 });
        const asked = area(values.asked, { maxlength: 2000 });
        const element = h("div", { class: "form" },
          field("answer", "questions.says", answer, { hint: "questions.says.hint", wide: true }),
          field("asked", "questions.ways", asked, { hint: "questions.ways.hint", wide: true }));
        return { element, read: () => ({ asked: asked.value.trim(), answer: answer.value.trim() }) };
      },
      send: ({ asked, answer }) => send("POST", `${PATH}/${id}/answer`, { answer, asked: lines(asked) }),
      fields: {},
      faults: (error) => faultsOf(error).map((fault) => ({ ...fault, key: fault.key.replace(/^questions\[\d+\]\./, "") })),
      onSaved: async () => {
        await Promise.all([this.refresh(), this.then()]);
        this.element.querySelector("button")?.focus();
      },
    }, null);
  }

  async dismiss({ id }) {
    await send("DELETE", `${PATH}/${id}`);
    announce("questions.dismissed");
    await this.refresh();
  }

  async attempt(work) {
    this.problem.hidden = true;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      describe(this.problem, error);
    }
  }
}
