/**
 * One conversation from the click on Call to its end: sound, a line, and what is known of it.
 *
 *   microphone ─▶ connecting ─▶ live ─▶ ended
 *                     ▲          │
 *                     └── lost ◀─┘   the server went away: a browser goes on by itself, a phone call is over
 *
 * Tells of "state" {state}, "problem" {key, values} and "sound".
 */

import { Sound } from "../audio/sound.js";
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
  }

  async start() {
    this.move("microphone");
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
    if (this.sound.problem) this.complain(`problem.microphone.${this.sound.problem}`);
    this.stopwatch = new Stopwatch(this.sound);
    this.dispatchEvent(new Event("sound"));
    await this.connect();
  }

  hangUp() {
    if (this.state === "live" || this.state === "connecting") this.line.hangUp();
    else this.finish();
  }

  press(digit) {
    this.stopwatch.typed();
    this.line.press(digit);
    if (!this.types) this.conversation.note("mark.pressed", { digits: digit });
  }

  type(text) {
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
    this.line.addEventListener("open", () => this.move("live"));
    this.line.addEventListener("named", () => this.listenIn(this.line.callId));
    this.line.addEventListener("lost", () => this.lost());
    this.line.addEventListener("over", ({ detail }) => this.finish(detail.problem, detail.values));
    await this.line.open(earlier);
  }

  /** The server went away. */
  async lost() {
    this.sound.flush();
    this.conversation.close();
    this.following?.abort();
    this.move("lost");
    this.complain(this.types ? "problem.lost" : "problem.lost.phone");
    do await pause(KNOCK_MS);
    while (this.state === "lost" && !(await isReady()));
    if (this.state !== "lost") return;
    if (!this.types) {
      this.finish("problem.back.phone");
      return;
    }
    const earlier = this.conversation.history();
    const unanswered = earlier.at(-1)?.role === "USER" ? earlier.pop().text : null;
    await this.connect(earlier);
    this.line.addEventListener("open", () => this.goOn(unanswered));
  }

  goOn(unanswered) {
    this.complain(null);
    this.conversation.note("mark.reconnected");
    if (unanswered) this.type(unanswered);
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
    if (happening.type === "fault") this.conversation.note("mark.fault", { text: happening.text });
    if (this.types) return;
    if (happening.type === "heard") this.conversation.heard(happening.text);
    if (happening.type === "said") this.conversation.said(happening.text, happening.interrupted);
    if (happening.type === "interrupted") this.conversation.interrupted();
  }

  finish(problem, values) {
    if (this.state === "ended") return;
    this.conversation.close();
    if (problem) this.complain(problem, values);
    this.move("ended");
    this.sound?.close();
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
