/** What a call came to, and what of it to look at: as words in pills. */

import { h } from "../dom.js";
import { span } from "../format.js";
import { knows } from "../language.js";
import { pill } from "./details.js";

export const DISPOSITIONS = [
  "booked", "ordered", "moved", "cancelled", "other_done", "transferred", "call_back", "looked_up", "answered", "nothing_done", "not_answered",
];
export const FLAGS = ["dead_air", "asked_twice", "refused_proof", "barge_ins", "gave_up"];
export const OUTCOMES = [
  "completed", "caller_left", "transferred", "inactivity", "too_long", "held_too_long", "voicemail", "failed", "dropped", "lost", "closed", "drained",
];

/** All that a call came to; a dash while it goes on. */
export function dispositions({ disposition, done }) {
  if (!disposition) return "–";
  const kinds = Object.entries(done);
  if (!kinds.length) return pill("disposition", disposition);
  return h("span", { class: "pills" }, kinds.map(([kind, count]) =>
    h("span", { class: `pill ${kind}` }, h("span", { t: `disposition.${kind}` }), count > 1 && ` × ${count}`)));
}

/** Each flag leads to its moment in the call. */
export function flags(call) {
  return h("span", { class: "pills" }, call.flags.map(({ flag, at_ms }) =>
    h("a", { class: `pill flag ${flag}`, href: `#/calls/${encodeURIComponent(call.id)}/${Math.floor(at_ms / 1000)}` },
      h("span", { t: `flag.${flag}` }), ` ${span(Math.floor(at_ms / 1000))}`)));
}

/** The page of the calls that have this: an object of the parameters of GET /calls. */
export const found = (asked) => `#/calls/find/${encodeURIComponent(new URLSearchParams(asked).toString())}`;

/** The dictionary's word for an outcome, or the outcome. */
export const outcomeWord = (outcome) => (knows(`outcome.${outcome}`) ? h("span", { t: `outcome.${outcome}` }) : outcome);
