/** One call: the facts, who spoke when, and every word. */

import { h } from "../dom.js";
import { wordsFor } from "../fault.js";
import { cost, count, moment, span } from "../format.js";
import { getFile, post, RestError } from "../rest.js";
import { entry } from "../talk/transcript.js";
import { factList } from "./details.js";
import { downloadButton } from "./download.js";
import { dispositions, flags } from "./findings.js";
import { outcome, reason } from "./outcome.js";
import { begun, layOut, timeline } from "./timeline.js";

const NEAR_MS = 1500; // a moment and the line of the transcript that it is about

/** `second` is where to look, `back` the list to go back to. */
export function callView(call, { onChange, second = null, back = "#/calls" }) {
  const transcript = h("ol", { class: "transcript" }, story(call).map(line));
  if (second !== null) requestAnimationFrame(() => lookAt(transcript, second));
  return [
    h("p", {}, h("a", { href: back, class: "back", t: "calls.back" })),
    h(
      "div",
      { class: "call-page" },
      h("section", { class: "card" }, heading(call, onChange), call.flags.length > 0 && lookAtThis(call), facts(call), call.recorded && recording(call, second), downloads(call)),
      h("section", { class: "card" }, h("h2", { t: "calls.timeline" }), h("p", { class: "hint", t: "calls.timeline.hint" }), timeline(call)),
      h("section", { class: "card" }, h("h2", { t: "calls.transcript" }), transcript),
    ),
  ];
}

function heading(call, onChange) {
  const hangUp = async () => {
    try {
      await post(`/calls/${encodeURIComponent(call.id)}/hangup`);
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
    }
    onChange();
  };
  return h(
    "header",
    { class: "head" },
    h("h2", { t: ["calls.one", { when: moment(call.startedAt) }] }),
    outcome(call),
    call.disposition && dispositions(call),
    call.live && h("button", { type: "button", class: "danger", t: "calls.hang-up", onclick: hangUp }),
  );
}

function facts(call) {
  const { usage = {}, faults = [] } = call.details;
  const tokens = Object.values(usage).reduce((sum, each) => sum + each, 0);
  return factList([
    ["calls.line", h("span", { t: `line.${call.line}` })],
    ["calls.caller", call.callerNumber && caller(call.callerNumber)],
    ["calls.reason", reason(call)],
    ["calls.duration", call.durationSeconds === null ? null : span(call.durationSeconds)],
    ["calls.on-hold", call.details.on_hold_s ? span(call.details.on_hold_s) : null],
    ["calls.turns", count(call.turns.length)],
    ["calls.interruptions", count(call.interruptions)],
    ["calls.usage", tokens ? count(tokens) : null],
    ["calls.cost", call.cost ? cost(call.cost.usd) : null],
    ["calls.faults", faults.length ? h("ul", {}, faults.map(fault)) : null],
  ]);
}

/** What whoever runs the server needs to know of it is beneath. */
const fault = (text) => h("li", {}, h("span", { t: wordsFor(text) }), h("small", {}, text));

function lookAtThis(call) {
  return h("p", { class: "to-look-at" }, h("span", { class: "hint", t: "calls.flags" }), flags(call));
}

/** A masked number is nobody's to look for. */
function caller(number) {
  return number.startsWith("+") ? h("a", { href: `#/customer/${encodeURIComponent(number)}` }, number) : number;
}

/** Fetched only when it is asked for: it is long, and an element cannot send a key. It begins at a flag's second. */
function recording(call, second) {
  const button = h("button", { type: "button", class: "quiet", t: "calls.recording", onclick: async () => {
    const source = await getFile(`/calls/${encodeURIComponent(call.id)}/audio`);
    const player = h("audio", { controls: true, src: source, label: "calls.recording" });
    player.addEventListener("loadedmetadata", () => (player.currentTime = second ?? 0), { once: true });
    button.replaceWith(player);
    player.focus();
  } });
  return button;
}

function downloads(call) {
  const id = encodeURIComponent(call.id);
  return h("div", { class: "row downloads" },
    downloadButton("calls.download.transcript", () => `/calls/${id}/transcript`, `${call.id}.txt`),
    call.recorded && downloadButton("calls.download.recording", () => `/calls/${id}/audio`, `${call.id}.wav`));
}

/** Bring what was said about then into view, mark it, and have the player go there if it is open already. */
function lookAt(transcript, second) {
  const lines = [...transcript.children];
  const at = lines.findLast((each) => Number(each.dataset.at) <= second * 1000 + NEAR_MS) ?? lines[0];
  if (!at) return;
  at.classList.add("looked-at");
  at.tabIndex = -1;
  at.scrollIntoView({ block: "center" });
  at.focus({ preventScroll: true });
}

/** Turns and tools in the order in which they began, `from`; a turn begins where it does in the drawing. */
function story({ turns, tools }) {
  const bars = layOut(turns);
  return [
    ...turns.map((turn, index) => ({ ...turn, kind: turn.role, from: bars[index].from })),
    ...tools.map((tool) => ({ ...tool, kind: "tool", from: begun(tool) })),
  ].sort((a, b) => a.from - b.from);
}

function line(happening) {
  const element = entry(item(happening));
  element.dataset.at = happening.at_ms;
  element.prepend(h("time", { class: "at" }, span(happening.from / 1000)));
  const ms = happening.latency_ms;
  if (ms) element.querySelector(".who").append(h("span", { class: "ms", t: ["calls.answered-after", { ms }] }));
  return element;
}

function item(happening) {
  if (happening.kind === "caller") return { ...happening, name: "calls.caller" };
  if (happening.kind === "tool") return happening;
  const part = { planned: happening.text, heard: happening.text, cut: happening.interrupted };
  return { kind: "carlos", parts: [part], open: false };
}
