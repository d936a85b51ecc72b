/** Orders: a table to search, and each order's items. */

import { h } from "../dom.js";
import { count, date, money } from "../format.js";
import { say } from "../language.js";
import { getList } from "../rest.js";
import { deskTools } from "./desk.js";
import { pill } from "./details.js";
import { newOrder, openOrder } from "./order-dialog.js";
import { Page } from "./page.js";
import { Windowed } from "./windowed.js";

const STATUSES = ["pending", "processing", "shipped", "delivered", "cancelled"];
const COLUMNS = [
  { name: "id", t: "orders.id" },
  { name: "customer", t: "orders.customer" },
  { name: "items", t: "orders.items", minor: true },
  { name: "total", t: "orders.total" },
  { name: "created", t: "orders.created", minor: true },
  { name: "delivery", t: "orders.delivery", minor: true },
  { name: "status", t: "admin.status" },
];
const HEIGHT = 58; // px: two lines

export class Orders extends Page {
  constructor(root) {
    super(root, "orders.title");
    this.isWindowed = true; // more comes as one scrolls
    this.search = "";
    this.status = "";
  }

  open() {
    return this.load("/orders");
  }

  draw(orders) {
    const counted = h("p", { class: "hint", role: "status" });
    const table = new Windowed({ label: "orders.title", columns: COLUMNS, row: (order) => row(order, () => this.refresh()), height: HEIGHT, more: () => this.further(orders) });
    const fill = () => table.set(orders.filter(this.sought()));
    table.onStale = fill;
    table.onTrouble = ({ kind, values }) => (counted.textContent = say(`admin.${kind}`, values));
    table.onCount = (shown) => (counted.textContent = say(this.next ? "admin.count-so-far" : "admin.count", { shown: count(shown), all: count(orders.length) }));
    const filters = this.filters(fill);
    fill();
    return [filters, table.element, counted];
  }

  /** The next page's, as far as they are looked for; null at the end. A search goes on until it has a view full. */
  async further(orders) {
    if (!this.next) return null;
    const { data, next } = await getList(`${this.path}?cursor=${encodeURIComponent(this.next)}`);
    if (orders !== this.data) return null; // they were fetched anew meanwhile
    this.next = next;
    orders.push(...data);
    return data.filter(this.sought());
  }

  filters(fill) {
    const search = h("input", { type: "search", id: "orders-search", value: this.search, oninput: () => {
      this.search = search.value;
      fill();
    } });
    const status = h("select", { id: "orders-status", onchange: () => {
      this.status = status.value;
      fill();
    } }, h("option", { value: "", t: "admin.all" }), STATUSES.map((value) => h("option", { value, t: `status.${value}` })));
    status.value = this.status;
    return h(
      "div",
      { class: "filters" },
      h("label", { for: "orders-search" }, h("span", { t: "admin.search" }), search),
      h("label", { for: "orders-status" }, h("span", { t: "admin.status" }), status),
    );
  }

  tools() {
    return [...deskTools(this, "orders.new", () => newOrder(() => this.refresh())), ...super.tools()];
  }

  /** Tells the orders that are looked for. */
  sought() {
    const words = plain(this.search);
    return (order) => textOf(order).includes(words) && (!this.status || order.status === this.status);
  }
}

function row(order, then) {
  const names = order.items.map(({ name, quantity }) => (quantity > 1 ? `${quantity} × ${name}` : name));
  return [
    h("td", {}, h("button", { type: "button", class: "link", label: ["orders.number", { id: order.id }], onclick: () => openOrder(order, then) }, `#${order.id}`)),
    h("td", {}, order.customerName, h("small", {}, order.customerEmail)),
    h("td", {}, names[0] ?? "", names.length > 1 && h("small", {}, names.slice(1).join(", "))),
    h("td", { class: "number" }, money(order.total)),
    h("td", {}, date(order.createdAt)),
    h("td", {}, order.estimatedDelivery ? date(order.estimatedDelivery) : "–"),
    h("td", {}, pill("status", order.status)),
  ];
}

/** What an order is found by; made once, since a letter may be typed over a hundred thousand of them. */
function textOf(order) {
  if (!texts.has(order)) texts.set(order, plain([order.id, order.customerName, order.customerEmail, ...order.items.map(({ name }) => name)].join(" ")));
  return texts.get(order);
}

const texts = new WeakMap();
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
