/** Calls: who is on the line now, those that are looked for, and each one on a page of its own. */

import { h } from "../dom.js";
import { count, recent, span } from "../format.js";
import { getList, RestError } from "../rest.js";
import { callSearch } from "./call-search.js";
import { callView } from "./call.js";
import { downloadButton } from "./download.js";
import { dispositions, flags, found } from "./findings.js";
import { outcome } from "./outcome.js";
import { Page } from "./page.js";
import { Windowed } from "./windowed.js";

const FRESH_MS = 3000; // between two looks at the live calls
const LOOK = "/calls?limit=50";
const FRESH_ROWS = 200; // among which one is looked for that has just ended
const COLUMNS = [
  { name: "when", t: "calls.when" },
  { name: "caller", t: "calls.caller" },
  { name: "came-to", t: "calls.disposition" },
  { name: "flags", t: "calls.flags" },
  { name: "duration", t: "calls.duration" },
  { name: "turns", t: "calls.turns", minor: true },
  { name: "latency", t: "calls.latency", minor: true },
  { name: "outcome", t: "calls.outcome", minor: true },
];

export class Calls extends Page {
  constructor(root) {
    super(root, "calls.title");
    this.asked = {};
    this.isWindowed = true; // more comes as one scrolls
  }

  /** One call by its id, at a second of it; or "find" and what is looked for; or all. */
  async open(id, detail) {
    this.close();
    this.id = id === "find" ? undefined : id;
    this.second = this.id && detail !== undefined ? Number(detail) : null;
    if (!this.id) this.asked = id === "find" ? Object.fromEntries(new URLSearchParams(detail ?? "")) : {};
    await this.load(this.where());
    clearInterval(this.timer);
    if (Object.keys(this.asked).length) this.keepFresh(); // who is on the line is not among those that are looked for
    if (this.isOpen) this.timer = setInterval(() => this.keepFresh(), FRESH_MS);
  }

  close() {
    clearInterval(this.timer);
    super.close();
  }

  where() {
    return this.id ? `/calls/${encodeURIComponent(this.id)}` : `/calls?${this.query()}`;
  }

  query() {
    return new URLSearchParams(this.asked).toString();
  }

  /** Look for other calls; the form stays as it is, with whoever types in it, unless it is emptied. */
  async search(asked, isNew = false) {
    this.asked = asked;
    history.replaceState(null, "", Object.keys(asked).length ? found(asked) : "#/calls");
    this.path = this.where();
    this.kept = isNew ? null : this.form;
    await this.refresh();
    this.kept = null;
    this.keepFresh();
  }

  /** Only what changes is fetched again, and never under somebody's hands. */
  keepFresh() {
    if (document.hidden) return;
    if (!this.id) this.look();
    else if (this.data?.live && !this.root.querySelector("details[open], audio")) this.refresh();
  }

  /** Who is on the line now, and who has hung up since. */
  async look() {
    try {
      const { data } = await getList(LOOK);
      if (this.isOpen && !this.id && this.data !== undefined) this.tell(data);
    } catch (error) {
      if (!(error instanceof RestError)) throw error; // the next look tells whether it is still so
    }
  }

  tell(newest) {
    this.live.replaceChildren(...liveCalls(newest.filter((call) => call.live)));
    if (Object.keys(this.asked).length) return;
    const known = this.table?.items.slice(0, FRESH_ROWS) ?? [];
    const ids = new Set(known.map(({ id }) => id));
    const fresh = newest.filter((call) => !call.live && !ids.has(call.id) && call.startedAt >= (known.at(-1)?.startedAt ?? ""));
    if (!fresh.length) return;
    if (this.table) this.table.prepend(fresh);
    else this.refresh();
  }

  redraw() {
    const drawn = JSON.stringify([this.id ? this.data : null, document.documentElement.lang]);
    if (this.id && drawn === this.drawn && this.root.querySelector(".call-page")) return;
    this.drawn = drawn;
    const focused = document.activeElement;
    super.redraw();
    if (focused !== document.body && focused?.isConnected) focused.focus(); // a form that was put in again has lost it
  }

  draw(data) {
    if (this.id) return callView(data, { onChange: () => this.refresh(), second: this.second, back: this.back() });
    this.form = this.kept ?? callSearch(this.asked, (asked, isNew) => this.search(asked, isNew));
    this.live = h("div", { class: "on-the-line" }, liveCalls(data.filter((call) => call.live)));
    return [h("h2", { t: "calls.live" }), this.live, h("h2", { t: "calls.past" }), this.form, ...this.list(data)];
  }

  list(data) {
    const past = data.filter((call) => !call.live);
    this.table = null;
    if (!past.length && !this.more) return [h("p", { class: "hint", role: "status", t: "admin.none" })];
    let next = this.next;
    const path = this.path;
    const counted = h("p", { class: "hint", role: "status" });
    const more = async () => {
      if (!next) return null;
      const reply = await getList(`${path}&cursor=${encodeURIComponent(next)}`);
      next = reply.next;
      return reply.data.filter((call) => !call.live);
    };
    this.table = new Windowed({ label: "calls.title", columns: COLUMNS, row, more: next && more });
    this.table.onTrouble = ({ kind, values }) => counted.replaceChildren(h("span", { t: [`admin.${kind}`, values] }));
    this.table.onCount = (shown, isAll) => counted.replaceChildren(h("span", { t: [isAll ? "calls.count" : "calls.count-so-far", { shown: count(shown) }] }));
    this.table.set(past);
    return [this.table.element, h("div", { class: "under" }, counted, downloadButton("calls.csv", () => `/calls.csv?${this.query()}`, "calls.csv"))];
  }

  back() {
    return Object.keys(this.asked).length ? found(this.asked) : "#/calls";
  }
}

function liveCalls(live) {
  return live.length ? [h("ul", { class: "live" }, live.map(liveCard))] : [h("p", { class: "hint live", t: "calls.none-live" })];
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

function row(call) {
  return [
    h("td", {}, h("a", { href: link(call) }, recent(call.startedAt))),
    h("td", {}, call.callerNumber ?? h("span", { t: `line.${call.line}` })),
    h("td", {}, dispositions(call)),
    h("td", {}, flags(call)),
    h("td", { class: "number" }, call.durationSeconds === null ? "–" : span(call.durationSeconds)),
    h("td", { class: "number" }, String(call.turnCount)),
    h("td", { class: "number" }, call.latencyMs === null ? "–" : `${call.latencyMs} ms`),
    h("td", {}, outcome(call)),
  ];
}

const link = ({ id }) => `#/calls/${encodeURIComponent(id)}`;
