/** Fields of a form: each under its label, with a hint, and with room for what is wrong with it. */

import { h } from "../dom.js";
import { bind } from "../language.js";

const EMAIL = /Email$/;

/** What pydantic and the facts' reader call a fault, and our words for it. */
const WORDS = [
  [/^(missing|string_too_short|too_short)$|^is (missing|empty)$/, "fault.needed"],
  [/^string_too_long$|^at most \d+ characters$/, "fault.too-long"],
  [/^(int_|float_|greater_than|less_than|finite)|^should be a number/, "fault.number"],
  [/^should be hours|in steps of|^should end after it begins, at 24|^hours that overlap/, "fault.hours"],
  [/^should be a day of the week/, "fault.weekday"],
  [/^should be 2026-12-24|^should be a day, 2026|^should end after it begins$/, "fault.day"],
  [/ISO 8601/, "fault.moment"],
  [/^should be pesos|^should be above 0/, "fault.price"],
  [/is there twice$/, "fault.twice"],
  [/^should have letters/, "fault.letters"],
];

/** The field that a broken rule is about. */
const ABOUT = {
  closed: "date", past_date: "date", too_far: "date", off_grid: "date", slot_taken: "date", bad_duration: "duration",
  unknown_doctor: "doctorName", bad_status: "status", items_fixed: "items", not_told: "asked",
};

let made = 0;

/** A control under its label; `name` is what the server calls the field when something is wrong with it. */
export function field(name, t, control, { hint, wide } = {}) {
  made += 1;
  const id = `field-${made}`;
  control.id = id;
  control.setAttribute("aria-describedby", hint ? `${id}-hint ${id}-wrong` : `${id}-wrong`);
  return h("div", { class: wide ? "field wide" : "field", "data-field": name },
    h("label", { for: id, t }), control,
    hint && h("p", { class: "hint", id: `${id}-hint`, t: hint }),
    h("p", { class: "wrong", id: `${id}-wrong`, hidden: true }));
}

export const input = (value, properties = {}) => h("input", { type: "text", autocomplete: "off", ...properties, value: value ?? "" });
export const area = (value, properties = {}) => h("textarea", { rows: 3, ...properties }, value ?? "");

/** `options` are [value, dictionary key]; one without a key reads as it is. */
export function select(value, options, properties = {}) {
  const made = h("select", properties, options.map(([each, t]) => (t ? h("option", { value: each, t }) : h("option", { value: each }, each))));
  made.value = value;
  return made;
}

/**
 * A list whose rows can be added and taken out. `make(value)` returns {element, read}; `path(n, row)` is the server's name
 * for the row at n, and each field of a row has the rest of its own name in `data-suffix`.
 */
export function rows({ name, values, make, blank, path, add, remove, most = 200 }) {
  let list = [];
  const place = h("ol", { class: "rows" });
  const more = h("button", { type: "button", class: "quiet", t: add, onclick: () => {
    const row = put(blank());
    renumber();
    row.element.querySelector("input, textarea, select")?.focus();
  } });
  const put = (value) => {
    const row = make(value);
    row.element.append(h("p", { class: "wrong wide", hidden: true }), h("button", { type: "button", class: "quiet icon remove", label: remove, onclick: () => {
      const next = row.element.nextElementSibling ?? row.element.previousElementSibling;
      list = list.filter((each) => each !== row);
      row.element.remove();
      renumber();
      (next?.querySelector("input, textarea") ?? more).focus();
      place.dispatchEvent(new Event("input", { bubbles: true }));
    } }, "×"));
    list.push(row);
    place.append(row.element);
    return row;
  };
  const renumber = () => {
    list.forEach((row, n) => {
      const here = path(n, row);
      row.element.dataset.field = here;
      for (const each of row.element.querySelectorAll("[data-suffix]")) each.dataset.field = `${here}.${each.dataset.suffix}`;
    });
    more.disabled = list.length >= most;
  };
  values.forEach(put);
  renumber();
  const element = h("div", { class: "field wide", "data-field": name }, place, more, h("p", { class: "wrong", hidden: true }));
  return { element, read() {
    renumber();
    return list.map((row) => row.read());
  } };
}

/** One text a line, and back. */
export const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);
export const unlines = (texts) => texts.join("\n");

/** A field of a row. */
export function rowField(suffix, t, control, options) {
  const made = field(suffix, t, control, options);
  made.dataset.suffix = suffix;
  return made;
}

/** What an answer of the server says is wrong, as faults with the field that each is of, where there is one. */
export function faultsOf(error) {
  if (error.faults.length) return error.faults;
  return error.code in ABOUT ? [{ key: ABOUT[error.code], rule: error.code, wrong: error.values.text }] : [];
}

/** Say beside each field what is wrong with it, and go to the first. Returns the faults that are of no field here. */
export function showFaults(root, faults) {
  clearFaults(root);
  const homeless = [];
  for (const fault of faults) {
    const home = homeOf(root, fault.key);
    if (home) mark(home, fault);
    else homeless.push(fault);
  }
  const invalid = [...root.querySelectorAll("[aria-invalid=true]")];
  for (const each of invalid) each.closest("details")?.setAttribute("open", "");
  invalid[0]?.focus();
  return homeless;
}

export function clearFaults(root) {
  for (const wrong of root.querySelectorAll(".wrong")) wrong.hidden = true;
  for (const each of root.querySelectorAll("[aria-invalid]")) each.removeAttribute("aria-invalid");
}

/** Put a fault into words, in an element that follows the language. */
export function tell(element, { key, rule, code, wrong }) {
  const known = WORDS.find(([pattern]) => pattern.test(code ?? "") || pattern.test(wrong ?? ""));
  if (rule) bind(element, "text", `rule.${rule}`, { said: wrong });
  else if (code === "string_pattern_mismatch") bind(element, "text", EMAIL.test(key) ? "fault.email" : key === "dni" ? "fault.dni" : "fault.form");
  else if (known) bind(element, "text", known[1]);
  else bind(element, "text", "fault.unfit", { text: wrong });
  element.hidden = false;
}

function mark(home, fault) {
  const wrong = home.querySelector(":scope > .wrong");
  if (wrong.hidden) tell(wrong, fault);
  home.querySelector("input, textarea, select, button")?.setAttribute("aria-invalid", "true");
}

/** The field of that name, or of the thing that it is part of: `items.0.name`, `items.0`, `items`. */
function homeOf(root, key) {
  for (let name = key; name; name = name.replace(/(^|\.|\[)[^.[]*$/, "")) {
    const home = root.querySelector(`[data-field="${CSS.escape(name)}"]`);
    if (home?.querySelector(":scope > .wrong")) return home;
  }
  return null;
}
