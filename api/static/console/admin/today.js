/** The morning after: what today's calls came to, beside the last thirty days. */

import { h } from "../dom.js";
import { cost, count, date } from "../format.js";
import { dayChart } from "./day-chart.js";
import { addDays, noon, today } from "./days.js";
import { DISPOSITIONS, FLAGS, found, outcomeWord } from "./findings.js";
import { Page } from "./page.js";

const DAYS = 30;
const NOTHING = new Set(["nothing_done", "not_answered"]);

export class Today extends Page {
  constructor(root) {
    super(root, "today.title");
  }

  open() {
    return this.load("/stats");
  }

  draw({ days, total, callbacksOpen }) {
    const day = today();
    const now = days.find((each) => each.day === day) ?? nothing(total);
    const both = { now, all: total, day, first: addDays(day, 1 - DAYS) };
    return [
      h("p", { class: "period" }, date(noon(day))),
      figures(both, callbacksOpen),
      h("section", { class: "card" }, h("h2", { t: "today.chart" }), dayChart(everyDay(days, both, total))),
      h("div", { class: "columns" },
        table("today.done", DISPOSITIONS.filter((kind) => !NOTHING.has(kind)), both, "done", (disposition) => ({ disposition }), (kind) => h("span", { t: `disposition.${kind}` })),
        table("today.ended", Object.keys(total.ended), both, "ended", (outcome) => ({ outcome, unserved: true }), outcomeWord),
        table("today.flags", FLAGS, both, "flags", (flag) => ({ flag }), (flag) => h("span", { t: `flag.${flag}` }))),
    ];
  }
}

function figures({ now, all, day, first }, callbacksOpen) {
  const span = { from: day, to: day };
  const month = { from: first, to: day };
  return h("dl", { class: "figures" },
    figure("today.calls", number(now.calls, span), number(all.calls, month)),
    figure("today.answered", share(now), share(all)),
    figure("today.served", served(now), served(all)),
    figure("today.transfers", taken(now), taken(all)),
    figure("today.callbacks", count(callbacksOpen), null),
    figure("today.minutes", count(Math.round(now.minutes)), count(Math.round(all.minutes))),
    figure("today.cost", cost(cents(now.cost.usd)), cost(cents(all.cost.usd))),
    figure("today.latency", latency(now), latency(all)),
    figure("today.faults", number(now.faults, { ...span, fault: "true" }), number(all.faults, { ...month, fault: "true" })));
}

function figure(name, value, all) {
  return h("div", { class: "card figure" },
    h("dt", { t: name }),
    h("dd", { class: "value" }, value),
    all === null ? null : h("dd", { class: "hint" }, h("span", { t: "today.thirty" }), " ", all));
}

/** A number, which leads to its calls where there are any. */
function number(value, asked) {
  return value ? h("a", { href: found(asked) }, count(value)) : "0";
}

const cents = (usd) => Math.round(100 * usd) / 100;
const percent = (part, whole) => (whole ? `${Math.round((100 * part) / whole)} %` : "–");
const share = ({ answered, calls }) => percent(answered, calls);
const served = ({ dispositions, calls }) => percent(calls - (dispositions.nothing_done ?? 0) - (dispositions.not_answered ?? 0), calls);
const taken = ({ transfers, done }) => `${count(done.transferred ?? 0)} / ${count(transfers)}`;
const latency = (day) => (day.latency_p50_ms === null ? "–" : `${seconds(day.latency_p50_ms)} · ${seconds(day.latency_p95_ms)}`);
const seconds = (ms) => `${(ms / 1000).toLocaleString(document.documentElement.lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 })} s`;

/** What there was of each kind, today and in thirty days; a number leads to the calls, which `search(kind)` finds. */
function table(title, kinds, { now, all, day, first }, part, search, word) {
  const there = kinds.filter((kind) => all[part][kind]);
  const cell = (days, kind, span) => number(days[part][kind] ?? 0, { ...search(kind), ...span });
  const row = (kind) => h("tr", {},
    h("th", { scope: "row" }, word(kind)),
    h("td", { class: "number" }, cell(now, kind, { from: day, to: day })),
    h("td", { class: "number" }, cell(all, kind, { from: first, to: day })));
  const head = h("tr", {}, h("td"), h("th", { scope: "col", t: "today.today" }), h("th", { scope: "col", t: "today.thirty" }));
  return h("section", { class: "card" },
    h("h2", { t: title }),
    there.length ? h("table", { class: "records compact" }, h("thead", {}, head), h("tbody", {}, there.map(row))) : h("p", { class: "hint", t: "admin.none" }));
}

/** Thirty days, those without calls too. */
function everyDay(days, { first }, total) {
  const known = new Map(days.map((each) => [each.day, each]));
  return Array.from({ length: DAYS }, (_, index) => addDays(first, index)).map((day) => known.get(day) ?? { ...nothing(total), day });
}

/** A day without calls. */
function nothing(total) {
  const zero = (value) => (typeof value === "number" ? 0 : value);
  const cleared = Object.fromEntries(Object.entries(total).map(([name, value]) => [name, zero(value)]));
  return { ...cleared, dispositions: {}, done: {}, ended: {}, flags: {}, cost: { usd: 0 }, latency_p50_ms: null, latency_p95_ms: null };
}
