/** Who may ring, and whom callers are passed on to: settings of the server, shown with the name that changes each. */

import { h } from "../dom.js";
import { weekday } from "../format.js";
import { get, RestError } from "../rest.js";
import { may } from "../scopes.js";
import { clock } from "./calendar.js";
import { describe } from "./record-dialog.js";

const MONDAY = "2024-01-01T12:00:00-03:00";
const DAY_MS = 24 * 3600 * 1000;

export class LinePanel {
  constructor() {
    this.place = h("div");
    this.element = h("section", { class: "card", id: "line", "aria-labelledby": "line-title", hidden: true },
      h("h2", { id: "line-title", t: "door.title" }), h("p", { class: "hint", t: "door.hint" }), this.place);
  }

  /** Only for those who may see numbers. */
  async refresh() {
    this.element.hidden = !(await may("calls"));
    if (this.element.hidden) return;
    try {
      this.place.replaceChildren(draw(await get("/line")));
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      const problem = h("p", { class: "alert", role: "alert" });
      describe(problem, error);
      this.place.replaceChildren(problem);
    }
  }
}

function draw(line) {
  return h("dl", { class: "settings" },
    setting("door.targets", "TRANSFER_TARGETS", line.targets.length ? h("ul", {}, line.targets.map(target)) : say("door.targets.none")),
    line.targets.length > 0 && setting("door.mode", "TRANSFER_MODE", say(`door.mode.${line.transferMode}`)),
    line.targets.length > 0 && setting("door.from", "TRANSFER_FROM", line.transferFrom ?? say("door.from.none")),
    line.targets.length > 0 && setting("door.ring", "TRANSFER_RING_S", say(["door.seconds", { n: line.transferRingSeconds }])),
    setting("door.callbacks", "CALLBACKS", say(line.callbacks ? "door.callbacks.yes" : "door.callbacks.no")),
    setting("door.closed", "CLOSED", say(`door.closed.${line.closed}`)),
    setting("door.blocked", "BLOCKED_NUMBERS", line.blockedNumbers.join(", ") || say("door.blocked.none")),
    setting("door.countries", "ALLOWED_COUNTRIES", line.allowedCountries.join(", ") || say("door.countries.all")),
    setting("door.anonymous", "ANONYMOUS", say(`door.anonymous.${line.anonymous}`)),
    setting("door.minute", "CALLS_PER_NUMBER_PER_MINUTE", limit(line.callsPerMinute)),
    setting("door.once", "SEATS_PER_NUMBER", limit(line.callsAtOnce)));
}

const say = (t) => h("span", { t });
const limit = (n) => (n ? String(n) : say("door.no-limit"));
const setting = (t, name, value) => h("div", {}, h("dt", {}, h("span", { t }), h("code", {}, name)), h("dd", {}, value));

function target({ address, reasons, hours, isThere }) {
  const spans = hours?.map(({ days, opens, closes }) => `${days.map(dayName).join(" ")} ${clock(opens)}–${clock(closes)}`).join("; ");
  return h("li", {}, address, " · ", reasons ? reasons.join(", ") : say("door.any"), " · ", spans ?? say("door.always"), " ",
    h("span", { class: `pill ${isThere ? "confirmed" : ""}`, t: isThere ? "door.there" : "door.away" }));
}

const dayName = (n) => weekday(new Date(Date.parse(MONDAY) + n * DAY_MS).toISOString()).replace(/[\d\s.,]/g, "");
