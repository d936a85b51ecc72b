/** The response time of each turn as bars, and as a table for who cannot see them. */

import { h, svg } from "../dom.js";
import { bind, languages } from "../language.js";

const WIDTH = 320;
const HEIGHT = 132;
const LEFT = 42;
const BOTTOM = 18;
const TOP = 14;
const WIDEST = 34;

export class LatencyChart {
  constructor(root) {
    this.root = root;
    this.turns = [];
    this.draw();
    languages.addEventListener("change", () => this.draw());
  }

  add(ms) {
    this.turns.push(ms);
    this.draw();
  }

  clear() {
    this.turns = [];
    this.draw();
  }

  draw() {
    if (!this.turns.length) {
      this.root.replaceChildren(h("p", { class: "empty", t: "latency.empty" }));
      return;
    }
    const open = this.root.querySelector("details")?.open ?? false;
    this.root.replaceChildren(figure(this.turns), table(this.turns, open));
  }
}

function figure(turns) {
  const top = ceiling(Math.max(...turns));
  const y = (ms) => HEIGHT - BOTTOM - (ms / top) * (HEIGHT - BOTTOM - TOP);
  const slot = Math.min(WIDEST + 12, (WIDTH - LEFT) / turns.length);
  const chart = svg("svg", { class: "bars", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  bind(chart, "label", "latency.summary", { count: turns.length, median: median(turns) });
  for (const ms of [0, top / 2, top]) {
    chart.append(
      svg("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y(ms), y2: y(ms) }),
      svg("text", { class: "axis", x: LEFT - 6, y: y(ms) + 3.5, "text-anchor": "end" }, seconds(ms)),
    );
  }
  turns.forEach((ms, index) => chart.append(...bar(ms, index, LEFT + slot * (index + 0.5), Math.min(WIDEST, slot * 0.7), y)));
  return chart;
}

function bar(ms, index, x, width, y) {
  const labelled = width > 15;
  return [
    svg("rect", {
      class: pace(ms), x: x - width / 2, y: y(ms), width, height: Math.max(1, HEIGHT - BOTTOM - y(ms)), rx: Math.min(4, width / 3),
    }),
    labelled && svg("text", { class: "value", x, y: y(ms) - 4, "text-anchor": "middle" }, String(ms)),
    labelled && svg("text", { class: "axis", x, y: HEIGHT - 5, "text-anchor": "middle" }, String(index + 1)),
  ].filter(Boolean);
}

function table(turns, open) {
  return h(
    "details",
    { open },
    h("summary", { t: "latency.table" }),
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col", t: "latency.turn" }), h("th", { scope: "col", t: "latency.ms" }))),
      h("tbody", {}, turns.map((ms, index) => h("tr", {}, h("td", {}, String(index + 1)), h("td", {}, String(ms))))),
    ),
  );
}

/** People take turns with gaps of 0.2 s; beyond a second they wonder, beyond two they speak again. */
const pace = (ms) => (ms <= 1000 ? "quick" : ms <= 2000 ? "slow" : "late");
const ceiling = (ms) => [500, 1000, 2000, 3000, 5000, 10000].find((each) => each >= ms) ?? 30000;
const seconds = (ms) => `${ms / 1000} s`;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : Math.round((sorted[middle - 1] + sorted[middle]) / 2);
}
