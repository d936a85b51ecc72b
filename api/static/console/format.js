/**
 * Dates, money and spans of time in the reader's language; the business's days are those of Buenos Aires.
 *
 * Times are of 24 hours in both. Prices are pesos: "$ 959,97" as Argentines write them, "ARS 959.97" for everybody else.
 * What a call costs is dollars.
 */

import { current, locale } from "./language.js";

export const ZONE = "America/Argentina/Buenos_Aires";

const DAYS = {
  en: { day: "numeric", month: "short", year: "numeric" }, // 28 Nov 2026
  es: { day: "2-digit", month: "2-digit", year: "numeric" }, // 28/11/2026
};
const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

const format = (iso, options) => new Intl.DateTimeFormat(locale(), { timeZone: ZONE, ...options }).format(new Date(iso));

export const date = (iso) => format(iso, DAYS[current()]);
export const moment = (iso) => format(iso, { ...DAYS[current()], ...CLOCK });
/** For lists: the year only where it is not this one. */
export const recent = (iso) => {
  const { year, ...days } = DAYS[current()];
  return format(iso, { ...(format(iso, { year }) === format(Date.now(), { year }) ? days : DAYS[current()]), ...CLOCK });
};
export const time = (iso) => format(iso, CLOCK);
export const weekday = (iso) => format(iso, { weekday: "short", day: "numeric" });
export const longDay = (iso) => format(iso, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
export const month = (iso) => format(iso, { month: "long", year: "numeric" });

export const money = (amount) => new Intl.NumberFormat(locale(), { style: "currency", currency: "ARS" }).format(amount);
export const cost = (amount) =>
  new Intl.NumberFormat(locale(), { style: "currency", currency: "USD", maximumFractionDigits: 4 }).format(amount);
export const count = (amount) => new Intl.NumberFormat(locale()).format(amount);

/** Seconds as 1:05. */
export function span(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
