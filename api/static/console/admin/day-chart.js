/** Calls a day as bars: those in which something was done, those in which nothing was, those that nobody answered. */

import { h, svg } from "../dom.js";
import { count, date } from "../format.js";
import { bind, say } from "../language.js";
import { noon } from "./days.js";
import { found } from "./findings.js";

const WIDTH = 900;
const HEIGHT = 190;
const LEFT = 40;
const FOOT = 24;
const PARTS = ["served", "nothing", "unanswered"]; // from the bottom up

/** `days` are those of GET /stats, every day of the span. */
export function dayChart(days) {
  const most = Math.max(1, ...days.map(({ calls }) => calls));
  const top = niceAbove(most);
  const step = (WIDTH - LEFT) / days.length;
  const y = (calls) => (HEIGHT - FOOT) * (1 - calls / top) + 6;
  const chart = svg("svg", { class: "day-chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  bind(chart, "label", "today.chart.label", { calls: count(days.reduce((sum, { calls }) => sum + calls, 0)) });
  chart.append(...grid(top, y), ...days.flatMap((day, index) => bar(day, LEFT + index * step, step, y, index)));
  return h("div", {},
    h("div", { class: "scroller", tabindex: "0", role: "region", label: "today.chart" }, chart),
    h("ul", { class: "legend" }, PARTS.map((part) => h("li", { class: part, t: `today.part.${part}` }))),
    h("details", {}, h("summary", { t: "latency.table" }), asTable(days)));
}

function parts({ calls, dispositions }) {
  const unanswered = dispositions.not_answered ?? 0;
  const nothing = dispositions.nothing_done ?? 0;
  return { served: calls - nothing - unanswered, nothing, unanswered };
}

function bar(day, x, step, y, index) {
  const amounts = parts(day);
  const width = Math.max(3, step * 0.68);
  let below = 0;
  const drawn = PARTS.filter((part) => amounts[part]).map((part) => {
    const [from, to] = [below, below + amounts[part]];
    below = to;
    return svg("rect", { class: part, x, y: y(to), width, height: Math.max(1, y(from) - y(to)) },
      svg("title", {}, `${date(noon(day.day))}: ${say(`today.part.${part}`)} ${count(amounts[part])}`));
  });
  if (index % 5 === 4) drawn.push(svg("text", { class: "axis", x: x + width / 2, y: HEIGHT - 4, "text-anchor": "middle" }, day.day.slice(8)));
  return drawn;
}

function grid(top, y) {
  return [0, top / 2, top].flatMap((calls) => [
    svg("line", { class: "grid", x1: LEFT - 4, x2: WIDTH, y1: y(calls), y2: y(calls) }),
    svg("text", { class: "axis", x: LEFT - 8, y: y(calls) + 4, "text-anchor": "end" }, count(calls)),
  ]);
}

/** The next even number of one or two figures, and noughts, that is not below. */
function niceAbove(most) {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(most)) - 1);
  return Math.ceil(most / (2 * power)) * 2 * power;
}

function asTable(days) {
  const heads = ["today.day", "today.calls", ...PARTS.map((part) => `today.part.${part}`)];
  const row = (day) => {
    const amounts = parts(day);
    return h("tr", {},
      h("th", { scope: "row" }, h("a", { href: found({ from: day.day, to: day.day }) }, date(noon(day.day)))),
      h("td", { class: "number" }, count(day.calls)),
      PARTS.map((part) => h("td", { class: "number" }, count(amounts[part]))));
  };
  return h("div", { class: "scroller", tabindex: "0", role: "region", label: "latency.table" }, h("table", { class: "records compact" },
    h("thead", {}, h("tr", {}, heads.map((t) => h("th", { scope: "col", t })))),
    h("tbody", {}, days.filter(({ calls }) => calls).reverse().map(row))));
}
