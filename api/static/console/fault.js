/** What failed in a call, in words: a record has it as "SonicLost: what the service said". */

import { knows } from "./language.js";

/** The key of the words for a fault. */
export function wordsFor(fault) {
  const key = `fault.${/^\w*/.exec(fault)[0]}`;
  return knows(key) ? key : "fault.other";
}
