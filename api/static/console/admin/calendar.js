/** Days side by side, with what lies in each at its hour; what overlaps shares the width. */

import { h } from "../dom.js";
import { longDay, time, weekday } from "../format.js";
import { dayOf, minuteOf, noon, today } from "./days.js";

const FIRST_HOUR = 8;
const LAST_HOUR = 20;
const HUES = 5;
const ROOMY_MINUTES = 30; // room for a second line
const SLOT_MINUTES = 30; // that a click on free time begins at

/** `onFree(day, minute)` is called for a click on free time, and with no minute for a day's own button; null for those who
 * may not book. */
export function calendar(days, appointments, onOpen, onFree) {
  const hues = doctors(appointments);
  const [from, to] = hours(appointments);
  const grid = h("div", { class: "calendar", tabindex: "0", role: "region", label: "appointments.title" });
  grid.style.setProperty("--days", days.length);
  grid.style.setProperty("--hours", to - from);
  grid.append(ruler(from, to));
  for (const day of days) {
    const those = appointments.filter(({ date }) => dayOf(date) === day);
    grid.append(column(day, those, from, hues, onOpen, onFree));
  }
  return grid;
}

/** A legend of who is which colour. */
export function legend(appointments) {
  const items = [...doctors(appointments)].map(([name, hue]) => h("li", { class: `hue-${hue}` }, name));
  return h("ul", { class: "legend" }, items);
}

function column(day, appointments, from, hues, onOpen, onFree) {
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
  if (onFree) bookable(list, from, (minute) => onFree(day, minute));
  return h(
    "section",
    { class: day === today() ? "day today" : "day" },
    h("header", {},
      h("h2", { ...(day === today() ? { "aria-current": "date" } : {}) }, weekday(noon(day))),
      onFree && h("button", { type: "button", class: "book", label: ["appointments.book", { day: longDay(noon(day)) }], onclick: () => onFree(day, null) }, "+")),
    appointments.length ? null : h("p", { class: "visually-hidden", t: "appointments.free" }),
    list,
  );
}

/** A click on what is free begins a booking there; where it would begin is shown under the pointer. */
function bookable(list, from, onFree) {
  const ghost = h("li", { class: "ghost", "aria-hidden": "true" });
  const minuteAt = (event) => {
    const box = list.getBoundingClientRect();
    const minutes = ((event.clientY - box.top) / box.height) * Number(getComputedStyle(list).getPropertyValue("--hours")) * 60;
    return from * 60 + Math.floor(minutes / SLOT_MINUTES) * SLOT_MINUTES;
  };
  list.classList.add("bookable");
  list.append(ghost);
  list.addEventListener("pointermove", (event) => {
    const minute = minuteAt(event);
    ghost.hidden = event.target !== list && event.target !== ghost;
    ghost.textContent = clock(minute);
    ghost.style.setProperty("--from", (minute - from * 60) / 60);
    ghost.style.setProperty("--span", SLOT_MINUTES / 60);
  });
  list.addEventListener("pointerleave", () => (ghost.hidden = true));
  list.addEventListener("click", (event) => {
    if (event.target === list || event.target === ghost) onFree(minuteAt(event));
  });
  ghost.hidden = true;
}

/** Minutes of a day as 9:30. */
export const clock = (minutes) => `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;

function card(appointment, onOpen) {
  return h(
    "button",
    { type: "button", title: `${appointment.patientName} · ${appointment.doctorName}`, onclick: () => onOpen(appointment) },
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
