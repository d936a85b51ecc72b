/** The page on which one talks to Carlos. */

import { byId } from "../dom.js";
import { askForKey } from "../key.js";
import { bind } from "../language.js";
import { Conversation } from "./conversation.js";
import { Keypad } from "./keypad.js";
import { LatencyChart } from "./latency-chart.js";
import { Scope } from "./scope.js";
import { Session } from "./session.js";
import { Transcript } from "./transcript.js";

const CLOCK_MS = 500;

export class Talk {
  constructor() {
    this.session = null;
    this.mode = "browser";
    this.conversation = new Conversation();
    this.transcript = new Transcript(byId("transcript"), byId("transcript-empty"), this.conversation);
    this.chart = new LatencyChart(byId("latency"));
    this.scope = new Scope(byId("scope"), { you: byId("meter-you"), carlos: byId("meter-carlos") });
    this.keypad = new Keypad(byId("keypad"), (digit) => this.session?.press(digit));
    this.conversation.addEventListener("added", ({ detail }) => {
      if (detail.item.key === "mark.interrupted") this.scope.cut();
    });
    byId("call").addEventListener("click", () => this.callOrHangUp());
    byId("mute").addEventListener("click", () => this.mute());
    byId("keypad-toggle").addEventListener("click", () => this.showKeypad(byId("keypad").hidden));
    byId("keypad").addEventListener("keydown", (event) => event.key === "Escape" && this.showKeypad(false));
    byId("mode").addEventListener("change", (event) => this.choose(event.target.value));
    byId("composer").addEventListener("submit", (event) => this.type(event));
    this.choose("browser");
  }

  get busy() {
    return this.session !== null && this.session.state !== "ended";
  }

  choose(mode) {
    this.mode = mode;
    bind(byId("mode-hint"), "text", `mode.${mode}.hint`);
    byId("composer").hidden = mode === "phone";
    byId("composer-off").hidden = mode !== "phone";
  }

  callOrHangUp() {
    if (this.busy) this.session.hangUp();
    else this.call();
  }

  call() {
    const session = new Session(this.mode, this.conversation);
    this.session = session;
    this.conversation.clear();
    this.chart.clear();
    this.keypad.clear();
    this.complain(null);
    session.addEventListener("state", () => this.show());
    session.addEventListener("problem", ({ detail }) => {
      this.complain(detail.key, detail.values);
      if (detail.key?.startsWith("problem.key.")) askForKey(() => this.call());
    });
    session.addEventListener("sound", () => this.follow(session));
    session.start();
  }

  follow({ sound, stopwatch }) {
    this.scope.follow(sound);
    stopwatch.addEventListener("turn", ({ detail }) => this.chart.add(detail.ms));
    sound.addEventListener("voice", ({ detail }) => {
      if (this.session.state === "live") this.showState(detail.on ? "speaking" : "live");
    });
    this.began = Date.now();
    this.clock = setInterval(() => this.showClock(), CLOCK_MS);
    this.showClock();
  }

  mute() {
    this.session.muted = !this.session.muted;
    this.show();
  }

  type(event) {
    event.preventDefault();
    const text = byId("typed").value.trim();
    if (!text || this.session?.state !== "live") return;
    this.session.type(text);
    byId("typed").value = "";
  }

  showKeypad(shown) {
    byId("keypad").hidden = !shown;
    byId("keypad-toggle").setAttribute("aria-expanded", String(shown));
    (shown ? this.keypad.keys[0] : byId("keypad-toggle")).focus();
  }

  // What the state looks like.

  show() {
    const { state } = this.session;
    const live = state === "live";
    this.showState(state);
    byId("talk").dataset.state = state;
    byId("on-air").hidden = !this.busy;
    byId("mode").disabled = this.busy;
    byId("mute").disabled = byId("keypad-toggle").disabled = !live;
    byId("mute").setAttribute("aria-pressed", String(this.session.muted));
    label("mute", this.session.muted ? "control.unmute" : "control.mute");
    label("call", this.busy ? "control.hang-up" : "control.call");
    byId("typed").disabled = byId("composer").querySelector("button").disabled = !live;
    if (!live) this.hideKeypad();
    if (state === "ended") this.ended();
  }

  showState(state) {
    const { busy, session } = this;
    const shown = busy && state === "live" && session.muted ? "muted" : state;
    const key = shown === "connecting" && this.mode === "phone" ? "ringing" : shown;
    if (!busy && state !== "ended") return;
    bind(byId("state"), "text", `state.${key}`);
    byId("face").dataset.state = key;
  }

  showClock() {
    const seconds = Math.floor((Date.now() - this.began) / 1000);
    byId("clock").hidden = false;
    byId("clock").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }

  hideKeypad() {
    byId("keypad").hidden = true;
    byId("keypad-toggle").setAttribute("aria-expanded", "false");
  }

  ended() {
    clearInterval(this.clock);
    this.scope.stop();
  }

  complain(key, values) {
    const alert = byId("alert");
    alert.hidden = key === null;
    if (key !== null) bind(alert, "text", key, values);
  }
}

function label(id, key) {
  bind(byId(id).querySelector("[data-t]"), "text", key);
}
