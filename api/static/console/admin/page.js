/** A page of records: fetched when it is opened, drawn again in another language, clear about what went wrong. */

import { exchange, h } from "../dom.js";
import { askForKey } from "../key.js";
import { count } from "../format.js";
import { languages } from "../language.js";
import { getList, LOCKED, RestError } from "../rest.js";

export class Page {
  /** A subclass has `open(...)`, which loads a path, and `draw(data)`, which returns elements. */
  constructor(root, title) {
    this.root = root;
    this.title = title;
    this.isOpen = false;
    languages.addEventListener("change", () => this.isOpen && this.redraw());
  }

  /** Show what a path has. */
  async load(path) {
    this.isOpen = true;
    this.path = path;
    this.data = undefined;
    this.show(h("p", { class: "loading", role: "status", t: "admin.loading" }));
    await this.refresh();
  }

  close() {
    this.isOpen = false;
  }

  /** Fetch again, and draw what has come unless the page has moved on. */
  async refresh() {
    const { path } = this;
    try {
      const { data, more, next } = await this.fetch(path);
      if (!this.isOpen || path !== this.path) return;
      this.data = data;
      this.more = more;
      this.next = next;
      this.redraw();
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      if (this.isOpen && path === this.path) this.fail(error);
    }
  }

  /** What a path has, and where more of it is. */
  fetch(path) {
    return getList(path);
  }

  redraw() {
    if (this.data === undefined) return;
    const note = this.more && !this.isWindowed && h("p", { class: "hint", role: "note", t: ["admin.more", { shown: count(this.data.length) }] });
    this.show(...this.draw(this.data), ...(note ? [note] : []));
  }

  fail({ kind, values }) {
    const again = () => this.load(this.path);
    this.show(
      h(
        "div",
        { class: "card trouble", role: "alert" },
        h("p", { t: [`admin.${kind}`, values] }),
        LOCKED.has(kind) &&
          h("button", { type: "button", class: "primary", t: "admin.key", onclick: () => askForKey(again) }),
        h("button", { type: "button", class: "quiet", t: "admin.retry", onclick: again }),
      ),
    );
  }

  show(...content) {
    this.heading ??= h("h1", { id: `${this.root.id}-title`, t: this.title });
    this.header ??= h("header", { class: "head" });
    exchange(this.header, this.heading, ...this.tools());
    exchange(this.root, this.header, ...content);
  }

  /** Controls beside the title. They are the same ones each time: somebody may be about to press one. */
  tools() {
    this.refresher ??= h("button", { type: "button", class: "quiet refresh", t: "admin.refresh", onclick: () => this.refresh() });
    return [this.refresher];
  }
}
