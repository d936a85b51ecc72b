/** Dates, money and spans of time in the reader's language; the business's days are those of Buenos Aires. */

import { locale } from "./language.js";

export const ZONE = "America/Argentina/Buenos_Aires";

const format = (iso, options) => new Intl.DateTimeFormat(locale(), { timeZone: ZONE, ...options }).format(new Date(iso));

export const date = (iso) => format(iso, { day: "numeric", month: "short", year: "numeric" });
export const moment = (iso) => format(iso, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
export const time = (iso) => format(iso, { hour: "2-digit", minute: "2-digit", hour12: false });
export const weekday = (iso) => format(iso, { weekday: "short", day: "numeric" });
export const longDay = (iso) => format(iso, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
export const month = (iso) => format(iso, { month: "long", year: "numeric" });

export const money = (amount) =>
  new Intl.NumberFormat(locale(), { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol" }).format(amount);
export const cost = (amount) =>
  new Intl.NumberFormat(locale(), { style: "currency", currency: "USD", maximumFractionDigits: 4 }).format(amount);
export const count = (amount) => new Intl.NumberFormat(locale()).format(amount);

/** Seconds as 1:05. */
export function span(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
