/** What calls are looked for: a form whose fields are the parameters of GET /calls. */

import { h } from "../dom.js";
import { knows } from "../language.js";
import { en as tools } from "../words/tools.js";
import { DISPOSITIONS, FLAGS, OUTCOMES } from "./findings.js";

const PAUSE_MS = 400; // after the last letter of a text
const RARE = ["number", "text", "tool", "outcome", "fault", "unserved"];

/** A form with the fields of `asked` filled in; `onChange(asked)` gets what is asked then, without what is empty. */
export function callSearch(asked, onChange) {
  let timer = null;
  const form = h("form", { class: "filters calls-search", role: "search", label: "calls.search", onsubmit: (event) => {
    event.preventDefault();
    tell();
  } });
  const tell = () => {
    clearTimeout(timer);
    onChange(read(form));
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(tell, PAUSE_MS);
  };
  const field = (name, input) => {
    input.id = `calls-${name}`;
    input.name = name;
    input.addEventListener(["text", "search", "tel"].includes(input.type) ? "input" : "change", input.type === "search" ? later : tell);
    return h("label", { for: input.id }, h("span", { t: `calls.by.${name}` }), input);
  };
  const choice = (name, values, words) => {
    const options = values.map((value) => h("option", { value, ...(knows(words(value)) ? { t: words(value) } : {}) }));
    const select = h("select", {}, h("option", { value: "", t: "admin.all" }), options);
    select.value = asked[name] ?? "";
    return field(name, select);
  };
  const input = (name, properties) => field(name, h("input", { value: asked[name] ?? "", ...properties }));
  const names = Object.keys(tools).map((key) => key.slice("tool.".length));
  const more = h("details", { open: RARE.some((name) => asked[name]) },
    h("summary", { t: "calls.by.more" }),
    h("div", { class: "filters" },
      choice("outcome", OUTCOMES, (value) => `outcome.${value}`),
      choice("tool", names, (value) => `tool.${value}`),
      input("number", { type: "search", inputmode: "tel", maxlength: 64, placeholder: "+54911…" }),
      input("text", { type: "search", maxlength: 100 }),
      box("unserved", asked, tell),
      box("fault", asked, tell)));
  form.append(
    input("from", { type: "date" }),
    input("to", { type: "date" }),
    choice("disposition", DISPOSITIONS, (value) => `disposition.${value}`),
    choice("flag", FLAGS, (value) => `flag.${value}`),
    h("button", { type: "button", class: "quiet", t: "calls.by.none", onclick: () => onChange({}, true) }),
    more);
  return form;
}

function box(name, asked, tell) {
  const id = `calls-${name}`;
  return h("label", { for: id },
    h("input", { type: "checkbox", id, name, value: "true", checked: asked[name] === "true", onchange: tell }),
    h("span", { t: `calls.by.${name}` }));
}

function read(form) {
  const given = [...new FormData(form)].map(([name, value]) => [name, value.trim()]);
  return Object.fromEntries(given.filter(([, value]) => value !== ""));
}
