/**
 * A table of any length: the rows in view are in the page, and a few around them. All are of one height, and what does not
 * fit into a cell ends in an ellipsis and is its title.
 */

import { h } from "../dom.js";
import { RestError } from "../rest.js";

const AHEAD = 8; // rows beyond either edge of the view
const HEIGHT = 44; // px of a row

export class Windowed {
  /**
   * `columns` are {name, t, minor}: a class, a dictionary key, and whether a narrow page leaves it out. `row(item)` makes
   * the cells; `more()`, where there is more, fetches further items and returns them, or null at the end.
   */
  constructor({ label, columns, row, more = null, height = HEIGHT }) {
    this.items = [];
    this.drawn = new Map(); // index -> its row
    this.makeCells = row;
    this.columns = columns;
    this.more = more;
    this.height = height;
    this.above = spacer();
    this.below = spacer();
    this.body = h("tbody");
    const heads = columns.map((column) => h("th", { scope: "col", class: classes(column), t: column.t }));
    this.table = h("table", { class: "records windowed" },
      h("thead", {}, h("tr", { "aria-rowindex": 1 }, heads), this.above), this.body, h("tfoot", {}, this.below));
    this.table.style.setProperty("--row", `${height}px`);
    this.element = h("div", { class: "card sheet window", tabindex: "0", role: "region", label }, this.table);
    this.element.addEventListener("scroll", () => this.drawSoon());
    new ResizeObserver(() => this.drawSoon()).observe(this.element);
  }

  /** Show these, from the first one on. */
  set(items) {
    this.items = [...items];
    this.element.scrollTop = 0;
    this.redraw();
  }

  /** Put these before the others; what is in view stays where it is. */
  prepend(items) {
    this.items.unshift(...items);
    if (this.element.scrollTop > 0) this.element.scrollTop += items.length * this.height;
    this.redraw();
  }

  redraw() {
    for (const row of this.drawn.values()) row.remove();
    this.drawn.clear();
    this.draw();
  }

  drawSoon() {
    if (this.due || !this.element.isConnected) return;
    this.due = true;
    requestAnimationFrame(() => {
      this.due = false;
      this.draw();
    });
  }

  draw() {
    const [first, last] = this.view();
    for (const [index, row] of this.drawn) {
      if (index >= first && index < last) continue;
      if (row.contains(document.activeElement)) this.element.focus({ preventScroll: true });
      row.remove();
      this.drawn.delete(index);
    }
    let before = null;
    for (let index = last - 1; index >= first; index--) {
      const row = this.drawn.get(index) ?? this.make(index);
      if (row.parentNode !== this.body || row.nextSibling !== before) this.body.insertBefore(row, before);
      before = row;
    }
    stretch(this.above, first * this.height);
    stretch(this.below, (this.items.length - last) * this.height);
    this.table.setAttribute("aria-rowcount", this.more ? -1 : this.items.length + 1);
    this.onCount?.(this.items.length, !this.more);
    if (last >= this.items.length - AHEAD) this.fetch();
  }

  /** The first row that is drawn, and the one behind the last. */
  view() {
    const top = this.element.scrollTop;
    const first = Math.max(0, Math.floor(top / this.height) - AHEAD);
    const seen = Math.ceil((this.element.clientHeight || 600) / this.height);
    return [Math.min(first, this.items.length), Math.min(this.items.length, first + seen + 2 * AHEAD)];
  }

  make(index) {
    const cells = this.makeCells(this.items[index]);
    cells.forEach((cell, column) => {
      cell.className = `${classes(this.columns[column])} ${cell.className}`.trim();
      cell.title ||= cell.textContent;
    });
    const row = h("tr", { "aria-rowindex": index + 2 }, cells);
    this.drawn.set(index, row);
    return row;
  }

  async fetch() {
    if (!this.more || this.fetching) return;
    this.fetching = true;
    const { items } = this;
    let found = [];
    try {
      found = await this.more();
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      this.onTrouble?.(error); // whoever scrolls tries again
      return;
    } finally {
      this.fetching = false;
    }
    if (items !== this.items) return this.onStale?.(); // they are others by now
    if (found === null) this.more = null;
    else this.items.push(...found);
    this.drawSoon();
  }
}

const classes = ({ name, minor }) => `${name}${minor ? " minor" : ""}`;
const spacer = () => h("tr", { class: "spacer", "aria-hidden": "true" }, h("td")); // one cell: a narrow page has fewer columns

function stretch(row, height) {
  row.firstChild.style.height = `${height}px`;
  row.hidden = height === 0;
}
