/** What a page of records has for those who may change them. */

import { h } from "../dom.js";
import { askForKey } from "../key.js";
import { forScope, forStrangers } from "../scopes.js";

/** A button for something new, and a way to show a key where a page is read without one. */
export function deskTools(page, t, begin) {
  page.beginner ??= h("button", { type: "button", class: "primary new", t, onclick: begin });
  return [forScope("write", page.beginner), ...keyTool(page)];
}

/** The way to show a key. */
export function keyTool(page) {
  page.shower ??= h("button", { type: "button", class: "quiet", t: "desk.key", onclick: () => askForKey(() => page.refresh()) });
  return [forStrangers(page.shower)];
}
