/** One route: what it takes, what it answers, how it fails, and a way to try it. */

import { element, newId, prose } from "./dom.js";
import { LANGUAGES } from "./samples.js";
import { ANSWERED, ASKED, choices, fields, folded, resolve, typeOf } from "./schema.js";
import { send } from "./send.js";

const language = { chosen: "curl" };

/** The route's id in the page, which its links name. */
export const idOf = (method, path) => `${method}${path.replaceAll("/", "-").replace(/[{}]/g, "")}`;

/** A box that is filled when it is opened. */
export function operationBox(description, path, method, operation) {
  const heading = element("h3", {},
    element("span", { class: `method ${method}` }, method),
    element("code", { class: "path" }, path),
    element("span", { class: "hint" }, operation.summary ?? ""));
  const box = element("details", { class: "operation", id: idOf(method, path) }, element("summary", {}, heading));
  box.addEventListener("toggle", () => {
    if (box.open && box.childElementCount === 1) box.append(content(description, path, method, operation));
  });
  return box;
}

function content(description, path, method, operation) {
  const [status, success] = Object.entries(operation.responses).find(([each]) => each.startsWith("2"));
  const scopes = (operation["x-scopes"] ?? []).map((scope) => element("span", { class: "pill scopes" }, scope));
  return element("div", { class: "body" },
    element("div", { class: "told" },
      element("p", {}, prose(operation.description ?? operation.summary ?? "")),
      element("p", { class: "hint" }, scopes.length ? ["A key needs the scope ", scopes] : "Open to everybody: no key is asked for.")),
    trial(description, path, method, operation),
    element("div", {},
      element("h4", {}, `Answer: ${status}`),
      answered(description, success),
      element("h4", {}, "What can go wrong"),
      failures(operation)));
}

function answered(description, success) {
  const [kind, { schema }] = Object.entries(success.content ?? { "nothing": { schema: {} } })[0];
  if (kind !== "application/json") return element("p", {}, element("code", {}, kind));
  const { schema: model } = resolve(description, schema);
  const data = model.properties?.data;
  if (!data) return fields(description, schema, ANSWERED);
  return element("div", {}, element("p", { class: "hint" }, element("code", {}, "data"), ` is ${typeOf(data)}:`), fields(description, data, ANSWERED));
}

function failures(operation) {
  const rows = Object.entries(operation.responses).filter(([status]) => !status.startsWith("2")).map(([status, said]) => {
    const codes = Object.entries(said["x-codes"] ?? {}).flatMap(([code, meaning]) => [
      element("dt", {}, element("code", {}, code)), element("dd", {}, prose(meaning)),
    ]);
    return element("tr", {}, element("th", { scope: "row" }, status),
      element("td", {}, prose(said.description ?? ""), codes.length ? element("dl", {}, codes) : null));
  });
  if (!rows.length) return element("p", { class: "hint" }, "Nothing that has an answer of its own.");
  return element("table", { class: "failures" }, element("tbody", {}, rows));
}

/** The form, the same request as a program sends it, and the answer. */
function trial(description, path, method, operation) {
  const parameters = operation.parameters ?? [];
  const { schema: model, name } = resolve(description, operation.requestBody?.content["application/json"].schema);
  const example = name ? JSON.stringify(model.example ?? {}, null, 2) : "";
  const answer = element("div", { class: "answer" });
  const stop = element("button", { type: "button", class: "quiet", hidden: true }, "Stop");
  const form = element("form", { novalidate: true },
    parameters.map(parameterField),
    name ? bodyField(description, name, model, example) : null,
    element("div", { class: "row" },
      element("button", { type: "submit", class: method === "delete" ? "danger" : "primary" }, "Send"), stop,
      method === "get" ? null : element("span", { class: "hint" }, "This is carried out: the records are the server's own.")));
  const asked = () => request(method, path, operation, form);
  const sample = samples(asked);
  form.addEventListener("input", sample.update);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (missing(form)) return;
    const ending = new AbortController();
    stop.hidden = !("text/event-stream" in (operation.responses["200"]?.content ?? {}));
    stop.onclick = () => ending.abort();
    await send(asked(), answer, ending.signal);
    stop.hidden = true;
  });
  return element("div", {}, element("h4", {}, "Try it"), form, sample.element, answer);
}

/** The first field that must be filled and is not, focused; or null. */
function missing(form) {
  const empty = [...form.querySelectorAll("[required]")].find((field) => !field.value);
  for (const field of form.querySelectorAll("[required]")) field.setAttribute("aria-invalid", String(!field.value));
  empty?.focus();
  return empty ?? null;
}

function parameterField(parameter) {
  const id = newId();
  const { name, schema, description: about = "", required = false } = parameter;
  const example = schema.examples?.[0] ?? "";
  const filled = required && parameter.in !== "header" ? example : null; // which version is replaced is for a person to say
  const values = choices(schema);
  const shared = { id, name, "data-in": parameter.in, required, "aria-describedby": about ? `${id}-about` : null };
  const control = values
    ? element("select", shared, ["", ...values].map((value) => element("option", { value }, value || "any")))
    : element("input", { ...shared, placeholder: filled === null ? example : null, autocomplete: "off", spellcheck: "false", value: filled });
  return element("div", { class: "field" },
    element("label", { for: id }, element("code", {}, name), values ? null : element("span", { class: "type" }, typeOf(schema)), required ? element("span", { class: "must" }, "required") : null),
    control,
    about ? element("small", { id: `${id}-about` }, prose(about)) : null);
}

function bodyField(description, name, model, example) {
  const id = newId();
  const area = element("textarea", { id, "data-in": "body", required: true, spellcheck: "false", rows: String(Math.min(16, example.split("\n").length + 1)) });
  area.value = example;
  return element("div", { class: "field" },
    element("label", { for: id }, element("code", {}, name), element("span", { class: "type" }, "the body, JSON")),
    area, folded("Its fields", () => fields(description, model, ASKED)));
}

/** What the form asks for. */
function request(method, path, operation, form) {
  const query = new URLSearchParams();
  const headers = {};
  let url = path;
  let body;
  for (const field of form.querySelectorAll("[data-in]")) {
    const { value, name } = field;
    if (field.dataset.in === "path") url = url.replace(`{${name}}`, value ? encodeURIComponent(value) : `{${name}}`);
    else if (!value) continue;
    else if (field.dataset.in === "query") query.set(name, value);
    else if (field.dataset.in === "header") headers[name] = value;
    else [body, headers["Content-Type"]] = [value, "application/json"];
  }
  return { method: method.toUpperCase(), url: query.size ? `${url}?${query}` : url, headers, body, open: !operation.security };
}

function samples(asked) {
  const text = element("pre", { class: "sample", tabindex: "0", role: "region", "aria-label": "The same in code" });
  const name = newId();
  const update = () => { text.textContent = LANGUAGES[language.chosen](asked()); };
  const radios = Object.keys(LANGUAGES).map((each) => element("label", {},
    element("input", { type: "radio", name, value: each, checked: each === language.chosen, onchange: () => { language.chosen = each; update(); } }),
    element("span", {}, each)));
  const copy = element("button", { type: "button", class: "quiet" }, "Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      copy.textContent = "Copied";
    } catch { // no clipboard without https: the text is there to be copied by hand
      getSelection().selectAllChildren(text);
      copy.textContent = "Selected";
    }
    setTimeout(() => { copy.textContent = "Copy"; }, 2000);
  });
  update();
  const languages = element("fieldset", { class: "segmented" }, element("legend", { class: "visually-hidden" }, "Language"), radios);
  return { element: element("div", {}, element("div", { class: "sample-head" }, languages, copy), text), update };
}
