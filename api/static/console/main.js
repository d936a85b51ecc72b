/** The console: which section is shown, in which language and light. */

import { Appointments } from "./admin/appointments.js";
import { Business } from "./admin/business.js";
import { CallBacks } from "./admin/callbacks.js";
import { Calls } from "./admin/calls.js";
import { Customer } from "./admin/customer.js";
import { Orders } from "./admin/orders.js";
import { Today } from "./admin/today.js";
import { Webhooks } from "./admin/webhooks.js";
import { byId } from "./dom.js";
import { choose, current, translate } from "./language.js";
import { Talk } from "./talk/talk.js";

translate();
const talk = new Talk();
const sections = {
  talk: { open() {}, close() {} },
  orders: new Orders(byId("orders")),
  appointments: new Appointments(byId("appointments")),
  calls: new Calls(byId("calls")),
  callbacks: new CallBacks(byId("callbacks")),
  business: new Business(byId("business")),
  today: new Today(byId("today")),
  customer: new Customer(byId("customer")),
  webhooks: new Webhooks(byId("webhooks")),
};
let shown = null;

function show() {
  const [, name, ...rest] = location.hash.split("/");
  const wanted = name in sections ? name : "talk";
  if (shown !== null && shown !== wanted) sections[shown].close();
  for (const section of Object.keys(sections)) byId(section).hidden = section !== wanted;
  for (const link of document.querySelectorAll(".tabs a")) {
    const here = link.getAttribute("href") === `#/${wanted}`;
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    if (here) link.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  sections[wanted].open(...rest.map(decodeURIComponent));
  if (shown !== null && shown !== wanted) byId("main").focus({ preventScroll: true });
  shown = wanted;
  talk.scope.draw();
}

function turnLight() {
  const dark = document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const next = dark === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem("carlos.theme", next);
  talk.scope.draw();
}

byId("language").addEventListener("click", () => choose(current() === "en" ? "es" : "en"));
byId("theme").addEventListener("click", turnLight);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});
window.addEventListener("hashchange", show);
window.addEventListener("resize", () => talk.scope.draw());
window.addEventListener("beforeunload", (event) => sections.business.isDirty && event.preventDefault());
window.carlos = talk; // for a developer's console, and for tests
show();
