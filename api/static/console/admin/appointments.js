/** Appointments by week or by day. */

import { h } from "../dom.js";
import { longDay, month, moment } from "../format.js";
import { calendar, legend } from "./calendar.js";
import { addDays, dayOf, mondayOf, noon, today } from "./days.js";
import { pill, showDetails } from "./details.js";
import { Page } from "./page.js";

const NARROW = "(max-width: 46rem)";

export class Appointments extends Page {
  constructor(root) {
    super(root, "appointments.title");
    this.span = matchMedia(NARROW).matches ? "day" : "week";
    this.day = null;
  }

  open() {
    return this.load("/appointments");
  }

  draw(appointments) {
    this.day ??= firstDay(appointments);
    const days = this.span === "week" ? week(this.day) : [this.day];
    const active = appointments.filter(({ date }) => days.includes(dayOf(date)));
    return [
      h("div", { class: "card sheet" }, calendar(days, active, open)),
      h("div", { class: "under" }, legend(active), h("p", { class: "hint", t: "appointments.zone" })),
    ];
  }

  tools() {
    const shown = this.day ?? today();
    const step = this.span === "week" ? 7 : 1;
    const move = (day) => () => {
      this.day = day;
      this.redraw();
    };
    const name = this.span === "week" ? month(noon(mondayOf(shown))) : longDay(noon(shown));
    return [
      h("p", { class: "period", "aria-live": "polite" }, name),
      h("div", { class: "row" },
        h("button", { type: "button", class: "quiet icon", label: "appointments.previous", onclick: move(addDays(shown, -step)) }, "‹"),
        h("button", { type: "button", class: "quiet", t: "appointments.today", onclick: move(today()) }),
        h("button", { type: "button", class: "quiet icon", label: "appointments.next", onclick: move(addDays(shown, step)) }, "›")),
      this.spans(),
      ...super.tools(),
    ];
  }

  spans() {
    const choice = (span) => h("label", {},
      h("input", { type: "radio", name: "span", value: span, checked: this.span === span, onchange: () => {
        this.span = span;
        this.redraw();
        this.root.querySelector(`input[value=${span}]`).focus();
      } }),
      h("span", { t: `appointments.${span}` }));
    return h("fieldset", { class: "segmented" }, h("legend", { class: "visually-hidden", t: "appointments.span" }), choice("week"), choice("day"));
  }
}

/** The first day from today on with something in it. */
function firstDay(appointments) {
  const coming = appointments.map(({ date }) => dayOf(date)).filter((day) => day >= today()).sort();
  return coming[0] ?? today();
}

const week = (day) => Array.from({ length: 7 }, (_, index) => addDays(mondayOf(day), index));

function open(appointment) {
  showDetails(["appointments.number", { id: appointment.id }], [
    ["admin.status", pill("status", appointment.status)],
    ["appointments.when", moment(appointment.date)],
    ["appointments.duration", h("span", { t: ["appointments.minutes", { n: appointment.duration }] })],
    ["appointments.patient", appointment.patientName],
    ["appointments.email", appointment.patientEmail],
    ["appointments.doctor", appointment.doctorName],
    ["appointments.type", h("span", { t: `type.${appointment.type}` })],
    ["appointments.notes", appointment.notes],
  ]);
}
