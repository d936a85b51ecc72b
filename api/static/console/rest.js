/**
 * The server's REST routes: the envelope opened, errors named, and the API key, which lives as long as the tab.
 */

const KEPT = "carlos.api-key";

/** Kinds of errors that a key, or another one, may help with. */
export const LOCKED = new Set(["unauthorized", "wrong-key", "forbidden"]);

/**
 * `kind` is one of LOCKED, or missing, unreachable or failed; `values` fill the words for it. `status`, `code` and `faults`
 * are the server's, where it has answered.
 */
export class RestError extends Error {
  constructor(kind, values, { status, code, faults } = {}) {
    super(`${kind} ${values.path}`);
    this.kind = kind;
    this.values = values;
    this.status = status;
    this.code = code;
    this.faults = faults ?? [];
  }
}

export const currentKey = () => sessionStorage.getItem(KEPT);

export function useKey(key) {
  sessionStorage.setItem(KEPT, key);
}

/** The `data` of a route's answer. Raises RestError. */
export async function get(path) {
  const reply = await request(path);
  return (await reply.json()).data;
}

/** A list's `data`, and whether more follows that was not sent. Raises RestError. */
export async function getList(path) {
  const reply = await request(path);
  const next = reply.headers.get("X-Next-Cursor");
  return { data: (await reply.json()).data, more: next !== null, next };
}

/** One thing, and its version. Raises RestError. */
export async function getTagged(path) {
  return tagged(await request(path));
}

/** Write a body, over the version of `etag` alone where there is one: what stands now, and its version. Raises RestError. */
export async function send(method, path, body, etag = null) {
  const headers = { "Content-Type": "application/json", ...(etag && { "If-Match": etag }) };
  return tagged(await request(path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }));
}

export async function post(path) {
  const reply = await request(path, { method: "POST" });
  return (await reply.json()).data;
}

export async function remove(path) {
  await request(path, { method: "DELETE" });
}

/** A body as a URL for an element's `src`, since elements send no key. */
export async function getFile(path) {
  const reply = await request(path);
  return URL.createObjectURL(await reply.blob());
}

/** Server-sent events, each parsed from JSON, to the stream's end. An EventSource could not send the key. */
export async function* follow(path, signal) {
  const reply = await request(path, { signal });
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const messages = (rest + value).split("\n\n");
    rest = messages.pop();
    for (const message of messages) {
      const data = message.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
      if (data.length) yield JSON.parse(data.join("\n"));
    }
  }
}

const tagged = async (reply) => ({ data: (await reply.json()).data, etag: reply.headers.get("ETag") });

async function request(path, options = {}) {
  const key = currentKey();
  const reply = await reach(path, { ...options, headers: { ...options.headers, ...(key && { "X-Api-Key": key }) } });
  if (reply.ok) return reply;
  const body = await reply.json().catch(() => ({}));
  if (reply.status === 401) throw new RestError(body.code === "key_missing" ? "unauthorized" : "wrong-key", { path });
  if (reply.status === 403) throw new RestError("forbidden", { path });
  if (reply.status === 404 && body.success === undefined) throw new RestError("missing", { path });
  const text = body.message ?? body.error ?? reply.statusText;
  throw new RestError("failed", { path, status: reply.status, text }, { ...body, status: reply.status });
}

async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new RestError("unreachable", { path });
  }
}
