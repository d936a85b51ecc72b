/** Webhooks: how their receivers do, and what they did not take. */

import { h } from "../dom.js";
import { count, moment } from "../format.js";
import { get, post, remove, RestError } from "../rest.js";
import { pill } from "./details.js";
import { Page } from "./page.js";

const LOST = ["webhooks.event", "webhooks.about", "webhooks.happened", "webhooks.tries", "webhooks.why", "webhooks.do"];
const RECENT = ["webhooks.when", "webhooks.event", "webhooks.try", "webhooks.answer", "webhooks.took"];

export class Webhooks extends Page {
  constructor(root) {
    super(root, "webhooks.title");
  }

  open() {
    return this.load("/webhooks");
  }

  async refresh() {
    try {
      this.receivers = await get("/webhooks/receivers");
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      if (this.isOpen) this.fail(error);
      return;
    }
    await super.refresh();
  }

  draw(lost) {
    return [
      h("h2", { t: "webhooks.receivers" }),
      this.receivers.length ? h("ul", { class: "receivers" }, this.receivers.map((each) => this.receiver(each))) : h("p", { class: "hint", t: "webhooks.nobody" }),
      h("h2", { t: "webhooks.lost" }),
      lost.length ? table("webhooks.lost", LOST, lost.map((each) => this.lost(each))) : h("p", { class: "hint", t: "webhooks.none-lost" }),
    ];
  }

  receiver({ id, origin, status, since, waiting, recent }) {
    return h(
      "li",
      { class: "card" },
      h("header", { class: "head" }, h("h3", {}, origin), pill("webhooks.is", status), h("span", { class: "hint", t: ["webhooks.waiting", { count: count(waiting) }] })),
      status !== "ok" && h("p", { class: "hint", t: [`webhooks.since.${status}`, { when: moment(since) }] }),
      status === "off" && this.button("webhooks.enable", id, () => post(`/webhooks/receivers/${id}/enable`)),
      recent.length ? table(["webhooks.recent", { what: origin }], RECENT, recent.map(delivery)) : h("p", { class: "hint", t: "webhooks.none-recent" }),
    );
  }

  lost({ id, type, about, at, attempts, reason }) {
    const path = `/webhooks/${encodeURIComponent(id)}`;
    return h(
      "tr",
      {},
      h("td", {}, type),
      h("td", { class: "about" }, about),
      h("td", {}, moment(at)),
      h("td", { class: "number" }, String(attempts)),
      h("td", { class: "wide" }, reason),
      h("td", {}, h("div", { class: "row" }, this.button("webhooks.retry", about, () => post(`${path}/retry`)), this.twice("webhooks.delete", about, () => remove(path)))),
    );
  }

  /** A button that does something and then shows what has become of the page; `what` tells it from the others. */
  button(t, what, act) {
    return h("button", { type: "button", class: "quiet", t, label: [`${t}.label`, { what }], onclick: () => this.act(act) });
  }

  /** One that asks to be pressed again: what it does cannot be undone. */
  twice(t, what, act) {
    const sure = h("button", { type: "button", class: "danger", t: `${t}.sure`, label: [`${t}.sure.label`, { what }], onclick: () => this.act(act) });
    const first = h("button", { type: "button", class: "quiet", t, label: [`${t}.label`, { what }], onclick: () => {
      first.replaceWith(sure);
      sure.focus();
    } });
    return first;
  }

  async act(act) {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      this.fail(error);
      return;
    }
    await this.refresh();
    this.root.querySelector("h1").focus();
  }

  show(...content) {
    super.show(...content);
    this.root.querySelector("h1").tabIndex = -1; // where the focus goes when its button is gone
  }
}

function table(label, columns, rows) {
  const head = h("thead", {}, h("tr", {}, columns.map((t) => h("th", { scope: "col", t }))));
  return h("div", { class: "card sheet", tabindex: "0", role: "region", label }, h("table", { class: "records" }, head, h("tbody", {}, rows)));
}

function delivery({ type, at, status, attempt, ms, reason }) {
  return h(
    "tr",
    {},
    h("td", {}, moment(at)),
    h("td", {}, type),
    h("td", { class: "number" }, String(attempt)),
    h("td", { class: "wide" }, reason === null ? h("span", { t: ["webhooks.taken", { status }] }) : reason),
    h("td", { class: "number" }, `${count(ms)} ms`),
  );
}
