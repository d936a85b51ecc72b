// The API's description as a page: read from /openapi.json, tried out with fetch, nothing from elsewhere.
"use strict";

const KEY = "carlos-api-key"; // for this tab only
const $ = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

// Text in which `this` is code.
function prose(text) {
  return text.split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part));
}

function headers(more = {}) {
  const key = sessionStorage.getItem(KEY);
  return key ? { ...more, "X-Api-Key": key } : more;
}

function typeOf(schema) {
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.type === "array") return `list of ${typeOf(schema.items)}`;
  return schema.format || schema.type || "any";
}

function table(rows) {
  const body = rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, cell))));
  return element("table", {}, ...body);
}

function bodyModel(description, operation) {
  const schema = operation.requestBody?.content["application/json"].schema;
  return schema && description.components.schemas[typeOf(schema)];
}

async function attempt(method, path, form, output) {
  const query = new URLSearchParams();
  const sent = {};
  let body;
  let target = path;
  for (const field of form.querySelectorAll("[data-in]")) {
    if (!field.value) continue;
    if (field.dataset.in === "path") target = target.replace(`{${field.name}}`, encodeURIComponent(field.value));
    if (field.dataset.in === "query") query.set(field.name, field.value);
    if (field.dataset.in === "header") sent[field.name] = field.value;
    if (field.dataset.in === "body") { body = field.value; sent["Content-Type"] = "application/json"; }
  }
  const url = query.size ? `${target}?${query}` : target;
  const response = await fetch(url, { method: method.toUpperCase(), headers: headers(sent), body });
  const text = await response.text();
  let shown = text;
  try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: shown as it is */ }
  const tag = response.headers.get("ETag");
  output.textContent = `${response.status} ${response.statusText}${tag ? `  ETag: ${tag}` : ""}\n\n${shown}`;
}

function operationBlock(description, path, method, operation) {
  const output = element("pre", { hidden: true });
  const parameters = operation.parameters || [];
  const form = element("form");
  form.append(table(parameters.map((each) => {
    const input = element("input", { name: each.name });
    input.dataset.in = each.in;
    return [element("code", {}, each.name), input, typeOf(each.schema), element("span", {}, ...prose(each.description || ""))];
  })));
  const model = bodyModel(description, operation);
  if (model) {
    form.append(table(Object.entries(model.properties).map(([name, schema]) => [
      element("code", {}, name), typeOf(schema), (model.required || []).includes(name) ? "required" : "", schema.description || "",
    ])));
    const text = element("textarea", { rows: 10, value: JSON.stringify(model.example ?? {}, null, 2) });
    text.dataset.in = "body";
    form.append(text);
  }
  form.append(element("button", {}, "Send"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    output.hidden = false;
    attempt(method, path, form, output).catch((error) => { output.textContent = String(error); });
  });
  const line = element("summary", {}, element("span", { className: `method ${method}` }, method), element("code", {}, path), operation.summary || "");
  return element("details", {}, line, element("p", {}, ...prose(operation.description || "")), form,
    element("p", {}, `Answers: ${Object.keys(operation.responses).join(", ")}`), output);
}

async function show() {
  const response = await fetch("/openapi.json", { headers: headers() });
  if (!response.ok) {
    $("about").textContent = "Enter an API key with the scope read to see the description.";
    return;
  }
  const description = await response.json();
  $("about").replaceChildren(...prose(description.info.description));
  const groups = new Map();
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags?.[0] ?? "other";
      if (!groups.has(tag)) groups.set(tag, element("section", {}, element("h2", {}, tag)));
      groups.get(tag).append(operationBlock(description, path, method, operation));
    }
  }
  $("operations").replaceChildren(...groups.values());
}

$("key").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, event.target.elements.key.value);
  show();
});
show();
