/** Appointments by week or by day, and where one can be booked. */

import { exchange, h } from "../dom.js";
import { longDay, month } from "../format.js";
import { get, getList, LOCKED, RestError } from "../rest.js";
import { may } from "../scopes.js";
import { book, openAppointment } from "./appointment-dialog.js";
import { calendar, clock, legend } from "./calendar.js";
import { addDays, dayOf, mondayOf, noon, today } from "./days.js";
import { deskTools } from "./desk.js";
import { Page } from "./page.js";
import { describe } from "./record-dialog.js";

const NARROW = "(max-width: 46rem)";
const MOST_PAGES = 5; // of a thousand appointments each, in the days that are shown
const FIRST_MINUTE = 9 * 60; // that a booking begins with where only a day was chosen

export class Appointments extends Page {
  constructor(root) {
    super(root, "appointments.title");
    this.span = matchMedia(NARROW).matches ? "day" : "week";
    this.day = null;
    this.doctor = "";
    this.doctors = null;
  }

  async open() {
    this.doctors = null;
    await this.load(null);
  }

  /** Only the days that are shown are fetched, and of them the doctor's that is. */
  async refresh() {
    try {
      const [day, doctors, canBook] = await Promise.all([this.day ?? firstDay(), this.doctors ?? doctorNames(), may("write")]);
      this.day ??= day; // somebody may have gone on meanwhile
      this.doctors ??= doctors;
      this.canBook = canBook;
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      if (this.isOpen) this.fail(error);
      return;
    }
    const days = this.days();
    this.path = `/appointments?${new URLSearchParams({ from: days[0], to: days.at(-1), ...(this.doctor && { doctor: this.doctor }) })}`;
    await super.refresh();
  }

  async fetch(path) {
    const found = await getList(path);
    for (let pages = 1; found.more && pages < MOST_PAGES; pages++) {
      const { data, more, next } = await getList(`${path}&cursor=${encodeURIComponent(found.next)}`);
      found.data.push(...data);
      Object.assign(found, { more, next });
    }
    return found;
  }

  days() {
    return this.span === "week" ? week(this.day) : [this.day];
  }

  draw(appointments) {
    const days = this.days();
    this.problem = h("p", { class: "alert", role: "alert", hidden: true });
    const { sheet, isCrowded } = calendar(days, appointments, {
      onOpen: (each) => openAppointment(each, () => this.refresh()),
      onFree: this.canBook && ((day, minute) => this.book(day, minute)),
      onCrowd: (day) => this.lookCloser(day),
    });
    sheet.dataset.from = days[0];
    return [
      this.problem,
      h("div", { class: "card sheet" }, sheet),
      h("div", { class: "under" }, legend(appointments), h("p", { class: "hint", t: this.canBook ? "appointments.zone.book" : "appointments.zone" })),
      isCrowded && h("p", { class: "hint", role: "note", t: "appointments.crowded" }),
    ].filter(Boolean);
  }

  /** Where a day has too many to show each: the day alone, and there a doctor to choose. */
  async lookCloser(day) {
    this.span = "day";
    await this.go(day);
    this.choice.focus();
  }

  async book(day = this.shownDay(), minute = null) {
    try {
      await book(`${day}T${clock(minute ?? FIRST_MINUTE)}`, this.doctor, () => this.refresh());
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      if (this.problem?.isConnected) describe(this.problem, error);
      else this.fail(error);
    }
  }

  tools() {
    const day = this.shownDay();
    this.period ??= h("p", { class: "period", "aria-live": "polite" });
    this.period.textContent = this.span === "week" ? month(noon(mondayOf(day))) : longDay(noon(day));
    this.steps ??= this.makeSteps();
    this.spans ??= this.makeSpans();
    for (const choice of this.spans.querySelectorAll("input")) choice.checked = choice.value === this.span;
    return [
      this.period,
      this.steps,
      this.spans,
      this.filter(),
      ...deskTools(this, "appointments.new", () => this.book()),
      ...super.tools(),
    ];
  }

  shownDay() {
    return this.day ?? today();
  }

  async go(day) {
    this.day = day;
    await this.refresh();
  }

  makeSteps() {
    const step = (way) => () => this.go(addDays(this.shownDay(), way * (this.span === "week" ? 7 : 1)));
    return h("div", { class: "row" },
      h("button", { type: "button", class: "quiet icon", label: "appointments.previous", onclick: step(-1) }, "‹"),
      h("button", { type: "button", class: "quiet", t: "appointments.today", onclick: () => this.go(today()) }),
      h("button", { type: "button", class: "quiet icon", label: "appointments.next", onclick: step(1) }, "›"));
  }

  filter() {
    this.choice ??= h("select", { class: "doctor", label: "appointments.doctor", onchange: () => {
      this.doctor = this.choice.value;
      this.refresh();
    } }, h("option", { value: "", t: "appointments.doctors.all" }));
    const shown = (this.data ?? []).map(({ doctorName }) => doctorName); // some take none any more
    const names = [...new Set([...(this.doctors ?? []), ...(this.doctor ? [this.doctor] : []), ...shown.sort()])];
    const [all, ...known] = this.choice.options;
    exchange(this.choice, all, ...names.map((name) => known.find(({ value }) => value === name) ?? h("option", { value: name }, name)));
    this.choice.value = this.doctor;
    return this.choice;
  }

  makeSpans() {
    const choice = (span) => h("label", {},
      h("input", { type: "radio", name: "span", value: span, onchange: () => {
        this.span = span;
        this.refresh();
      } }),
      h("span", { t: `appointments.${span}` }));
    return h("fieldset", { class: "segmented" }, h("legend", { class: "visually-hidden", t: "appointments.span" }), choice("week"), choice("day"));
  }
}

/** The first day from today on with something in it. */
async function firstDay() {
  const { data } = await getList(`/appointments?from=${today()}&limit=1`);
  return data.length ? dayOf(data[0].date) : today();
}

/** None for whoever may see the appointments without a key, and no more than them. */
async function doctorNames() {
  try {
    return (await get("/doctors")).map(({ name }) => name);
  } catch (error) {
    if (error instanceof RestError && LOCKED.has(error.kind)) return [];
    throw error;
  }
}

const week = (day) => Array.from({ length: 7 }, (_, index) => addDays(mondayOf(day), index));
