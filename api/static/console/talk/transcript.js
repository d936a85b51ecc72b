/** The conversation as a list that grows. */

import { h } from "../dom.js";
import { knows } from "../language.js";

export class Transcript {
  /** `log` is what scrolls, with the list in it. */
  constructor(log, list, empty, conversation) {
    this.log = log;
    this.list = list;
    this.empty = empty;
    this.shown = new Map(); // item -> its element
    conversation.addEventListener("added", ({ detail }) => this.show(detail.item));
    conversation.addEventListener("changed", ({ detail }) => this.show(detail.item));
    conversation.addEventListener("cleared", () => this.clear());
  }

  show(item) {
    const old = this.shown.get(item);
    const element = entry(item);
    const { log } = this;
    const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    if (old) {
      for (const details of old.querySelectorAll("details[open]")) element.querySelector("details").open = details.open;
      old.replaceChildren(...element.childNodes);
      old.className = element.className;
    } else {
      this.shown.set(item, element);
      this.list.append(element);
    }
    this.empty.hidden = true;
    if (follows) log.scrollTop = log.scrollHeight;
  }

  clear() {
    this.shown.clear();
    this.list.replaceChildren();
    this.empty.hidden = false;
  }
}

/** One item as a list element. */
export function entry(item) {
  if (item.kind === "caller") return bubble(item.waits ? "caller waits" : "caller", h("span", { t: item.name ?? "you" }), item.text);
  if (item.kind === "carlos") return carlos(item);
  if (item.kind === "tool") return tool(item);
  const also = item.also && h("span", { t: item.also });
  return h("li", { class: `mark ${item.key.replaceAll(".", "-")}` }, h("p", {}, h("span", { t: [item.key, item.values] }), also && " ", also));
}

function bubble(who, name, ...content) {
  return h("li", { class: `said ${who}` }, h("div", { class: "who" }, name), h("p", {}, ...content));
}

function carlos({ parts, open }) {
  return bubble("carlos", "Carlos", ...parts.flatMap((part) => [...spoken(part, open), " "]));
}

function spoken({ planned, heard, cut }, open) {
  if (heard === null) return [h(open ? "span" : "del", { class: open ? "planned" : "unheard" }, planned)];
  const unheard = planned.slice(heard.length).trim();
  return [
    h("span", { class: "heard" }, heard),
    cut && h("span", { class: "cut", label: "said.cut", role: "img" }),
    cut && unheard && h("del", { class: "unheard" }, ` ${unheard}`),
  ].filter(Boolean);
}

function tool({ name, arguments: given, result, ok, ms }) {
  const state = ok === null ? "running" : ok ? "done" : "refused";
  return h(
    "li",
    { class: `tool ${state}` },
    h(
      "details",
      {},
      h(
        "summary",
        {},
        h("span", { class: "name", ...(knows(`tool.${name}`) ? { t: `tool.${name}` } : {}) }, knows(`tool.${name}`) ? "" : name),
        h("span", { class: "outcome", t: `tool.${state}` }),
        ms !== null && h("span", { class: "ms" }, `${ms} ms`),
      ),
      h("h3", { t: "tool.asked" }),
      h("pre", {}, JSON.stringify(given, null, 2)),
      result !== null && h("h3", { t: "tool.answer" }),
      result !== null && h("pre", {}, JSON.stringify(result, null, 2)),
    ),
  );
}
