/** The facts of the business as a form: the keys of docs/facts.md, each in a field of its own. */

import { h } from "../dom.js";
import { Faults } from "./editor.js";
import { area, faultsOf, field, input, lines, rowField, rows, unlines } from "./forms.js";

const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const CLOSED = "closed";
const MOST_PRODUCTS = 500;

/** The values of the form, whole and in one order, so that two of them can be compared. */
export function valuesOf(facts) {
  const { national = true, closed = {}, open = {} } = facts.holidays ?? {};
  return {
    name: facts.name ?? "",
    address: facts.address ?? "",
    delivery: facts.delivery ?? "",
    emergency: facts.emergency ?? "",
    hours: weekOf(facts.hours),
    holidays: { national, closed: { ...closed }, open: { ...open } },
    plans: facts.plans ?? [],
    doctors: (facts.doctors ?? []).map(doctorOf),
    questions: (facts.questions ?? []).map(({ asked, answer }) => ({ asked, answer })),
    products: (facts.products ?? []).map(productOf),
  };
}

/** What the server takes: what is empty is left out. */
export function documentOf({ hours, doctors, products, ...values }) {
  return present({
    ...values,
    hours: openings(hours),
    doctors: doctors.map(({ days, ...doctor }) => present({ ...doctor, days: days && openings(days) })),
    products: products.map(present),
  });
}

/** Faults of the server by the form's names: pydantic counts rows from 0, the facts' reader from 1. */
export function factsFaults(error) {
  return faultsOf(error).map((fault) => ({ ...fault, key: fault.key.replace(/\.(\d+)(?=\.|$)/g, (_, n) => `[${Number(n) + 1}]`) }));
}

export function drawFacts(values) {
  const parts = [words(values), hours(values), holidays(values.holidays), plans(values.plans), doctors(values.doctors), questions(values.questions), products(values.products)];
  const element = h("div", { class: "sections" }, parts.map((part) => part.element));
  return { element, read() {
    const read = Object.assign({}, ...parts.map((part) => part.read()));
    return valuesOf(read);
  } };
}

// How two versions of each section are told apart.

const hoursTold = (week) => DAYS.map((day) => `${day} ${week[day] || CLOSED}`).join("\n");
const daysTold = (days) => Object.entries(days).map(([day, what]) => `${day}: ${what}`).join("\n");
const plainText = (text) => text || "–";
export const FIELDS = {
  name: { t: "business.name", show: plainText },
  address: { t: "business.address", show: plainText },
  delivery: { t: "business.delivery", show: plainText },
  emergency: { t: "business.emergency", show: plainText },
  hours: { t: "business.hours", show: hoursTold },
  holidays: { t: "business.holidays", show: ({ national, closed, open }) => [national ? "✓" : "✗", daysTold(closed), daysTold(open)].filter(Boolean).join("\n") },
  plans: { t: "business.plans", show: (plans) => plainText(plans.join(", ")) },
  doctors: { t: "business.doctors", show: (all) => plainText(all.map((doctor) => [doctor.name, doctor.speciality, doctor.slot_minutes.join("/"), doctor.off.join(", "), doctor.days && hoursTold(doctor.days).replaceAll("\n", ", "), doctor.plans.join(", ")].filter(Boolean).join(" · ")).join("\n")) },
  questions: { t: "business.questions", show: (all) => plainText(all.map(({ asked, answer }) => `${asked.join(" / ")} → ${answer}`).join("\n")) },
  products: { t: "business.products", show: (all) => plainText(all.map(({ name, also, price, delivery_days: days }) => [name, also.join(", "), price, days].filter(Boolean).join(" · ")).join("\n")) },
};

// The sections.

const card = (t, hint, ...content) => h("section", { class: "card" }, h("h2", { t }), h("p", { class: "hint", t: hint }), ...content);

function words(values) {
  const name = input(values.name, { maxlength: 80 });
  const address = input(values.address, { maxlength: 600 });
  const delivery = area(values.delivery, { maxlength: 600, rows: 2 });
  const emergency = area(values.emergency, { maxlength: 600, rows: 2 });
  const element = card("business.about", "business.about.hint", h("div", { class: "form" },
    field("name", "business.name", name),
    field("address", "business.address", address, { hint: "business.address.hint", wide: true }),
    field("delivery", "business.delivery", delivery, { wide: true }),
    field("emergency", "business.emergency", emergency, { hint: "business.emergency.hint", wide: true })));
  const text = (control) => control.value.trim();
  return { element, read: () => ({ name: text(name), address: text(address), delivery: text(delivery), emergency: text(emergency) }) };
}

function week(values, make) {
  const controls = Object.fromEntries(DAYS.map((day) => [day, input(values[day], { maxlength: 60, placeholder: "8:00-12:30, 16:00-20:00" })]));
  const element = h("div", { class: "form" }, DAYS.map((day) => make(day, `weekday.${day}`, controls[day])));
  return { element, read: () => Object.fromEntries(DAYS.map((day) => [day, controls[day].value.trim()])) };
}

function hours(values) {
  const all = week(values.hours, (day, t, control) => field(`hours.${day}`, t, control));
  return { element: card("business.hours", "business.hours.hint", all.element), read: () => ({ hours: all.read() }) };
}

function holidays({ national, closed, open }) {
  const kept = h("input", { type: "checkbox", checked: national });
  const calendar = (name, days, what) => rows({
    name: `holidays.${name}`, values: Object.entries(days), blank: () => ["", ""], path: (_, row) => `holidays.${name}.${row.day()}`,
    add: `business.${name}.add`, remove: "business.day.remove",
    make([day, value]) {
      const when = input(day, { maxlength: 10, placeholder: "12-24" });
      const told = input(value, { maxlength: 80 });
      return {
        element: h("li", {}, rowField("day", "business.day", when), rowField("what", what, told)),
        day: () => when.value.trim(),
        read: () => [when.value.trim(), told.value.trim()],
      };
    },
  });
  const shut = calendar("closed", closed, "business.day.name");
  const special = calendar("open", open, "business.day.hours");
  const element = card("business.holidays", "business.holidays.hint",
    h("label", { class: "pick" }, kept, h("span", { t: "business.national" })),
    h("h3", { t: "business.closed" }), shut.element, h("h3", { t: "business.open" }), special.element);
  return { element, read: () => ({ holidays: { national: kept.checked, closed: byDay("closed", shut.read()), open: byDay("open", special.read()) } }) };
}

/** Days with what is told of each. Throws Faults for a day that is there twice. */
function byDay(name, read) {
  const given = read.filter(([day, what]) => day || what);
  const twice = given.find(([day], n) => given.findIndex(([other]) => other === day) !== n);
  if (twice) throw new Faults([{ key: `holidays.${name}.${twice[0]}`, wrong: "is there twice" }]);
  return Object.fromEntries(given);
}

function plans(values) {
  const control = area(unlines(values), { rows: 4 });
  return { element: card("business.plans", "business.plans.hint", field("plans", "business.plans.each", control)), read: () => ({ plans: lines(control.value) }) };
}

function doctors(values) {
  const all = rows({
    name: "doctors", values, blank: () => doctorOf({}), path: (n) => `doctors[${n + 1}]`, make: doctor,
    add: "business.doctors.add", remove: "business.doctors.remove",
  });
  return { element: card("business.doctors", "business.doctors.hint", all.element), read: () => ({ doctors: all.read().map(withMinutes) }) };
}

function doctor(value) {
  const name = input(value.name, { maxlength: 80 });
  const speciality = input(value.speciality, { maxlength: 80 });
  const minutes = input(value.slot_minutes.join(", "), { maxlength: 80, placeholder: "30, 45" });
  const off = area(unlines(value.off), { rows: 2, placeholder: "2026-12-24 to 2027-01-06" });
  const theirs = area(unlines(value.plans), { rows: 2 });
  const days = week(value.days ?? weekOf(), (day, t, control) => rowField(`days.${day}`, t, control));
  const always = h("input", { type: "checkbox", checked: !value.days, onchange: () => (own.hidden = always.checked) });
  const own = h("div", { class: "wide", hidden: !value.days }, h("p", { class: "hint", t: "business.hours.hint" }), days.element);
  const element = h("li", {},
    rowField("name", "business.doctor.name", name), rowField("speciality", "business.doctor.speciality", speciality),
    rowField("slot_minutes", "business.doctor.minutes", minutes, { hint: "business.doctor.minutes.hint" }),
    rowField("off", "business.doctor.off", off, { hint: "business.doctor.off.hint" }),
    rowField("plans", "business.doctor.plans", theirs, { hint: "business.doctor.plans.hint" }),
    h("label", { class: "pick wide" }, always, h("span", { t: "business.doctor.always" })), own);
  return { element, read: () => ({
    name: name.value.trim(), speciality: speciality.value.trim(), days: always.checked ? null : days.read(), off: lines(off.value),
    slot_minutes: minutes.value.split(/[\s,;/]+/).filter(Boolean).map(Number), plans: lines(theirs.value),
  }) };
}

/** Throws Faults for lengths that are no numbers. */
function withMinutes(doctor, n) {
  if (doctor.slot_minutes.every(Number.isInteger)) return doctor;
  throw new Faults([{ key: `doctors[${n + 1}].slot_minutes`, wrong: "should be a number" }]);
}

function questions(values) {
  const all = rows({
    name: "questions", values, blank: () => ({ asked: [], answer: "" }), path: (n) => `questions[${n + 1}]`,
    add: "business.questions.add", remove: "business.questions.remove",
    make({ asked, answer }) {
      const ways = area(unlines(asked), { rows: 3 });
      const told = area(answer, { rows: 3, maxlength: 600 });
      return {
        element: h("li", {}, rowField("asked", "questions.ways", ways), rowField("answer", "questions.says", told)),
        read: () => ({ asked: lines(ways.value), answer: told.value.trim() }),
      };
    },
  });
  return { element: card("business.questions", "business.questions.hint", all.element), read: () => ({ questions: all.read().map(withWays) }) };
}

/** Throws Faults for one that nobody would ask. */
function withWays(question, n) {
  if (question.asked.length) return question;
  throw new Faults([{ key: `questions[${n + 1}].asked`, wrong: "is missing" }]);
}

/** Drawn when they are looked at: there may be hundreds. */
function products(values) {
  let all = null;
  const place = h("div");
  const open = () => {
    if (all) return;
    all = rows({
      name: "products", values, blank: () => productOf({}), path: (n) => `products[${n + 1}]`, make: product,
      add: "business.products.add", remove: "business.products.remove", most: MOST_PRODUCTS,
    });
    place.replaceChildren(all.element);
  };
  const details = h("details", { class: "card", ontoggle: () => details.open && open() },
    h("summary", { t: ["business.products.count", { n: values.length }] }), h("p", { class: "hint", t: "business.products.hint" }), place);
  return { element: details, read: () => ({ products: all ? all.read() : values }) };
}

function product(value) {
  const name = input(value.name, { maxlength: 80 });
  const also = area(unlines(value.also), { rows: 2 });
  const price = input(value.price, { inputmode: "decimal", maxlength: 20 });
  const days = input(value.delivery_days, { type: "number", min: 0, max: 365 });
  const element = h("li", {},
    rowField("name", "business.product.name", name), rowField("also", "business.product.also", also, { hint: "business.each-line" }),
    rowField("price", "business.product.price", price), rowField("delivery_days", "business.product.days", days));
  return { element, read: () => ({ name: name.value.trim(), also: lines(also.value), price: price.value.trim(), delivery_days: days.value === "" ? null : Number(days.value) }) };
}

// The shapes.

const weekOf = (week) => Object.fromEntries(DAYS.map((day) => [day, week?.[day] && week[day] !== CLOSED ? week[day] : ""]));

const doctorOf = ({ name, speciality, days, off, slot_minutes, plans }) => ({
  name: name ?? "", speciality: speciality ?? "", days: days ? weekOf(days) : null, off: off ?? [], slot_minutes: slot_minutes ?? [], plans: plans ?? [],
});

const productOf = ({ name, also, price, delivery_days }) => ({ name: name ?? "", also: also ?? [], price: price ?? "", delivery_days: delivery_days ?? null });

const openings = (week) => Object.fromEntries(DAYS.map((day) => [day, week[day] || CLOSED]));
const present = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== "" && value !== null && !(Array.isArray(value) && !value.length)));
