/** Call-backs that callers asked for: to be made, or made. */

import { h } from "../dom.js";
import { moment } from "../format.js";
import { getList, RestError, send } from "../rest.js";
import { announce } from "./announce.js";
import { Page } from "./page.js";
import { describe } from "./record-dialog.js";

const STATUSES = ["pending", "done"];
const A_PAGE = 100;

export class CallBacks extends Page {
  constructor(root) {
    super(root, "callbacks.title");
    this.isWindowed = true; // more comes when it is asked for
    this.status = STATUSES[0];
  }

  open() {
    return this.load(`/callbacks?status=${this.status}&limit=${A_PAGE}`);
  }

  draw(callbacks) {
    this.problem = h("p", { class: "alert", role: "alert", hidden: true });
    const list = h("ul", { class: "callbacks" }, callbacks.map((each) => this.card(each)));
    const none = h("p", { class: "hint", t: `callbacks.none.${this.status}` });
    const more = h("button", { type: "button", class: "quiet", t: "callbacks.more", onclick: () => this.attempt(() => this.showMore()) });
    return [this.problem, callbacks.length ? list : none, ...(this.next ? [more] : [])];
  }

  card(callback) {
    const { id, phone, about, askedAt, doneAt, status } = callback;
    const other = STATUSES.find((each) => each !== status);
    return h("li", { class: "card" },
      h("a", { class: "number", href: `tel:${phone.replace(/[^\d+]/g, "")}` }, phone),
      h("p", { class: "about" }, about || "–"),
      h("small", {}, h("span", { t: ["callbacks.asked", { when: moment(askedAt) }] }), doneAt && h("span", { t: ["callbacks.made", { when: moment(doneAt) }] })),
      h("div", { class: "row" },
        h("button", { type: "button", class: status === "pending" ? "primary" : "quiet", t: `callbacks.mark.${other}`, onclick: () => this.attempt(() => this.mark(callback, other)) }),
        h("a", { href: `#/calls/${encodeURIComponent(id)}`, t: "callbacks.call" })));
  }

  async mark({ id }, status) {
    await send("PUT", `/callbacks/${encodeURIComponent(id)}`, { status });
    announce("desk.saved");
    await this.refresh();
    this.root.querySelector(".callbacks button, .segmented input:checked")?.focus();
  }

  async showMore() {
    const found = await getList(`${this.path}&cursor=${encodeURIComponent(this.next)}`);
    this.data = [...this.data, ...found.data];
    this.next = found.next;
    this.redraw();
  }

  async attempt(work) {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      describe(this.problem, error);
    }
  }

  tools() {
    const choice = (status) => h("label", {},
      h("input", { type: "radio", name: "callbacks", value: status, checked: this.status === status, onchange: () => {
        this.status = status;
        this.open();
      } }),
      h("span", { t: `callbacks.${status}` }));
    this.choice ??= h("fieldset", { class: "segmented" }, h("legend", { class: "visually-hidden", t: "admin.status" }), STATUSES.map(choice));
    return [this.choice, ...super.tools()];
  }
}
