/** JSON Schema as a person reads it. */

import { element, prose } from "./dom.js";

const DEEPEST = 6; // models within models; none of ours is deeper, and none contains itself

/** What a reference leads to, and its name. */
export function resolve(description, schema) {
  if (!schema?.$ref) return { schema: schema ?? {}, name: null };
  const name = schema.$ref.split("/").pop();
  return { schema: description.components.schemas[name], name };
}

/** A schema without null, which the word optional says already. */
function bare(schema) {
  const kinds = schema.anyOf?.filter((each) => each.type !== "null");
  return kinds?.length === 1 ? { ...schema, anyOf: undefined, ...kinds[0] } : schema;
}

export function typeOf(schema) {
  const one = bare(schema);
  if (one.anyOf) return one.anyOf.map(typeOf).join(" or ");
  if (one.enum) return one.enum.join(" | ");
  if ("const" in one) return JSON.stringify(one.const);
  if (one.$ref) return one.$ref.split("/").pop();
  if (one.type === "array") return `list of ${typeOf(one.items)}`;
  return [one.format || one.type || "any", bounds(one)].filter(Boolean).join(", ");
}

function bounds(schema) {
  const told = [];
  if (schema.minimum !== undefined && schema.maximum !== undefined) told.push(`${schema.minimum} to ${schema.maximum}`);
  else if (schema.minimum !== undefined) told.push(`at least ${schema.minimum}`);
  if (schema.maxLength) told.push(`at most ${schema.maxLength} characters`);
  return told.join(", ");
}

/** The values of a choice, or null for what is none. */
export function choices(schema) {
  return bare(schema).enum ?? null;
}

/** What is said of a field that must be there, and of one that need not: in what is asked, and in what is answered. */
export const ASKED = { must: "required", may: null };
export const ANSWERED = { must: null, may: "· may be absent" };

/** The fields of a model, those of models within it folded in. */
export function fields(description, schema, words, depth = 0) {
  const model = inside(description, schema);
  if (!model?.properties || depth > DEEPEST) return element("p", { class: "hint" }, typeOf(schema ?? {}));
  const required = new Set(model.required ?? []);
  return element("ul", { class: "fields" }, Object.entries(model.properties).map(([name, field]) => {
    const within = inside(description, field);
    return element("li", {},
      element("code", {}, name), " ", element("span", { class: "type" }, typeOf(field)), " ",
      required.has(name) ? words.must && element("span", { class: "must" }, words.must) : words.may && element("span", { class: "about" }, words.may),
      field["x-personal"] ? element("span", { class: "about" }, " · personal") : null,
      field.description ? element("span", { class: "about" }, " · ", prose(field.description)) : null,
      within?.properties ? folded(typeOf(field), () => fields(description, field, words, depth + 1)) : null);
  }));
}

/** Details whose content is made when they are opened. */
export function folded(title, make, attributes = {}) {
  const box = element("details", attributes, element("summary", {}, title));
  box.addEventListener("toggle", () => box.open && box.childElementCount === 1 && box.append(make()));
  return box;
}

/** The model that a schema is, or is a list of, or null for text and numbers. */
function inside(description, schema) {
  let one = bare(schema ?? {});
  if (one.type === "array") one = bare(one.items);
  return resolve(description, one).schema;
}
