/** An appointment in a dialog: looked at, booked, changed, cancelled. */

import { h } from "../dom.js";
import { moment } from "../format.js";
import { say } from "../language.js";
import { get, getTagged, send } from "../rest.js";
import { dayOf, minuteOf } from "./days.js";
import { pill, showDetails } from "./details.js";
import { openEditor } from "./editor-dialog.js";
import { area, field, input, select } from "./forms.js";
import { deeds } from "./record-dialog.js";

const TYPES = ["consultation", "follow-up", "emergency", "routine"];
const ACTIVE = ["scheduled", "confirmed"];
const LENGTHS = [10, 15, 20, 30, 40, 45, 60, 90, 120]; // minutes, of a doctor who names none
const USUAL_MINUTES = 30;

/** Show an appointment; `then` is called after a change. */
export function openAppointment(appointment, then, ...notes) {
  showDetails(["appointments.number", { id: appointment.id }], [
    ["admin.status", pill("status", appointment.status)],
    ["appointments.when", moment(appointment.date)],
    ["appointments.duration", h("span", { t: ["appointments.minutes", { n: appointment.duration }] })],
    ["appointments.patient", appointment.patientName],
    ["appointments.email", appointment.patientEmail],
    ["appointments.doctor", appointment.doctorName],
    ["appointments.type", h("span", { t: `type.${appointment.type}` })],
    ["appointments.notes", appointment.notes],
  ], ...notes, ...deeds(KIND(then), appointment, then));
}

/** Book one; `at` is `2026-11-30T09:00`, in Buenos Aires. Raises RestError. */
export async function book(at, doctor, then) {
  const doctors = await get("/doctors");
  openEditor("appointments.new", {
    valuesOf: () => valuesOf({ doctorName: doctor || doctors[0]?.name }, at),
    draw: (values) => draw(values, doctors, true),
    send: ({ status, ...values }) => send("POST", "/appointments", body(values)),
    fields: FIELDS,
    onSaved: then,
  }, null);
}

const KIND = (then) => ({
  path,
  title: ({ id }) => ["appointments.number", { id }],
  show: (appointment, ...notes) => openAppointment(appointment, then, ...notes),
  canCancel: ({ status }) => ACTIVE.includes(status),
  cancel: "appointments.cancel",
  question: "appointments.cancel.question",
  spec: async (appointment) => {
    const doctors = await get("/doctors");
    return {
      valuesOf: (data) => valuesOf(data, local(data.date)),
      draw: (values) => draw(values, doctors, false),
      send: (changes, etag) => send("PUT", path(appointment), body(changes), etag),
      fetch: () => getTagged(path(appointment)),
      fields: FIELDS,
    };
  },
});

const path = ({ id }) => `/appointments/${encodeURIComponent(id)}`;

const valuesOf = (appointment, at) => ({
  patientName: appointment.patientName ?? "",
  patientEmail: appointment.patientEmail ?? "",
  doctorName: appointment.doctorName ?? "",
  date: at,
  duration: appointment.duration ?? USUAL_MINUTES,
  type: appointment.type ?? TYPES[0],
  status: appointment.status ?? ACTIVE[0],
  notes: appointment.notes ?? "",
});

const FIELDS = {
  patientName: { t: "appointments.patient", show: String },
  patientEmail: { t: "appointments.email", show: String },
  doctorName: { t: "appointments.doctor", show: String },
  date: { t: "appointments.when", show: (at) => moment(iso(at)) },
  duration: { t: "appointments.duration", show: (n) => say("appointments.minutes", { n }) },
  type: { t: "appointments.type", show: (type) => say(`type.${type}`) },
  status: { t: "admin.status", show: (status) => say(`status.${status}`) },
  notes: { t: "appointments.notes", show: (text) => text || "–" },
};

function draw(values, doctors, isNew) {
  const over = !ACTIVE.includes(values.status);
  const names = [...new Set([values.doctorName, ...doctors.map(({ name }) => name)].filter(Boolean))];
  const statuses = over ? [values.status] : [...ACTIVE, "completed"];
  const controls = {
    patientName: input(values.patientName, { maxlength: 80 }),
    patientEmail: input(values.patientEmail, { type: "email", maxlength: 120 }),
    doctorName: names.length ? select(values.doctorName, names.map((name) => [name]), { disabled: over }) : input(""),
    date: input(values.date, { type: "datetime-local", step: 300, disabled: over }),
    duration: h("select", { disabled: over }),
    type: select(values.type, TYPES.map((type) => [type, `type.${type}`])),
    status: select(values.status, statuses.map((status) => [status, `status.${status}`]), { disabled: over }),
    notes: area(values.notes, { maxlength: 300 }),
  };
  const lengths = () => {
    const theirs = doctors.find(({ name }) => name === controls.doctorName.value)?.slotMinutes ?? [];
    const chosen = Number(controls.duration.value) || values.duration;
    const possible = theirs.length ? theirs : LENGTHS;
    const keep = isNew || possible.includes(chosen) ? [] : [chosen];
    controls.duration.replaceChildren(...[...possible, ...keep].toSorted((a, b) => a - b).map((n) => h("option", { value: n, t: ["appointments.minutes", { n }] })));
    controls.duration.value = possible.includes(chosen) || keep.length ? chosen : possible[0];
  };
  controls.doctorName.addEventListener("change", lengths);
  lengths();
  const element = h("div", { class: "form" },
    field("patientName", "appointments.patient", controls.patientName),
    field("patientEmail", "appointments.email", controls.patientEmail),
    field("doctorName", "appointments.doctor", controls.doctorName),
    field("date", "appointments.when", controls.date, { hint: over ? "appointments.over" : "appointments.zone" }),
    field("duration", "appointments.duration", controls.duration),
    field("type", "appointments.type", controls.type),
    !isNew && field("status", "admin.status", controls.status),
    field("notes", "appointments.notes", controls.notes, { wide: true }));
  return { element, read: () => ({ ...Object.fromEntries(Object.entries(controls).map(([name, control]) => [name, control.value.trim()])), duration: Number(controls.duration.value) }) };
}

/** A moment as an input of Buenos Aires has it. */
export function local(moment) {
  const minutes = minuteOf(moment);
  return `${dayOf(moment)}T${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

const iso = (at) => `${at}:00-03:00`;

const body = ({ date, ...rest }) => ({ ...rest, ...(date !== undefined && { date: date ? iso(date) : "" }) });
