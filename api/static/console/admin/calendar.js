/** Days side by side, with what lies in each at its hour; what overlaps shares the width. */

import { h } from "../dom.js";
import { count, longDay, time, weekday } from "../format.js";
import { dayOf, minuteOf, noon, today } from "./days.js";

const FIRST_HOUR = 8;
const LAST_HOUR = 20;
const MOST_CARDS = 400; // of appointments, shared by the days
const HUES = 5;
const ROOMY_MINUTES = 30; // room for a second line
const SLOT_MINUTES = 30; // that a click on free time begins at

/**
 * The `sheet`, and whether a day of it `isCrowded`: told by the hour, because it has more than its share of `MOST_CARDS`.
 * `onFree(day, minute)` is called for a click on free time, and with no minute for a day's own button; null for those who
 * may not book. `onCrowd(day)` is called for an hour of a crowded day.
 */
export function calendar(days, appointments, { onOpen, onFree, onCrowd }) {
  const hues = doctors(appointments);
  const [from, to] = hours(appointments);
  const byDay = groupedBy(appointments, ({ date }) => dayOf(date));
  const sheet = h("div", { class: "calendar", tabindex: "0", role: "region", label: "appointments.title" });
  sheet.style.setProperty("--days", days.length);
  sheet.style.setProperty("--hours", to - from);
  sheet.append(ruler(from, to));
  let isCrowded = false;
  for (const day of days) {
    const those = byDay.get(day) ?? [];
    const many = those.length > MOST_CARDS / days.length;
    isCrowded ||= many;
    sheet.append(column(day, many ? crowd(those, from, () => onCrowd(day)) : cards(those, from, hues, onOpen), from, onFree));
  }
  return { sheet, isCrowded };
}

/** A legend of who is which colour. */
export function legend(appointments) {
  const items = [...doctors(appointments)].map(([name, hue]) => h("li", { class: `hue-${hue}` }, name));
  return h("ul", { class: "legend" }, items);
}

function column(day, items, from, onFree) {
  const list = h("ol", {}, items);
  if (onFree) bookable(list, from, (minute) => onFree(day, minute));
  return h(
    "section",
    { class: day === today() ? "day today" : "day" },
    h("header", {},
      h("h2", { ...(day === today() ? { "aria-current": "date" } : {}) }, weekday(noon(day))),
      onFree && h("button", { type: "button", class: "book", label: ["appointments.book", { day: longDay(noon(day)) }], onclick: () => onFree(day, null) }, "+")),
    items.length ? null : h("p", { class: "visually-hidden", t: "appointments.free" }),
    list,
  );
}

function cards(appointments, from, hues, onOpen) {
  return lanes(appointments).map(({ appointment, lane, of }) => {
    const size = appointment.duration < ROOMY_MINUTES ? "short" : "roomy";
    const look = `hue-${hues.get(appointment.doctorName)} ${appointment.status} ${size}`;
    return placed(h("li", { class: look }, card(appointment, onOpen)), minuteOf(appointment.date) - from * 60, appointment.duration, lane, of);
  });
}

/** A block for each hour in which something begins, with how many do. */
function crowd(appointments, from, onLook) {
  return [...groupedBy(appointments, ({ date }) => Math.floor(minuteOf(date) / 60))].map(([hour, those]) => {
    const button = h("button", { type: "button", label: ["appointments.crowd.label", { count: count(those.length), time: clock(hour * 60) }], onclick: onLook },
      h("b", {}, count(those.length)), h("small", { t: "appointments.crowd" }));
    return placed(h("li", { class: "crowd" }, button), (hour - from) * 60, 60, 0, 1);
  });
}

/** Put at its minutes, in one of so many lanes. */
function placed(item, from, minutes, lane, of) {
  const place = { from: from / 60, span: minutes / 60, lane, lanes: of };
  for (const [name, value] of Object.entries(place)) item.style.setProperty(`--${name}`, value);
  return item;
}

function groupedBy(items, key) {
  const groups = new Map();
  for (const item of items) {
    const name = key(item);
    if (groups.has(name)) groups.get(name).push(item);
    else groups.set(name, [item]);
  }
  return groups;
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
  const laid = [];
  for (const appointment of appointments.toSorted((a, b) => a.date.localeCompare(b.date))) {
    const start = minuteOf(appointment.date);
    const taken = laid.filter((each) => each.end > start).map(({ lane }) => lane);
    let lane = 0;
    while (taken.includes(lane)) lane += 1;
    laid.push({ appointment, lane, start, end: start + appointment.duration });
  }
  return laid.map((each) => {
    const together = laid.filter((other) => other.start < each.end && each.start < other.end);
    return { ...each, of: Math.max(...together.map(({ lane }) => lane)) + 1 };
  });
}

function doctors(appointments) {
  const names = [...new Set(appointments.map(({ doctorName }) => doctorName))].sort();
  return new Map(names.map((name, index) => [name, index % HUES]));
}
