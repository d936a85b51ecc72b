/** A request as curl and as Python have it. The key is a variable of the shell's: a sample may be passed on. */

const KEY = "CARLOS_API_KEY";

/** `asked` is {method, url, headers, body, open}; `body` is text. */
export const LANGUAGES = { curl, Python: python };

function curl({ method, url, headers, body, open }) {
  const verb = method === "GET" || (method === "POST" && body) ? "" : ` -X ${method}`;
  const lines = [`curl${verb} ${quoted(location.origin + url)}`];
  if (!open) lines.push(`-H "X-Api-Key: $${KEY}"`);
  for (const [name, value] of Object.entries(headers)) lines.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (body) lines.push(`-d ${quoted(body)}`);
  return lines.join(" \\\n  ");
}

function python({ method, url, headers, body, open }) {
  const sent = Object.entries(headers).filter(([name]) => name !== "Content-Type");
  const lines = [...(open ? [] : ["import os"]), "import httpx", "", "answer = httpx.request("];
  lines.push(`    ${JSON.stringify(method)},`, `    ${JSON.stringify(location.origin + url)},`);
  const given = [...(open ? [] : [`"X-Api-Key": os.environ["${KEY}"]`]), ...sent.map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`)];
  if (given.length) lines.push(`    headers={${given.join(", ")}},`);
  if (body) lines.push(`    json=${literal(body)},`);
  return [...lines, ")", "answer.raise_for_status()", "print(answer.text)"].join("\n");
}

function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** JSON as a literal of Python; as it is, where it is not whole yet. */
function literal(text) {
  try {
    return pythonOf(JSON.parse(text));
  } catch {
    return text;
  }
}

function pythonOf(value) {
  if (Array.isArray(value)) return `[${value.map(pythonOf).join(", ")}]`;
  if (value && typeof value === "object") {
    return `{${Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${pythonOf(each)}`).join(", ")}}`;
  }
  if (value === null) return "None";
  return typeof value === "boolean" ? (value ? "True" : "False") : JSON.stringify(value);
}
