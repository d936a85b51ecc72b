/** The twelve keys of a telephone. */

import { h } from "../dom.js";

const KEYS = [
  ["1", ""], ["2", "ABC"], ["3", "DEF"], ["4", "GHI"], ["5", "JKL"], ["6", "MNO"],
  ["7", "PQRS"], ["8", "TUV"], ["9", "WXYZ"], ["*", ""], ["0", "+"], ["#", ""],
];
const SHOWN = 16;

export class Keypad {
  constructor(root, onPress) {
    this.onPress = onPress;
    this.root = root;
    this.display = h("output", { class: "pressed", label: "keypad.pressed" });
    this.keys = KEYS.map(([digit, letters]) =>
      h("button", { type: "button", onclick: () => this.press(digit) }, digit, h("small", { "aria-hidden": "true" }, letters)),
    );
    root.append(this.display, ...this.keys);
    root.addEventListener("keydown", (event) => {
      if (/^[0-9*#]$/.test(event.key)) this.press(event.key);
    });
  }

  press(digit) {
    this.display.textContent = (this.display.textContent + digit).slice(-SHOWN);
    this.onPress(digit);
  }

  clear() {
    this.display.textContent = "";
  }
}
