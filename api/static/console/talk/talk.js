/** The page on which one talks to Carlos. */

import { byId } from "../dom.js";
import { askForKey } from "../key.js";
import { bind, languages } from "../language.js";
import { span } from "../format.js";
import { Conversation } from "./conversation.js";
import { examples } from "./examples.js";
import { keep, takeKept } from "./kept.js";
import { Keypad } from "./keypad.js";
import { LatencyChart } from "./latency-chart.js";
import { Scope } from "./scope.js";
import { Session } from "./session.js";
import { Transcript } from "./transcript.js";

const CLOCK_MS = 500;
const ADVICE = /^(problem\.(microphone|lost|offline|click)|refused\.(idle|too_long|closed|full))/; // what is nobody's fault

export class Talk {
  constructor() {
    this.session = null;
    this.conversation = new Conversation();
    this.transcript = new Transcript(byId("log"), byId("transcript"), byId("transcript-empty"), this.conversation);
    this.chart = new LatencyChart(byId("latency"));
    this.scope = new Scope(byId("scope"), { you: byId("meter-you"), carlos: byId("meter-carlos") });
    this.keypad = new Keypad(byId("keypad"), (digit) => this.session?.press(digit));
    this.conversation.addEventListener("added", ({ detail }) => {
      if (detail.item.key === "mark.interrupted") this.scope.cut();
    });
    byId("call").addEventListener("click", () => this.callOrHangUp());
    byId("hang-up").addEventListener("click", () => this.session.hangUp());
    byId("mute").addEventListener("click", () => this.mute());
    byId("keypad-toggle").addEventListener("click", () => this.showKeypad(byId("keypad").hidden));
    byId("keypad").addEventListener("keydown", (event) => event.key === "Escape" && this.showKeypad(false));
    byId("mode").addEventListener("change", (event) => this.choose(event.target.value));
    byId("composer").addEventListener("submit", (event) => this.submit(event));
    window.addEventListener("beforeunload", (event) => this.busy && event.preventDefault());
    window.addEventListener("pagehide", () => this.leave());
    window.addEventListener("pageshow", (event) => event.persisted && takeKept());
    languages.addEventListener("change", () => this.showExamples());
    this.choose("browser");
    this.showExamples();
    showStandIn();
    this.goOn(takeKept());
  }

  get busy() {
    return this.session !== null && this.session.state !== "ended";
  }

  choose(mode) {
    this.mode = mode;
    byId("talk").dataset.mode = mode;
    bind(byId("mode-hint"), "text", `mode.${mode}.hint`);
    byId("composer").hidden = byId("tryout").hidden = mode === "phone";
    byId("composer-off").hidden = mode !== "phone";
  }

  callOrHangUp() {
    if (this.busy) this.session.hangUp();
    else this.call();
  }

  call(how) {
    this.conversation.clear();
    this.chart.clear();
    this.began = Date.now();
    this.begin(how);
  }

  begin(how) {
    this.session?.forget();
    const session = new Session(this.mode, this.conversation);
    this.session = session;
    this.keypad.clear();
    this.complain(null);
    session.addEventListener("state", () => this.show());
    session.addEventListener("hears", () => this.show());
    session.addEventListener("problem", ({ detail }) => {
      this.complain(detail.key, detail.values);
      if (detail.key?.startsWith("problem.key.")) askForKey(() => this.begin(how));
    });
    session.addEventListener("sound", () => this.follow(session));
    session.start(how);
  }

  follow({ sound, stopwatch }) {
    this.scope.follow(sound);
    stopwatch.addEventListener("turn", ({ detail }) => this.chart.add(detail.ms));
    sound.addEventListener("voice", ({ detail }) => {
      if (this.session.state === "live") this.showState(detail.on ? "speaking" : "live");
    });
    sound.addEventListener("allowed", ({ detail }) => detail.on && this.complaint === "problem.click" && this.complain(null));
    clearInterval(this.clock);
    this.clock = setInterval(() => this.showClock(), CLOCK_MS);
    this.showClock();
  }

  mute() {
    if (this.session.hears) this.session.muted = !this.session.muted;
    else this.session.openMicrophone();
    this.show();
  }

  submit(event) {
    event.preventDefault();
    const text = byId("typed").value.trim();
    byId("typed").value = "";
    if (text) this.say(text);
  }

  /** Say something in writing, in a call that begins with it if there is none. */
  say(text) {
    if (!this.busy) this.call({ speaks: false });
    this.session.type(text);
  }

  showKeypad(shown) {
    byId("keypad").hidden = !shown;
    byId("keypad-toggle").setAttribute("aria-expanded", String(shown));
    (shown ? this.keypad.keys[0] : byId("keypad-toggle")).focus();
  }

  // A page that is left, and the one that comes after it.

  leave() {
    if (!this.busy) return;
    if (!this.session.types) {
      this.session.hangUp();
      return;
    }
    const { session, conversation, began } = this;
    keep({ token: session.token, items: conversation.items, began, speaks: session.hears });
  }

  /** Go on with what the page before this one has kept: its call, or at least what was said in it. */
  goOn(kept) {
    if (kept === null) return;
    this.conversation.restore(kept.items);
    this.began = kept.began;
    if (kept.token) this.begin(kept);
    else this.conversation.note("mark.left");
  }

  // What the state looks like.

  show() {
    const { state, sound } = this.session;
    const live = state === "live";
    this.showState(state);
    byId("talk").toggleAttribute("data-busy", this.busy);
    byId("on-air").hidden = !this.busy;
    byId("mode").disabled = this.busy;
    byId("mute").hidden = byId("keypad-toggle").hidden = !this.busy;
    byId("mute").disabled = byId("keypad-toggle").disabled = !live;
    byId("mute").setAttribute("aria-pressed", String(this.session.muted));
    label("mute", this.session.muted ? "control.unmute" : this.session.hears ? "control.mute" : "control.microphone");
    label("call", this.busy ? "control.hang-up" : "control.call");
    byId("hang-up").hidden = !this.busy;
    if (live && !sound.allowed) this.complain("problem.click");
    if (!live) this.hideKeypad();
    if (state === "ended") this.ended();
  }

  showState(state) {
    const { busy, session } = this;
    if (!busy && state !== "ended") return;
    const key = this.shownAs(state, session);
    bind(byId("state"), "text", `state.${key}`);
    byId("face").dataset.state = key;
  }

  shownAs(state, { muted, hears }) {
    if (state === "connecting" && this.mode === "phone") return "ringing";
    if (state !== "live") return state;
    return muted ? "muted" : hears ? "live" : "reading";
  }

  showClock() {
    byId("clock").hidden = false;
    byId("clock").textContent = span(Math.floor((Date.now() - this.began) / 1000));
  }

  showExamples() {
    byId("examples").replaceChildren(...examples((text) => this.say(text)));
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
    this.complaint = key;
    alert.hidden = key === null;
    if (key === null) return;
    alert.classList.toggle("advice", ADVICE.test(key));
    bind(alert, "text", key, values);
  }
}

function label(id, key) {
  bind(byId(id).querySelector("[data-t]"), "text", key);
}

/** Where no Amazon Nova Sonic speaks, the page says who does. */
function showStandIn() {
  const takes = document.querySelector("meta[name=carlos-standin]").content; // "speech", "text" or nothing
  byId("standin").hidden = byId("standin-latency").hidden = !takes;
  if (takes) bind(byId("standin-text"), "text", `standin.${takes}`);
}
