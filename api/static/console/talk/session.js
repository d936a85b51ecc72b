/**
 * One conversation from the click on Call, or the first written word, to its end: sound, a line, and what is known of it.
 *
 *   microphone ─▶ connecting ─▶ live ─▶ ended
 *                     ▲          │
 *                     └── lost ◀─┘   the server went away: a browser goes on by itself, a phone call is over
 *
 * Who writes is not kept waiting for a microphone, and needs none; what is written before the line is open waits for it.
 *
 * Tells of "state" {state}, "problem" {key, values}, "sound" and "hears" (a microphone has been opened).
 */

import { openMicrophone } from "../audio/microphone.js";
import { Sound } from "../audio/sound.js";
import { wordsFor } from "../fault.js";
import { BrowserLine } from "../line/browser-line.js";
import { PhoneLine } from "../line/phone-line.js";
import { follow, RestError } from "../rest.js";
import { Stopwatch } from "./stopwatch.js";

const LINES = { browser: BrowserLine, phone: PhoneLine };
const KNOCK_MS = 1000;

export class Session extends EventTarget {
  constructor(mode, conversation) {
    super();
    this.mode = mode;
    this.conversation = conversation;
    this.state = "idle";
    this.Line = LINES[mode];
    this.types = this.Line.types;
    this.writing = new Promise((resolve) => (this.writes = resolve));
    this.token = ""; // to go on with the call
    this.offline = () => this.checkNetwork();
  }

  /** `speaks`: ask for the microphone at once. `token` goes on with a call that the page had before it was reloaded. */
  async start({ speaks = true, token = "" } = {}) {
    this.token = token;
    this.move(speaks ? "microphone" : "connecting");
    window.addEventListener("offline", this.offline);
    try {
      this.sound = await Sound.open(this.Line.rates);
    } catch (error) {
      this.finish("problem.audio", { why: error.message });
      return;
    }
    if (this.state === "ended") {
      await this.sound.close();
      return;
    }
    this.stopwatch = new Stopwatch(this.sound);
    this.dispatchEvent(new Event("sound"));
    if (speaks) await Promise.race([this.openMicrophone(), this.writing]);
    if (this.state !== "ended") await this.connect(token ? this.conversation.history() : []);
  }

  /** Ask the person for it; without one, the conversation is written. */
  async openMicrophone() {
    const { stream, problem } = await openMicrophone();
    if (stream) this.sound.listen(stream);
    if (this.state === "ended") return;
    if (problem) this.complain(`problem.microphone.${problem}`);
    else if (this.state !== "lost") this.complain(null);
    this.dispatchEvent(new Event("hears"));
  }

  /** Whether Carlos can hear anything but what is written. */
  get hears() {
    return Boolean(this.sound?.stream);
  }

  hangUp() {
    if (this.state === "live" || this.state === "connecting") this.line?.hangUp();
    this.finish();
  }

  press(digit) {
    this.stopwatch.typed();
    this.line.press(digit);
    if (!this.types) this.conversation.note("mark.pressed", { digits: digit });
  }

  type(text) {
    this.conversation.typed(text);
    this.writes();
    if (this.state !== "live") return; // sent when the line is open
    this.stopwatch.typed();
    this.line.type(text);
  }

  set muted(muted) {
    this.sound.muted = muted;
  }

  get muted() {
    return this.sound?.muted ?? false;
  }

  async connect(earlier) {
    this.move("connecting");
    this.line = new this.Line(this.sound, this.conversation);
    this.line.addEventListener("open", () => this.opened());
    this.line.addEventListener("named", () => this.listenIn(this.line.callId));
    this.line.addEventListener("started", ({ detail }) => this.started(earlier, detail.resumed));
    this.line.addEventListener("lost", () => this.lost());
    this.line.addEventListener("over", ({ detail }) => this.over(detail));
    await this.line.open(earlier, this.token, !this.conversation.unsent.length);
  }

  opened() {
    this.move("live");
    for (const text of this.conversation.unsent) this.line.type(text);
  }

  /** The server knows the call: the one that was lost, or a new one that is told what was said in it. */
  started(earlier, resumed) {
    this.token = this.line.token;
    if (!earlier.length) return;
    this.complain(null);
    this.conversation.note(resumed ? "mark.resumed" : "mark.reconnected");
    const last = earlier.at(-1);
    if (!resumed && last.role === "USER") this.line.type(last.text);
  }

  /** The device says that it has no network; a server on this very machine is there all the same. */
  async checkNetwork() {
    if (this.state === "live" && !(await isReady()) && this.state === "live") this.line.cut?.();
  }

  /** The server, or the way to it, went away. */
  async lost() {
    if (this.state === "ended") return;
    this.sound.flush();
    this.conversation.close();
    this.following?.abort();
    this.move("lost");
    do {
      const gone = navigator.onLine ? "problem.lost" : "problem.offline";
      this.complain(this.types ? gone : `${gone}.phone`);
      await pause(KNOCK_MS);
    } while (this.state === "lost" && !(await isReady()));
    if (this.state !== "lost") return;
    if (this.types) await this.connect(this.conversation.history());
    else this.finish("problem.back.phone");
  }

  /**
   * The call's own events: everything said, for a phone; what a browser is not told, which is how its tools went.
   * Where they need a key that is not there, the conversation goes on without.
   */
  async listenIn(callId) {
    this.following = new AbortController();
    try {
      for await (const happening of follow(`/calls/${callId}/events`, this.following.signal)) this.take(happening);
    } catch (error) {
      if (error.name !== "AbortError" && !(error instanceof RestError) && !(error instanceof TypeError)) throw error;
      if (error instanceof RestError && !this.types) this.complain(`admin.${error.kind}`, error.values);
    }
  }

  take(happening) {
    if (happening.type === "tool") this.conversation.toolDone(happening);
    if (happening.type === "fault") this.conversation.fault(wordsFor(happening.text));
    if (happening.type === "ended") this.conversation.ended(happening.outcome);
    if (this.types) return;
    if (happening.type === "heard") this.conversation.heard(happening.text);
    if (happening.type === "said") this.conversation.said(happening.text, happening.interrupted);
    if (happening.type === "interrupted") this.conversation.interrupted();
    if (happening.type === "ended" && happening.outcome === "completed") this.conversation.note("mark.goodbye");
  }

  over({ problem, values, goodbye }) {
    if (goodbye && this.state !== "ended") this.conversation.note("mark.goodbye");
    this.finish(problem, values);
  }

  finish(problem, values) {
    if (this.state === "ended") return;
    window.removeEventListener("offline", this.offline);
    this.conversation.close();
    if (problem) this.complain(problem, values);
    this.move("ended");
    this.sound?.close();
  }

  /** Another conversation begins: what is still told of this one is not shown in it. */
  forget() {
    this.following?.abort();
  }

  move(state) {
    if (this.state === "ended") return;
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: { state } }));
  }

  /** Say what is wrong; null when it is over. */
  complain(key, values = {}) {
    this.dispatchEvent(new CustomEvent("problem", { detail: { key, values } }));
  }
}

async function isReady() {
  try {
    return (await fetch("/ready", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
