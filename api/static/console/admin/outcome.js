/** How a call ended: as a word in a pill, and in a sentence. */

import { h } from "../dom.js";
import { knows } from "../language.js";
import { pill } from "./details.js";

export function outcome({ live, outcome }) {
  const word = live ? "live" : outcome;
  if (!word) return h("span", { class: "pill" }, "–");
  if (knows(`outcome.${word}`)) return pill("outcome", word);
  return h("span", { class: "pill", title: word, t: "outcome.other" });
}

/** The reason that the record gives; null while the call goes on, and for one that has none. */
export function reason({ live, details: { ended_by: by, end_reason: why } }) {
  if (live || !why) return null;
  const key = [`reason.${why}.${by}`, `reason.${why}`].find(knows);
  return h("span", { t: key ?? "outcome.other", title: key ? null : why });
}
