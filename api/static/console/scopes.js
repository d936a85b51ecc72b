/** What the key of this tab may do: nothing is offered that the server would refuse. */

import { currentKey, get, LOCKED, RestError } from "./rest.js";

const known = new Map(); // what each key was found to be

/** The scopes of the key in use; `locked` where there is none that the server knows. Asked once for each key. */
async function ask() {
  try {
    return { scopes: (await get("/me")).scopes, locked: false };
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    if (!LOCKED.has(error.kind)) known.delete(currentKey());
    return { scopes: [], locked: error.kind !== "forbidden" && LOCKED.has(error.kind) };
  }
}

function standing() {
  const key = currentKey();
  if (!known.has(key)) known.set(key, ask());
  return known.get(key);
}

/** An element that is there for those with the scope. */
export function forScope(scope, element) {
  element.hidden = true;
  standing().then(({ scopes }) => (element.hidden = !scopes.includes(scope)));
  return element;
}

/** An element that is there for whoever has shown no key yet, of a server that shows some things without one. */
export function forStrangers(element) {
  element.hidden = true;
  standing().then(({ locked }) => (element.hidden = !locked));
  return element;
}

export const may = async (scope) => (await standing()).scopes.includes(scope);
