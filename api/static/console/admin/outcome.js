/** How a call ended, as a word in a pill; what is not in the dictionary as it is. */

import { h } from "../dom.js";
import { knows } from "../language.js";
import { pill } from "./details.js";

export function outcome({ live, outcome }) {
  const word = live ? "live" : outcome;
  if (word && knows(`outcome.${word}`)) return pill("outcome", word);
  return h("span", { class: "pill" }, word ?? "–");
}
