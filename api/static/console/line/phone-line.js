/**
 * Carlos over the phone line: this page plays Twilio. It rings the voice webhook, follows the TwiML, speaks the media
 * stream with 8 kHz mu-law, and asks what comes next when the stream ends. What was said comes from the call's live
 * events, for a phone shows none.
 *
 * A line tells of "open", "named" (its callId is known to the server), "lost" and "over" {problem, values}.
 */

import { SILENCE, ulawDecode, ulawEncode } from "../audio/ulaw.js";
import { MediaStream, sid } from "./media-stream.js";
import { readTwiml } from "./twiml.js";

const FROM = "+5491155550100";
const TO = "+541155550000";
const LOST = new Set([1001, 1006, 1012]);

export class PhoneLine extends EventTarget {
  static rates = { captureRate: 8000, playbackRate: 8000, prebufferMs: 60 };
  static types = false;

  constructor(sound, conversation) {
    super();
    this.sound = sound;
    this.conversation = conversation;
    this.callId = sid("CA");
    this.account = sid("AC");
    this.takeFrame = ({ detail }) => this.sendAudio(detail);
    this.takePlayed = ({ detail }) => this.send(this.stream.mark(detail.mark));
  }

  async open() {
    const verbs = await this.ask("/twilio/voice", "ringing");
    if (verbs === null || this.isOver) return;
    const connect = verbs.find(({ verb }) => verb === "Connect");
    if (connect) this.connect(connect);
    else this.end("problem.busy", { text: spoken(verbs) });
  }

  hangUp() {
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.send(this.stream.stop());
      this.socket.onclose = null;
      this.socket.close(1000);
    }
    this.end();
  }

  press(digit) {
    this.send(this.stream.dtmf(digit));
  }

  // The stream.

  connect({ url, parameters, action }) {
    this.action = action;
    this.stream = new MediaStream({ callSid: this.callId, accountSid: this.account, parameters });
    // This page's own server, under whatever name the page was opened.
    const { protocol, host } = location;
    this.socket = new WebSocket(`${protocol === "https:" ? "wss" : "ws"}://${host}${new URL(url).pathname}`);
    this.socket.onopen = () => this.start();
    this.socket.onmessage = ({ data }) => this.receive(this.stream.receive(data));
    this.socket.onclose = ({ code }) => this.closed(code);
  }

  start() {
    this.send(this.stream.connected());
    this.send(this.stream.start());
    this.sound.addEventListener("frame", this.takeFrame);
    this.sound.addEventListener("played", this.takePlayed);
    this.tell("open");
  }

  sendAudio({ samples, muted }) {
    this.send(this.stream.media(muted ? new Uint8Array(samples.length).fill(SILENCE) : ulawEncode(samples)));
  }

  receive({ play, mark, clear }) {
    this.name();
    if (play) this.sound.play(ulawDecode(play));
    else if (mark) this.sound.mark(mark);
    else if (clear) this.sound.flush();
  }

  /** The first message shows that the call is on the line, and its events can be had. */
  name() {
    if (this.isNamed) return;
    this.isNamed = true;
    this.tell("named");
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(message);
  }

  /** The stream is over, whoever ended it: Twilio asks what comes next. */
  async closed(code) {
    this.detach();
    if (LOST.has(code)) {
      this.tell("lost");
      return;
    }
    const verbs = await this.ask(new URL(this.action).pathname, "in-progress");
    const announcement = verbs && spoken(verbs);
    if (announcement) this.conversation.note("mark.announcement", { text: announcement });
    if (verbs !== null) this.end();
  }

  // The webhooks.

  /** The verbs of a webhook's answer; null when it did not answer, which ends the call. */
  async ask(path, status) {
    const form = { CallSid: this.callId, AccountSid: this.account, From: FROM, To: TO, CallStatus: status };
    try {
      const reply = await fetch(path, { method: "POST", body: new URLSearchParams({ ...form, Direction: "inbound" }) });
      if (reply.ok) return readTwiml(await reply.text());
      if (reply.status === 403) this.end("problem.signatures");
      else this.end("problem.server", { status: reply.status });
    } catch {
      this.end("problem.unreachable");
    }
    return null;
  }

  end(problem, values) {
    if (this.isOver) return;
    this.isOver = true;
    this.detach();
    this.tell("over", { problem, values });
  }

  detach() {
    this.sound.removeEventListener("frame", this.takeFrame);
    this.sound.removeEventListener("played", this.takePlayed);
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

const spoken = (verbs) => verbs.filter(({ verb }) => verb === "Say").map(({ text }) => text).join(" ");
