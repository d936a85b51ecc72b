/** Sends a request and shows the answer as it comes. */

import { element } from "./dom.js";

const KEPT = "carlos.api-key"; // the console's, too: one key a tab
const MOST_CHARACTERS = 200_000; // shown of an answer
const TOLD = ["ETag", "Location", "X-Next-Cursor", "Retry-After", "Allow", "Content-Type"];

export const key = () => sessionStorage.getItem(KEPT) ?? "";
export const useKey = (given) => (given ? sessionStorage.setItem(KEPT, given) : sessionStorage.removeItem(KEPT));

/** Ask, and fill `place` with what comes; `signal` ends a stream of events. */
export async function send({ method, url, headers, body }, place, signal) {
  const began = performance.now();
  place.replaceChildren(element("p", { role: "status" }, "Asking…"));
  let reply;
  try {
    reply = await fetch(url, { method, headers: { ...headers, ...(key() ? { "X-Api-Key": key() } : {}) }, body, signal });
  } catch (error) {
    if (error.name !== "AbortError") place.replaceChildren(element("p", { class: "alert", role: "alert" }, "The server does not answer."));
    else place.replaceChildren();
    return;
  }
  const took = `${Math.round(performance.now() - began)} ms`;
  const told = TOLD.filter((name) => reply.headers.has(name)).map((name) => element("span", {}, element("code", {}, `${name}: ${reply.headers.get(name)}`)));
  const status = element("span", { class: `status ${reply.ok ? "good" : "bad"}` }, `${reply.status} ${reply.statusText}`);
  place.replaceChildren(element("p", { role: "status" }, status, element("span", {}, took)), element("p", {}, told));
  await show(reply, place);
}

async function show(reply, place) {
  const kind = reply.headers.get("Content-Type") ?? "";
  if (kind.startsWith("audio/") && reply.ok) {
    place.append(element("audio", { controls: true, src: URL.createObjectURL(await reply.blob()) }));
    return;
  }
  const output = element("pre", { tabindex: "0", role: "region", "aria-label": "Answer" });
  place.append(output);
  if (kind.startsWith("text/event-stream")) {
    await followed(reply, output);
    return;
  }
  output.textContent = shortened(pretty(await reply.text()));
}

async function followed(reply, output) {
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      output.append(value);
    }
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    output.append("(stopped)");
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text; // no JSON: as it is
  }
}

function shortened(text) {
  const more = text.length - MOST_CHARACTERS;
  return more > 0 ? `${text.slice(0, MOST_CHARACTERS)}\n… and ${more.toLocaleString("en")} characters more` : text;
}
