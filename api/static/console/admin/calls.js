/** Calls: who is on the line now, who was, and each one on a page of its own. */

import { h } from "../dom.js";
import { moment, span } from "../format.js";
import { callView } from "./call.js";
import { outcome } from "./outcome.js";
import { Page } from "./page.js";

const FRESH_MS = 2000; // between two looks at the live calls
const COLUMNS = ["calls.when", "calls.line", "calls.caller", "calls.duration", "calls.turns", "calls.latency", "calls.outcome"];

export class Calls extends Page {
  constructor(root) {
    super(root, "calls.title");
  }

  async open(id) {
    this.close();
    this.id = id;
    await this.load(id ? `/calls/${encodeURIComponent(id)}` : "/calls");
    clearInterval(this.timer);
    if (this.isOpen) this.timer = setInterval(() => this.keepFresh(), FRESH_MS);
  }

  close() {
    clearInterval(this.timer);
    super.close();
  }

  /** Only what changes is fetched again, and never under somebody's hands. */
  keepFresh() {
    const changes = this.id ? this.data?.live : this.data !== undefined;
    if (changes && !document.hidden && !this.root.querySelector("details[open], audio")) this.refresh();
  }

  redraw() {
    const drawn = JSON.stringify([this.data, document.documentElement.lang]);
    if (drawn === this.drawn && this.root.querySelector(".records, .call-page, .live")) return;
    this.drawn = drawn;
    const focused = document.activeElement?.getAttribute("href");
    super.redraw();
    if (focused?.startsWith("#/calls/")) this.root.querySelector(`a[href="${focused}"]`)?.focus();
  }

  draw(data) {
    return this.id ? callView(data, () => this.refresh()) : list(data);
  }
}

function list(calls) {
  const live = calls.filter((call) => call.live);
  const past = calls.filter((call) => !call.live);
  return [
    h("h2", { t: "calls.live" }),
    live.length ? h("ul", { class: "live" }, live.map(liveCard)) : h("p", { class: "hint live", t: "calls.none-live" }),
    h("h2", { t: "calls.past" }),
    past.length ? sheet(past) : h("p", { class: "hint", t: "admin.none" }),
  ];
}

function liveCard(call) {
  const last = call.lastTurn;
  return h(
    "li",
    { class: "card" },
    h("a", { href: link(call) }, h("span", { class: "pulse", "aria-hidden": "true" }), call.callerNumber ?? h("span", { t: `line.${call.line}` })),
    h("span", { class: "hint", t: ["calls.talking", { turns: call.turnCount }] }),
    h("p", { class: "last" }, last ? last.text : "…"),
  );
}

function sheet(calls) {
  const head = h("thead", {}, h("tr", {}, COLUMNS.map((t) => h("th", { scope: "col", t }))));
  const table = h("table", { class: "records" }, head, h("tbody", {}, calls.map(row)));
  return h("div", { class: "card sheet", tabindex: "0", role: "region", label: "calls.title" }, table);
}

function row(call) {
  return h(
    "tr",
    {},
    h("td", {}, h("a", { href: link(call) }, moment(call.startedAt))),
    h("td", { t: `line.${call.line}` }),
    h("td", {}, call.callerNumber ?? "–"),
    h("td", { class: "number" }, call.durationSeconds === null ? "–" : span(call.durationSeconds)),
    h("td", { class: "number" }, String(call.turnCount)),
    h("td", { class: "number" }, call.latencyMs === null ? "–" : `${call.latencyMs} ms`),
    h("td", {}, outcome(call)),
  );
}

const link = ({ id }) => `#/calls/${encodeURIComponent(id)}`;
