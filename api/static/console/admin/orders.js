/** Orders: a table to search, and each order's items. */

import { h } from "../dom.js";
import { count, date, moment, money } from "../format.js";
import { say } from "../language.js";
import { pill, showDetails } from "./details.js";
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
      body.replaceChildren(...(shown.length ? shown.map(row) : [nothing()]));
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

  matches(order) {
    const text = plain([order.id, order.customerName, order.customerEmail, ...order.items.map(({ name }) => name)].join(" "));
    return text.includes(plain(this.search)) && (!this.status || order.status === this.status);
  }
}

function row(order) {
  const names = order.items.map(({ name, quantity }) => (quantity > 1 ? `${quantity} × ${name}` : name));
  return h(
    "tr",
    {},
    h("td", {}, h("button", { type: "button", class: "link", label: ["orders.number", { id: order.id }], onclick: () => open(order) }, `#${order.id}`)),
    h("td", {}, order.customerName, h("small", {}, order.customerEmail)),
    h("td", { class: "wide" }, names[0] ?? "", names.length > 1 && h("small", {}, names.slice(1).join(", "))),
    h("td", { class: "number" }, money(order.total)),
    h("td", {}, date(order.createdAt)),
    h("td", {}, order.estimatedDelivery ? date(order.estimatedDelivery) : "–"),
    h("td", {}, pill("status", order.status)),
  );
}

function open(order) {
  const heads = ["orders.item", "orders.quantity", "orders.price"];
  const items = h(
    "table",
    { class: "records" },
    h("thead", {}, h("tr", {}, heads.map((t) => h("th", { scope: "col", t })))),
    h("tbody", {}, order.items.map(({ name, quantity, price, description }) =>
      h("tr", {}, h("td", {}, name, h("small", {}, description ?? "")), h("td", { class: "number" }, count(quantity)), h("td", { class: "number" }, money(price))))),
  );
  showDetails(["orders.number", { id: order.id }], [
    ["admin.status", pill("status", order.status)],
    ["orders.customer", order.customerName],
    ["appointments.email", order.customerEmail],
    ["orders.total", money(order.total)],
    ["orders.created", moment(order.createdAt)],
    ["orders.updated", moment(order.updatedAt)],
    ["orders.delivery", order.estimatedDelivery && date(order.estimatedDelivery)],
    ["orders.tracking", order.trackingNumber],
  ], items);
}

const nothing = () => h("tr", {}, h("td", { colspan: "7", class: "empty", t: "admin.none" }));
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
