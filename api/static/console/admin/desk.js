/** What a page of records has for those who may change them. */

import { h } from "../dom.js";
import { askForKey } from "../key.js";
import { forScope, forStrangers } from "../scopes.js";

/** A button for something new, and a way to show a key where a page is read without one. */
export function deskTools(page, t, begin) {
  const key = () => askForKey(() => page.refresh());
  return [
    forScope("write", h("button", { type: "button", class: "primary new", t, onclick: begin })),
    forStrangers(h("button", { type: "button", class: "quiet", t: "desk.key", onclick: key })),
  ];
}
