/** English and Spanish. A bound element follows a change of language by itself. */

import en from "./words/en.js";
import es from "./words/es.js";
import * as tools from "./words/tools.js"; // written by the server, from the tools' declarations

const DICTIONARIES = { en: { ...en, ...tools.en }, es: { ...es, ...tools.es } };
const LOCALES = { en: "en-GB", es: "es-AR" };
const KEPT = "carlos.language";
const TARGETS = {
  text: { key: "t", apply: (element, words) => (element.textContent = words) },
  label: { key: "tLabel", apply: (element, words) => element.setAttribute("aria-label", words) },
  placeholder: { key: "tPlaceholder", apply: (element, words) => element.setAttribute("placeholder", words) },
};
const given = new WeakMap(); // the arguments of bound elements

let language = localStorage.getItem(KEPT) ?? (navigator.language.startsWith("es") ? "es" : "en");

/** Tells of a "change". */
export const languages = new EventTarget();

export const current = () => language;
export const locale = () => LOCALES[language];

/** The words for a key, with {name} filled in. */
export function say(key, values = {}) {
  const words = DICTIONARIES[language][key];
  if (words === undefined) throw new Error(`no words for ${key}`);
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** Whether there are words for a key. */
export const knows = (key) => key in DICTIONARIES.en;

/** Give an element's text, label or placeholder in the current language, now and after each change. */
export function bind(element, target, key, values = {}) {
  const { key: attribute, apply } = TARGETS[target];
  element.dataset[attribute] = key;
  given.set(element, { ...given.get(element), [target]: values });
  apply(element, say(key, values));
}

export function choose(next) {
  language = next;
  localStorage.setItem(KEPT, next);
  translate();
  languages.dispatchEvent(new Event("change"));
}

export function translate(root = document) {
  document.documentElement.lang = language;
  for (const [target, { key, apply }] of Object.entries(TARGETS)) {
    const attribute = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    for (const element of root.querySelectorAll(`[data-${attribute}]`)) {
      apply(element, say(element.dataset[key], given.get(element)?.[target]));
    }
  }
}
