/** Calendar days of Buenos Aires as YYYY-MM-DD. Argentina has kept UTC-3 the whole year since 2009. */

import { ZONE } from "../format.js";

const PARTS = new Intl.DateTimeFormat("en-CA", { timeZone: ZONE, year: "numeric", month: "2-digit", day: "2-digit" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hour: "2-digit", minute: "2-digit" });

export const dayOf = (iso) => PARTS.format(new Date(iso));
export const today = () => dayOf(Date.now());

/** Noon of a day: safe to format in any zone near. */
export const noon = (day) => `${day}T12:00:00-03:00`;

export function addDays(day, days) {
  const moved = new Date(noon(day));
  moved.setUTCDate(moved.getUTCDate() + days);
  return dayOf(moved);
}

export function mondayOf(day) {
  const weekday = new Date(noon(day)).getUTCDay();
  return addDays(day, -((weekday + 6) % 7));
}

/** Minutes since midnight. */
export function minuteOf(iso) {
  const [hours, minutes] = CLOCK.format(new Date(iso)).split(":").map(Number);
  return hours * 60 + minutes;
}
