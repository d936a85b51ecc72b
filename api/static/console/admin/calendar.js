/** Days side by side, with what lies in each at its hour; what overlaps shares the width. */

import { h } from "../dom.js";
import { time, weekday } from "../format.js";
import { dayOf, minuteOf, noon, today } from "./days.js";

const FIRST_HOUR = 8;
const LAST_HOUR = 20;
const HUES = 5;
const ROOMY_MINUTES = 40; // room for a second line

export function calendar(days, appointments, onOpen) {
  const hues = doctors(appointments);
  const [from, to] = hours(appointments);
  const grid = h("div", { class: "calendar", tabindex: "0", role: "region", label: "appointments.title" });
  grid.style.setProperty("--days", days.length);
  grid.style.setProperty("--hours", to - from);
  grid.append(ruler(from, to));
  for (const day of days) {
    const those = appointments.filter(({ date }) => dayOf(date) === day);
    grid.append(column(day, those, from, hues, onOpen));
  }
  return grid;
}

/** A legend of who is which colour. */
export function legend(appointments) {
  const items = [...doctors(appointments)].map(([name, hue]) => h("li", { class: `hue-${hue}` }, name));
  return h("ul", { class: "legend" }, items);
}

function column(day, appointments, from, hues, onOpen) {
  const list = h("ol", {}, lanes(appointments).map(({ appointment, lane, of }) => {
    const size = appointment.duration < ROOMY_MINUTES ? "short" : "roomy";
    const look = `hue-${hues.get(appointment.doctorName)} ${appointment.status} ${size}`;
    const item = h("li", { class: look }, card(appointment, onOpen));
    item.style.setProperty("--from", (minuteOf(appointment.date) - from * 60) / 60);
    item.style.setProperty("--span", appointment.duration / 60);
    item.style.setProperty("--lane", lane);
    item.style.setProperty("--lanes", of);
    return item;
  }));
  return h(
    "section",
    { class: day === today() ? "day today" : "day" },
    h("h2", { ...(day === today() ? { "aria-current": "date" } : {}) }, weekday(noon(day))),
    appointments.length ? null : h("p", { class: "visually-hidden", t: "appointments.free" }),
    list,
  );
}

function card(appointment, onOpen) {
  return h(
    "button",
    { type: "button", onclick: () => onOpen(appointment) },
    h("span", {}, h("b", {}, time(appointment.date)), ` ${appointment.patientName}`),
    h("small", {}, appointment.doctorName),
  );
}

function ruler(from, to) {
  const marks = Array.from({ length: to - from }, (_, index) => h("span", {}, `${from + index}:00`));
  return h("div", { class: "ruler", "aria-hidden": "true" }, marks);
}

function hours(appointments) {
  const starts = appointments.map(({ date }) => Math.floor(minuteOf(date) / 60));
  const ends = appointments.map(({ date, duration }) => Math.ceil((minuteOf(date) + duration) / 60));
  return [Math.min(FIRST_HOUR, ...starts), Math.max(LAST_HOUR, ...ends.map((end) => Math.min(end, 24)))];
}

/** Which of how many columns each appointment takes. */
function lanes(appointments) {
  const placed = [];
  for (const appointment of appointments.toSorted((a, b) => a.date.localeCompare(b.date))) {
    const start = minuteOf(appointment.date);
    const taken = placed.filter((each) => each.end > start).map(({ lane }) => lane);
    let lane = 0;
    while (taken.includes(lane)) lane += 1;
    placed.push({ appointment, lane, start, end: start + appointment.duration });
  }
  return placed.map((each) => {
    const together = placed.filter((other) => other.start < each.end && each.start < other.end);
    return { ...each, of: Math.max(...together.map(({ lane }) => lane)) + 1 };
  });
}

function doctors(appointments) {
  const names = [...new Set(appointments.map(({ doctorName }) => doctorName))].sort();
  return new Map(names.map((name, index) => [name, index % HUES]));
}
