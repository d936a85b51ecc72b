/** An order in a dialog: looked at, made, changed, cancelled. */

import { h } from "../dom.js";
import { count, date, moment, money } from "../format.js";
import { say } from "../language.js";
import { getTagged, send } from "../rest.js";
import { dayOf } from "./days.js";
import { pill, showDetails } from "./details.js";
import { openEditor } from "./editor-dialog.js";
import { Faults } from "./editor.js";
import { field, input, rowField, rows, select } from "./forms.js";
import { deeds } from "./record-dialog.js";

/** What an order's status may become; the server's own table is data/edits.py, and it decides. */
const NEXT = { pending: ["processing", "shipped", "delivered"], processing: ["shipped", "delivered"], shipped: ["delivered"], delivered: [], cancelled: [] };
const OPEN = new Set(["pending", "processing"]); // items may still change, and it may be cancelled
const PRICE = /^(\d{1,9}|\d{1,3}(?:\.\d{3})+(?=,))(?:[.,](\d{1,2}))?$/; // as the facts of the business take it
const MOST_ITEMS = 20;

/** Show an order; `then` is called after a change. */
export function openOrder(order, then, ...notes) {
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
  ], ...notes, items, ...deeds(KIND(then), order, then));
}

export function newOrder(then) {
  openEditor("orders.new", {
    valuesOf: () => valuesOf({ items: [{ name: "", quantity: 1 }] }),
    draw: (values) => draw(values, null),
    send: (values) => send("POST", "/orders", body(given(values))),
    fields: FIELDS,
    onSaved: then,
  }, null);
}

const KIND = (then) => ({
  path,
  title: ({ id }) => ["orders.number", { id }],
  show: (order, ...notes) => openOrder(order, then, ...notes),
  canCancel: ({ status }) => OPEN.has(status),
  cancel: "orders.cancel",
  question: "orders.cancel.question",
  spec: async (order) => ({
    valuesOf,
    draw: (values) => draw(values, values.status),
    send: (changes, etag) => send("PUT", path(order), body(changes), etag),
    fetch: () => getTagged(path(order)),
    fields: FIELDS,
  }),
});

const path = ({ id }) => `/orders/${encodeURIComponent(id)}`;

const valuesOf = (order) => ({
  customerName: order.customerName ?? "",
  customerEmail: order.customerEmail ?? "",
  dni: "",
  status: order.status ?? "",
  items: order.items.map(itemOf),
  estimatedDelivery: order.estimatedDelivery ? dayOf(order.estimatedDelivery) : "",
  trackingNumber: order.trackingNumber ?? "",
});

const itemOf = ({ id, name, quantity, price, description }) => ({ ...(id && { id }), name, quantity, price, description: description ?? "" });

const FIELDS = {
  customerName: { t: "orders.customer", show: String },
  customerEmail: { t: "appointments.email", show: String },
  dni: { t: "orders.dni", show: String },
  status: { t: "admin.status", show: (status) => say(`status.${status}`) },
  items: { t: "orders.items", show: (items) => items.map(({ name, quantity, price }) => `${quantity} × ${name}, ${money(price)}`).join("; ") },
  estimatedDelivery: { t: "orders.delivery", show: (day) => day || "–" },
  trackingNumber: { t: "orders.tracking", show: (text) => text || "–" },
};

function draw(values, status) {
  const fixed = status !== null && !OPEN.has(status);
  const controls = {
    customerName: input(values.customerName, { maxlength: 80 }),
    customerEmail: input(values.customerEmail, { type: "email", maxlength: 120 }),
    dni: input(values.dni, { inputmode: "numeric", maxlength: 8 }),
    status: select(values.status, [values.status, ...(NEXT[status] ?? []).filter((each) => each !== values.status)].map((each) => [each, `status.${each || "pending"}`])),
    estimatedDelivery: input(values.estimatedDelivery, { type: "date" }),
    trackingNumber: input(values.trackingNumber, { maxlength: 120 }),
  };
  const items = rows({
    name: "items", values: values.items, blank: () => ({ name: "", quantity: 1 }), path: (n) => `items.${n}`,
    make: (item) => itemRow(item, fixed), add: "orders.item.add", remove: "orders.item.remove", most: MOST_ITEMS,
  });
  items.element.prepend(h("h3", { t: "orders.items" }), ...(fixed ? [h("p", { class: "hint", t: "orders.items.fixed" })] : []));
  if (fixed) for (const button of items.element.querySelectorAll("button")) button.hidden = true;
  const element = h("div", { class: "form" },
    field("customerName", "orders.customer", controls.customerName),
    field("customerEmail", "appointments.email", controls.customerEmail),
    field("dni", "orders.dni", controls.dni, { hint: status === null ? "orders.dni.hint" : "orders.dni.kept" }),
    status !== null && field("status", "admin.status", controls.status),
    field("estimatedDelivery", "orders.delivery", controls.estimatedDelivery),
    field("trackingNumber", "orders.tracking", controls.trackingNumber),
    items.element);
  return { element, read: () => ({ ...Object.fromEntries(Object.entries(controls).map(([name, control]) => [name, control.value.trim()])), items: fixed ? values.items : itemsOf(items.read()), ...(status === null && { status: "" }) }) };
}

function itemRow(item, fixed) {
  const disabled = fixed;
  const name = input(item.name, { maxlength: 120, disabled });
  const quantity = input(item.quantity, { type: "number", min: 1, max: 100, disabled });
  const price = input(item.price === undefined ? "" : String(item.price), { inputmode: "decimal", disabled });
  const description = input(item.description, { maxlength: 300, disabled });
  const element = h("li", { class: "item" },
    rowField("name", "orders.item", name), rowField("quantity", "orders.quantity", quantity),
    rowField("price", "orders.price", price), rowField("description", "orders.description", description));
  return { element, read: () => ({ ...(item.id && { id: item.id }), name: name.value.trim(), quantity: Number(quantity.value), price: priceOf(price.value), description: description.value.trim() }) };
}

/** The rows, once each price is one. Throws Faults. */
function itemsOf(read) {
  const faults = read.flatMap(({ price }, n) => (Number.isNaN(price) ? [{ key: `items.${n}.price`, wrong: "should be pesos" }] : []));
  if (faults.length) throw new Faults(faults);
  return read;
}

/** A price as people write it, 1.234,50 or 1234.50; NaN for what is none. */
export function priceOf(text) {
  const found = PRICE.exec(text.replace("$", "").trim());
  return found ? Number(`${found[1].replaceAll(".", "")}.${found[2] ?? "0"}`) : NaN;
}

/** What was filled in. */
const given = (values) => Object.fromEntries(Object.entries(values).filter(([name, value]) => value !== "" || name.startsWith("customer")));

/** What the server takes: an emptied field is null, but for a DNI, which is never shown and so stays. */
function body({ dni, estimatedDelivery, trackingNumber, ...rest }) {
  return {
    ...rest,
    ...(dni && { dni }),
    ...(estimatedDelivery !== undefined && { estimatedDelivery: estimatedDelivery ? `${estimatedDelivery}T00:00:00-03:00` : null }),
    ...(trackingNumber !== undefined && { trackingNumber: trackingNumber || null }),
  };
}
