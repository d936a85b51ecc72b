/** What can be said to Carlos with the sample records, and what it means for who does not speak Spanish. */

import { h } from "../dom.js";
import { current } from "../language.js";

export const EXAMPLES = [
  { says: "Quería saber el estado de mi pedido 1. Mi DNI es 28456789.", means: "What is the state of my order 1? My ID number is 28456789." },
  { says: "¿Cuándo es mi turno 1? Soy María González.", means: "When is my appointment 1? I am María González." },
  { says: "Quiero cambiar mi turno 2. Soy Luis Fernández.", means: "I want to move my appointment 2. I am Luis Fernández." },
  { says: "¿A qué hora atienden?", means: "When are you open?" },
  { says: "No, nada más. Gracias, chau.", means: "No, that is all. Thank you, bye." },
];

/** Buttons that say one each. */
export function examples(onSay) {
  return EXAMPLES.map(({ says, means }) =>
    h("li", {}, h("button", { type: "button", onclick: () => onSay(says) }, h("span", { lang: "es-AR" }, says), current() === "en" && h("small", { lang: "en" }, means))),
  );
}
