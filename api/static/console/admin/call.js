/** One call: the facts, who spoke when, and every word. */

import { h } from "../dom.js";
import { cost, count, moment, span } from "../format.js";
import { getFile, post, RestError } from "../rest.js";
import { entry } from "../talk/transcript.js";
import { factList } from "./details.js";
import { outcome } from "./outcome.js";
import { layOut, timeline } from "./timeline.js";

export function callView(call, onChange) {
  return [
    h("p", {}, h("a", { href: "#/calls", class: "back", t: "calls.back" })),
    h(
      "div",
      { class: "call-page" },
      h("section", { class: "card" }, heading(call, onChange), facts(call), call.recorded && recording(call)),
      h("section", { class: "card" }, h("h2", { t: "calls.timeline" }), h("p", { class: "hint", t: "calls.timeline.hint" }), timeline(call)),
      h("section", { class: "card" }, h("h2", { t: "calls.transcript" }), h("ol", { class: "transcript" }, story(call).map(line))),
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
    call.live && h("button", { type: "button", class: "danger", t: "calls.hang-up", onclick: hangUp }),
  );
}

function facts(call) {
  const { usage = {}, faults = [] } = call.details;
  const tokens = Object.values(usage).reduce((sum, each) => sum + each, 0);
  return factList([
    ["calls.line", h("span", { t: `line.${call.line}` })],
    ["calls.caller", call.callerNumber],
    ["calls.duration", call.durationSeconds === null ? null : span(call.durationSeconds)],
    ["calls.turns", count(call.turns.length)],
    ["calls.interruptions", count(call.interruptions)],
    ["calls.usage", tokens ? count(tokens) : null],
    ["calls.cost", call.cost ? cost(call.cost.usd) : null],
    ["calls.faults", faults.length ? faults.join("; ") : null],
  ]);
}

/** Fetched only when it is asked for: it is long, and an element cannot send a key. */
function recording(call) {
  const button = h("button", { type: "button", class: "quiet", t: "calls.recording", onclick: async () => {
    const source = await getFile(`/calls/${encodeURIComponent(call.id)}/audio`);
    button.replaceWith(h("audio", { controls: true, src: source, label: "calls.recording" }));
  } });
  return button;
}

/** Turns and tools in the order they happened; `from` is where the drawing has a turn begin. */
function story({ turns, tools }) {
  const bars = layOut(turns);
  return [
    ...turns.map((turn, index) => ({ ...turn, kind: turn.role, from: bars[index].from })),
    ...tools.map((tool) => ({ ...tool, kind: "tool" })),
  ].sort((a, b) => a.at_ms - b.at_ms);
}

function line(happening) {
  const element = entry(item(happening));
  element.prepend(h("time", { class: "at" }, span((happening.from ?? happening.at_ms) / 1000)));
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
