/** Orders: a table to search, and each order's items. */

import { h } from "../dom.js";
import { count, date, money } from "../format.js";
import { say } from "../language.js";
import { deskTools } from "./desk.js";
import { pill } from "./details.js";
import { newOrder, openOrder } from "./order-dialog.js";
import { Page } from "./page.js";

const STATUSES = ["pending", "processing", "shipped", "delivered", "cancelled"];
const COLUMNS = ["id", "customer", "items", "total", "created", "delivery"];

export class Orders extends Page {
  constructor(root) {
    super(root, "orders.title");
    this.search = "";
    this.status = "";
  }

  open() {
    return this.load("/orders");
  }

  draw(orders) {
    const body = h("tbody");
    const counted = h("p", { class: "hint", role: "status" });
    const fill = () => {
      const shown = orders.filter((order) => this.matches(order));
      body.replaceChildren(...(shown.length ? shown.map((order) => row(order, () => this.refresh())) : [nothing()]));
      counted.textContent = say("admin.count", { shown: count(shown.length), all: count(orders.length) });
    };
    const filters = this.filters(fill);
    fill();
    const columns = [...COLUMNS.map((column) => `orders.${column}`), "admin.status"];
    const head = h("thead", {}, h("tr", {}, columns.map((t) => h("th", { scope: "col", t }))));
    return [filters, h("div", { class: "card sheet", tabindex: "0", role: "region", label: "orders.title" }, h("table", { class: "records" }, head, body)), counted];
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

  matches(order) {
    const text = plain([order.id, order.customerName, order.customerEmail, ...order.items.map(({ name }) => name)].join(" "));
    return text.includes(plain(this.search)) && (!this.status || order.status === this.status);
  }
}

function row(order, then) {
  const names = order.items.map(({ name, quantity }) => (quantity > 1 ? `${quantity} × ${name}` : name));
  return h(
    "tr",
    {},
    h("td", {}, h("button", { type: "button", class: "link", label: ["orders.number", { id: order.id }], onclick: () => openOrder(order, then) }, `#${order.id}`)),
    h("td", {}, order.customerName, h("small", {}, order.customerEmail)),
    h("td", { class: "wide" }, names[0] ?? "", names.length > 1 && h("small", {}, names.slice(1).join(", "))),
    h("td", { class: "number" }, money(order.total)),
    h("td", {}, date(order.createdAt)),
    h("td", {}, order.estimatedDelivery ? date(order.estimatedDelivery) : "–"),
    h("td", {}, pill("status", order.status)),
  );
}

const nothing = () => h("tr", {}, h("td", { colspan: "7", class: "empty", t: "admin.none" }));
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
