/** A short word that something was done, seen and read out, gone by itself. */

import { byId } from "../dom.js";
import { bind } from "../language.js";

const SHOWN_MS = 4000;
let timer = null;

export function announce(key, values) {
  const place = byId("announce");
  bind(place, "text", key, values);
  place.classList.add("shown");
  clearTimeout(timer);
  timer = setTimeout(() => place.classList.remove("shown"), SHOWN_MS);
}
