/**
 * A conversation over a reload: what the page that is left keeps in its tab, and the next one in that tab takes.
 *
 *   {token, items, began, speaks}   began: ms since 1970
 */

const KEY = "carlos.conversation";
const LONGEST_MS = 60_000; // as long as the server keeps the call: telephony/browser/resumption.py

export function keep(kept) {
  sessionStorage.setItem(KEY, JSON.stringify({ ...kept, at: Date.now() }));
}

/** What was kept, once; `token` is empty where it is too late to go on with the call. Null if there is nothing. */
export function takeKept() {
  const text = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  if (text === null) return null;
  const kept = JSON.parse(text);
  return Date.now() - kept.at < LONGEST_MS ? kept : { ...kept, token: "" };
}
