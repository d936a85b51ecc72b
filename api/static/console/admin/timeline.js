/**
 * Who spoke when, as two lanes. A record has the moment at which a caller's words were understood, about when Sonic was
 * sure of their end, and at which the first of Carlos's had been heard; how long they lasted is estimated from their
 * length. Where a turn has its answer time, the caller's words end so long before Carlos begins.
 */

import { h, svg } from "../dom.js";
import { bind, knows, say } from "../language.js";
import { span } from "../format.js";

const WIDTH = 900;
const LEFT = 64;
const LANES = { caller: 30, carlos: 84 };
const TALL = 30;
const AXIS = 142;
const CHARACTERS_A_SECOND = 15;
const SHORTEST_MS = 350;

export function timeline(call) {
  const bars = layOut(call.turns);
  const end = Math.max((call.durationSeconds ?? 0) * 1000, ...bars.map((bar) => bar.to), 1000);
  const x = (ms) => LEFT + (ms / end) * (WIDTH - LEFT - 8);
  const chart = svg("svg", { class: "timeline", viewBox: `0 0 ${WIDTH} 160`, role: "img" });
  bind(chart, "label", "calls.timeline");
  chart.append(...axis(end, x), ...names());
  for (const bar of bars) chart.append(...drawn(bar, x));
  for (const tool of call.tools) chart.append(dot(tool, x));
  return h("div", { class: "scroller", tabindex: "0", role: "region", label: "calls.timeline" }, chart);
}

/** Bars that do not overlap their own lane: {role, from, to, latency, text, interrupted}. */
export function layOut(turns) {
  const ends = { caller: 0, carlos: 0 };
  let words = null; // of the caller's, the latest
  return turns.map(({ role, text, at_ms, latency_ms, sonic_detected_ms, interrupted }) => {
    const length = Math.max(SHORTEST_MS, (text.length / CHARACTERS_A_SECOND) * 1000);
    const carlos = role === "carlos";
    const answers = carlos && latency_ms !== null && words !== null;
    const earliest = answers ? words.to + (sonic_detected_ms ?? latency_ms) : at_ms - length;
    const from = Math.max(ends[role], earliest, 0);
    const to = Math.max(carlos ? from + length : at_ms, from + SHORTEST_MS);
    ends[role] = to;
    if (answers) endAt(words, from - latency_ms);
    const bar = { role, text, from, to, latency: carlos ? latency_ms : null, interrupted };
    if (!carlos) words = bar;
    return bar;
  });
}

/** The words ended sooner than they were understood: they are moved there, as far as there is room. */
function endAt(words, end) {
  const early = Math.max(0, Math.min(words.to - end, words.from));
  words.from -= early;
  words.to -= early;
}

function drawn({ role, text, from, to, latency, interrupted }, x) {
  const y = LANES[role];
  const width = Math.max(2, x(to) - x(from));
  return [
    latency !== null && svg("rect", { class: "wait", x: x(from - latency), y: y + TALL / 2 - 1, width: Math.max(0, x(from) - x(from - latency)), height: 2 }),
    svg("rect", { class: role, x: x(from), y, width, height: TALL, rx: Math.min(5, width / 2) }, svg("title", {}, text)),
    latency !== null && svg("text", { class: "latency", x: x(from), y: y + TALL + 13 }, `${latency} ms`),
    interrupted && svg("rect", { class: "barge-in", x: x(from) + width - 2, y: LANES.caller, width: 2, height: LANES.carlos + TALL - LANES.caller }),
  ].filter(Boolean);
}

/** When a tool's use began: a record has the moment of its answer. */
export const begun = ({ at_ms, ms }) => Math.max(0, at_ms - ms);

function dot(tool, x) {
  const name = knows(`tool.${tool.name}`) ? say(`tool.${tool.name}`) : tool.name;
  return svg("circle", { class: tool.ok ? "tool" : "tool refused", cx: x(begun(tool)), cy: (LANES.caller + TALL + LANES.carlos) / 2, r: 5 }, svg("title", {}, `${name}, ${tool.ms} ms`));
}

function names() {
  const you = svg("text", { class: "lane", x: 0, y: LANES.caller + TALL / 2 + 4 });
  bind(you, "text", "calls.caller");
  return [you, svg("text", { class: "lane", x: 0, y: LANES.carlos + TALL / 2 + 4 }, "Carlos")];
}

function axis(end, x) {
  const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600].find((seconds) => end / 1000 / seconds <= 10) ?? 1200;
  const marks = Array.from({ length: Math.floor(end / 1000 / step) + 1 }, (_, index) => index * step);
  return marks.flatMap((seconds) => [
    svg("line", { class: "grid", x1: x(seconds * 1000), x2: x(seconds * 1000), y1: 18, y2: AXIS - 12 }),
    svg("text", { class: "axis", x: x(seconds * 1000), y: AXIS + 4, "text-anchor": "middle" }, span(seconds)),
  ]);
}
