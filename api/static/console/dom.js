/** Elements made in one expression. */

import { bind } from "./language.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. `t` is a dictionary key, or [key, arguments], for its text; `label` the same for aria-label;
 * `on…` are listeners; `class` and everything else are attributes, left out when null or false.
 */
export function h(tag, properties = {}, ...children) {
  return furnish(document.createElement(tag), properties, children);
}

/** The same for SVG. */
export function svg(tag, properties = {}, ...children) {
  return furnish(document.createElementNS(SVG, tag), properties, children);
}

/**
 * Put these children in the place of the old ones. One that stays is not taken out in between: a press on it is a click,
 * whatever comes around it meanwhile.
 */
export function exchange(parent, ...children) {
  for (const old of [...parent.childNodes]) if (!children.includes(old)) old.remove();
  let next = parent.firstChild;
  for (const child of children) {
    if (child === next) next = next.nextSibling;
    else parent.insertBefore(child, next);
  }
}

export const byId = (id) => document.getElementById(id);

function furnish(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) set(element, name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "t") bind(element, "text", ...[value].flat());
  else if (name === "label") bind(element, "label", ...[value].flat());
  else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else element.setAttribute(name, value === true ? "" : value);
}
