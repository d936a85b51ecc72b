/** A customer's page: everything of one person, to hand over or to erase. */

import { byId, h } from "../dom.js";
import { count, moment, money, span } from "../format.js";
import { RestError, send } from "../rest.js";
import { pill } from "./details.js";
import { keepJson } from "./download.js";
import { dispositions, flags } from "./findings.js";
import { outcome } from "./outcome.js";
import { Page } from "./page.js";

const KINDS = ["orders", "appointments", "calls"];

export class Customer extends Page {
  constructor(root) {
    super(root, "customer.title");
    this.who = "";
    this.erased = null;
  }

  /** A person by e-mail or by phone; nobody yet without either. */
  async open(who = "") {
    this.isOpen = true;
    this.who = who;
    this.erased = null;
    this.data = null;
    this.redraw();
    if (who) await this.refresh();
    else byId("customer-who").focus();
  }

  async refresh() {
    const { who } = this;
    if (!who) return;
    try {
      const { data } = await send("POST", "/customers/export", named(who));
      if (!this.isOpen || who !== this.who) return;
      this.data = data;
      this.redraw();
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      if (this.isOpen && who === this.who) this.fail(error);
    }
  }

  /** Try again after a fault. */
  load() {
    return this.open(this.who);
  }

  redraw() {
    this.show(...this.draw(this.data));
  }

  draw(data) {
    const form = h("form", { class: "filters", role: "search", label: "customer.title", onsubmit: (event) => {
      event.preventDefault();
      const hash = `#/customer/${encodeURIComponent(byId("customer-who").value.trim())}`;
      if (location.hash === hash) this.refresh();
      else location.hash = hash;
    } },
      h("label", { for: "customer-who" }, h("span", { t: "customer.who" }),
        h("input", { type: "search", id: "customer-who", value: this.who, maxlength: 120, required: true, placeholder: "maria@email.com · +54911…" })),
      h("button", { type: "submit", class: "primary", t: "customer.find" }));
    const told = this.erased && h("p", { role: "status", class: "card", t: ["customer.erased", this.erased] });
    if (!data) return [form, told, this.who && !told && h("p", { class: "loading", role: "status", t: "admin.loading" })].filter(Boolean);
    if (!KINDS.some((kind) => data[kind].length)) return [form, told, h("p", { class: "hint", role: "status", t: "customer.nothing" })].filter(Boolean);
    return [form, told, this.head(data), ...parts(data)].filter(Boolean);
  }

  head(data) {
    const name = data.orders[0]?.customerName ?? data.appointments[0]?.patientName ?? this.who;
    const counts = Object.fromEntries(KINDS.map((kind) => [kind, count(data[kind].length)]));
    return h("section", { class: "card" },
      h("header", { class: "head" }, h("h2", {}, name), h("span", { class: "hint", t: ["customer.counts", counts] })),
      h("div", { class: "row" },
        h("button", { type: "button", class: "quiet", t: "customer.export", onclick: () => keepJson(data, "customer.json") }),
        h("button", { type: "button", class: "danger", id: "customer-erase", t: "customer.erase", onclick: () => this.ask() })));
  }

  /** What would be erased is counted by the server first, and shown; only then can it be erased. */
  async ask() {
    const body = named(this.who);
    try {
      const { data } = await send("POST", "/customers/erase", { ...body, dryRun: true });
      this.confirm(data, body);
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      this.fail(error);
    }
  }

  confirm(found, body) {
    const dialog = byId("details");
    const counts = Object.fromEntries(KINDS.map((kind) => [kind, count(found[kind])]));
    const trouble = h("p", { class: "alert", role: "alert", hidden: true });
    const erase = async () => {
      try {
        await send("POST", "/customers/erase", body);
      } catch (error) {
        if (!(error instanceof RestError)) throw error;
        trouble.hidden = false;
        trouble.replaceChildren(h("span", { t: error.status === 409 ? "customer.on-the-line" : `admin.${error.kind}` }));
        return;
      }
      dialog.close();
      this.erased = counts;
      this.data = null;
      this.who = "";
      history.replaceState(null, "", "#/customer");
      this.redraw();
    };
    dialog.replaceChildren(
      h("h2", { id: "details-title", t: "customer.erase.title" }),
      h("p", { t: ["customer.erase.what", { ...counts, people: found.people.join(", ") || this.who }] }),
      h("p", { class: "hint", t: "customer.erase.for-good" }),
      trouble,
      h("div", { class: "row" },
        h("button", { type: "button", class: "quiet", t: "key.cancel", onclick: () => dialog.close() }),
        h("button", { type: "button", class: "danger", id: "customer-erase-for-good", t: "customer.erase.do", onclick: erase })));
    dialog.showModal();
  }
}

/** A person by what was typed: an address has an @, all else is a number. */
function named(who) {
  return who.includes("@") ? { email: who } : { phone: who.replace(/[\s().-]/g, "") };
}

function parts({ orders, appointments, calls, callbacks = [] }) {
  return [
    part("nav.orders", orders, ["orders.id", "orders.items", "orders.total", "orders.created", "admin.status"], (order) => [
      `#${order.id}`,
      order.items.map(({ name, quantity }) => (quantity > 1 ? `${quantity} × ${name}` : name)).join(", "),
      money(order.total),
      moment(order.createdAt),
      pill("status", order.status),
    ]),
    part("nav.appointments", appointments, ["customer.id", "appointments.when", "appointments.doctor", "admin.status"], (each) => [
      `#${each.id}`, moment(each.date), each.doctorName, pill("status", each.status),
    ]),
    part("nav.calls", calls, ["calls.when", "calls.disposition", "calls.flags", "calls.duration", "calls.outcome"], (call) => [
      h("a", { href: `#/calls/${encodeURIComponent(call.id)}` }, moment(call.startedAt)),
      dispositions(call),
      flags(call),
      call.durationSeconds === null ? "–" : span(call.durationSeconds),
      outcome(call),
    ]),
    part("customer.callbacks", callbacks, ["calls.when", "customer.phone", "customer.about", "admin.status"], (each) => [
      moment(each.askedAt), each.phone, each.about, pill("callback", each.status),
    ]),
  ].filter(Boolean);
}

/** Null where there is none of it. */
function part(title, records, heads, cells) {
  if (!records.length) return null;
  const row = (record) => h("tr", {}, cells(record).map((cell) => h("td", { title: typeof cell === "string" ? cell : null }, cell)));
  return h("section", { class: "card part" },
    h("h2", { t: title }),
    h("div", { class: "scroller", tabindex: "0", role: "region", label: title },
      h("table", { class: "records" },
        h("thead", {}, h("tr", {}, heads.map((t) => h("th", { scope: "col", t })))),
        h("tbody", {}, records.map(row)))));
}
