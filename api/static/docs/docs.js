/** The API's description as a page: read from /openapi.json, tried out with fetch, nothing from elsewhere. */

import { element, prose } from "./dom.js";
import { idOf, operationBox } from "./operation.js";
import { ASKED, fields, folded } from "./schema.js";
import { key, useKey } from "./send.js";

const byId = (id) => document.getElementById(id);

function routesOf(description) {
  return Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation, tag: operation.tags?.[0] ?? "other" })));
}

function show(description) {
  byId("about").replaceChildren(...prose(description.info.description));
  const groups = Map.groupBy(routesOf(description), (route) => route.tag);
  const told = new Map((description.tags ?? []).map((tag) => [tag.name, tag.description]));
  for (const [tag, routes] of groups) {
    const title = tag[0].toUpperCase() + tag.slice(1);
    byId("routes").append(element("section", {}, element("h2", {}, title), routes.map(link)));
    byId("operations").append(element("section", { "aria-label": title }, element("h2", {}, title),
      told.has(tag) ? element("p", { class: "hint about-group" }, prose(told.get(tag))) : null,
      routes.map(({ path, method, operation }) => operationBox(description, path, method, operation))));
  }
  byId("operations").append(models(description));
}

function link({ path, method, operation }) {
  const words = `${method} ${path} ${operation.summary ?? ""} ${operation.description ?? ""}`.toLowerCase();
  return element("a", { href: `#${idOf(method, path)}`, "data-words": words },
    element("span", { class: `method ${method}` }, method), element("code", {}, path));
}

/** The models that routes take and give; the envelope and FastAPI's own are told above, or not at all. */
function models(description) {
  const ours = Object.entries(description.components.schemas)
    .filter(([name]) => !name.startsWith("Found_") && !["HTTPValidationError", "ValidationError"].includes(name));
  return element("section", { "aria-label": "Models" }, element("h2", {}, "Models"),
    ours.map(([name, model]) => folded(name, () => element("div", { class: "model-body" },
      model.description ? element("p", {}, prose(model.description)) : null, fields(description, model, ASKED)), { class: "operation model" })));
}

function find() {
  const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const section of byId("routes").children) {
    let here = 0;
    for (const each of section.querySelectorAll("a")) {
      const fits = words.every((word) => each.dataset.words.includes(word));
      each.hidden = !fits;
      here += fits;
    }
    section.hidden = !here;
    found += here;
  }
  byId("none").hidden = found > 0;
  document.querySelector(".index").classList.toggle("searching", words.length > 0);
}

/** Open what the address names. */
function open() {
  const box = byId(decodeURIComponent(location.hash.slice(1)));
  if (!(box instanceof HTMLDetailsElement)) return;
  box.open = true;
  box.scrollIntoView();
  box.querySelector("summary").focus({ preventScroll: true });
}

function tellKey() {
  byId("key-state").textContent = key() ? "in use" : "none in use";
}

function changeTheme() {
  const { dataset } = document.documentElement;
  const now = dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  dataset.theme = now === "dark" ? "light" : "dark";
  localStorage.setItem("carlos.theme", dataset.theme);
}

byId("key").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(byId("key-input").value.trim());
  byId("key-input").value = "";
  tellKey();
});
byId("filter").addEventListener("input", find);
byId("theme").addEventListener("click", changeTheme);
addEventListener("hashchange", open);
tellKey();

try {
  const reply = await fetch("/openapi.json");
  if (!reply.ok) throw new Error(String(reply.status));
  show(await reply.json());
  open();
} catch (error) {
  byId("about").replaceChildren(element("span", { class: "alert", role: "alert" }, `The description cannot be read (${error.message}). Load the page again.`));
}
