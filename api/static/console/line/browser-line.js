/**
 * Carlos over the original browser protocol, `WS /`: Nova Sonic's own events as JSON text, 16 kHz up, 24 kHz down.
 *
 * Receipts (`ackStart`, `ack`) tell the server what was really played. Typed text is an interactive USER block beside
 * the audio; keys are typed as `[DTMF] 123#`, gathered as the phone line gathers them.
 *
 * `callStart` makes it a call as a phone's: Carlos ends it after his goodbye, and `token` goes on with it after a lost
 * socket (docs/browser-protocol.md).
 *
 * A line tells of "open", "named" (its callId is known), "started" {resumed}, "lost" (the server or the network went away)
 * and "over" {problem, values, goodbye}.
 */

import { fromBase64, toBase64 } from "../audio/base64.js";
import { pcmBytes, pcmSamples } from "../audio/pcm.js";
import { knows } from "../language.js";
import { LOCKED, post, RestError } from "../rest.js";

const LOST = new Set([1001, 1005, 1006, 1012]); // a restart, a deploy, a cable
const KEYPAD_PAUSE_MS = 2000;
const INTERRUPTED = /^\{\s*"interrupted"\s*:\s*true\s*\}$/;
const HISTORY = 20; // texts told to a new session
const STALLED_BYTES = 400_000; // that the network does not take: eight seconds of a voice
const AUDIO_IN = {
  mediaType: "audio/lpcm", sampleRateHertz: 16000, sampleSizeBits: 16, channelCount: 1,
  audioType: "SPEECH", encoding: "base64",
};
const TEXT = { mediaType: "text/plain" };
const NEEDS_TOKEN = document.querySelector("meta[name=carlos-browser-tokens]").content !== "";

export class BrowserLine extends EventTarget {
  static rates = { captureRate: 16000, playbackRate: 24000, prebufferMs: 60 };
  static types = true;

  constructor(sound, conversation) {
    super();
    this.sound = sound;
    this.conversation = conversation;
    this.callId = null;
    this.digits = "";
    this.blocks = new Map(); // open text blocks: contentId -> {role, stage, text}
    this.token = ""; // to go on with this call
    this.takeFrame = ({ detail }) => this.sendAudio(detail.samples);
    this.takeBuffered = ({ detail }) => this.acknowledge(detail);
  }

  /**
   * Begin a session. With the token of a lost one the same call goes on, and an earlier conversation does anyhow; `greet`
   * is for who does not say something himself at once.
   */
  async open(earlier = [], token = "", greet = true) {
    this.prompt = crypto.randomUUID();
    this.audio = crypto.randomUUID();
    let query;
    try {
      query = NEEDS_TOKEN ? `?token=${(await post("/browser/tokens")).token}` : "";
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      this.locked(error);
    }
    if (query === undefined || this.isOver) return;
    this.socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/${query}`);
    this.socket.onopen = () => this.shakeHands(earlier, { token, greet });
    this.socket.onmessage = ({ data }) => this.receive(JSON.parse(data).event);
    this.socket.onclose = (closed) => this.closed(closed);
  }

  hangUp() {
    this.isOver = true;
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.send("contentEnd", { promptName: this.prompt, contentName: this.audio });
      this.send("promptEnd", { promptName: this.prompt });
      this.send("sessionEnd", {});
    }
    this.detach();
    if (this.socket) {
      this.socket.onclose = null;
      this.socket.close();
    }
    this.tell("over", {});
  }

  type(text) {
    this.sendText("USER", text);
  }

  press(digit) {
    clearTimeout(this.keypadTimer);
    this.digits += digit;
    if (digit === "#") this.enter();
    else this.keypadTimer = setTimeout(() => this.enter(), KEYPAD_PAUSE_MS);
  }

  enter() {
    const digits = this.digits;
    this.digits = "";
    this.sendText("USER", `[DTMF] ${digits}`);
  }

  // To the server.

  shakeHands(earlier, call) {
    this.send("sessionStart", { inferenceConfiguration: { maxTokens: 1024, topP: 0.9, temperature: 0.7 } });
    this.send("promptStart", {
      promptName: this.prompt,
      textOutputConfiguration: TEXT,
      audioOutputConfiguration: { ...AUDIO_IN, sampleRateHertz: 24000, voiceId: "carlos" },
    });
    for (const { role, text } of earlier.slice(-HISTORY)) this.sendText(role, text);
    this.send("callStart", call);
    this.send("ackStart", {});
    this.send("contentStart", {
      promptName: this.prompt, contentName: this.audio, type: "AUDIO", interactive: true, role: "USER",
      audioInputConfiguration: AUDIO_IN,
    });
    this.sound.addEventListener("frame", this.takeFrame);
    this.sound.addEventListener("buffered", this.takeBuffered);
    this.tell("open");
  }

  sendText(role, content) {
    const block = { promptName: this.prompt, contentName: crypto.randomUUID() };
    this.send("contentStart", { ...block, type: "TEXT", interactive: true, role, textInputConfiguration: TEXT });
    this.send("textInput", { ...block, content });
    this.send("contentEnd", block);
  }

  sendAudio(samples) {
    if (this.socket.bufferedAmount > STALLED_BYTES) {
      this.cut();
      return;
    }
    const content = toBase64(pcmBytes(samples));
    this.send("audioInput", { promptName: this.prompt, contentName: this.audio, content });
  }

  acknowledge({ ms, sequence }) {
    if (sequence) this.send("ack", { sequence, bufferedMs: Math.round(ms) });
  }

  send(name, body) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ event: { [name]: body } }));
  }

  // From the server.

  receive(event) {
    const [name, body] = Object.entries(event)[0];
    if (this.callId === null && body.sessionId) {
      this.callId = body.sessionId;
      this.tell("named");
    }
    if (name === "audioOutput") this.sound.play(pcmSamples(fromBase64(body.content)), body.sequence);
    else if (name === "contentStart" && body.type === "TEXT") this.beginText(body);
    else if (name === "textOutput") this.takeText(body);
    else if (name === "contentEnd" && body.type === "TEXT") this.endText(body);
    else if (name === "toolUse") this.conversation.toolStarted(body.toolName, read(body.content), body.toolUseId);
    else if (name === "callStarted") this.started(body);
  }

  started({ token, resumed }) {
    this.token = token;
    this.tell("started", { resumed });
  }

  beginText({ contentId, role, additionalModelFields }) {
    const { generationStage } = JSON.parse(additionalModelFields ?? "{}");
    this.blocks.set(contentId, { role, stage: generationStage, text: "" });
  }

  takeText({ contentId, role, content }) {
    if (role === "ASSISTANT" && INTERRUPTED.test(content)) {
      this.sound.flush();
      this.conversation.silenced();
    } else if (this.blocks.has(contentId)) {
      this.blocks.get(contentId).text = content;
    }
  }

  endText({ contentId, stopReason }) {
    const block = this.blocks.get(contentId);
    if (!block) return;
    this.blocks.delete(contentId);
    if (block.role === "USER") this.conversation.heard(block.text);
    else if (block.stage === "SPECULATIVE") this.conversation.planned(block.text);
    else if (block.stage === "FINAL") this.conversation.said(block.text, stopReason === "INTERRUPTED");
  }

  /** No token was given to us. */
  locked({ kind, values }) {
    this.tell("over", { problem: `${LOCKED.has(kind) ? "problem.key" : "problem.rest"}.${kind}`, values });
  }

  /** The network takes nothing any more, whatever it may still say itself. */
  cut() {
    this.socket.onclose = null;
    this.socket.close();
    this.detach();
    this.tell("lost");
  }

  closed({ code, reason }) {
    this.detach();
    if (LOST.has(code)) this.tell("lost");
    else if (code === 1000 && reason !== "closed") this.tell("over", { goodbye: true });
    else this.tell("over", refusal(code, reason));
  }

  detach() {
    clearTimeout(this.keypadTimer);
    this.sound.removeEventListener("frame", this.takeFrame);
    this.sound.removeEventListener("buffered", this.takeBuffered);
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** Why the server closed the socket, in the page's own words. */
function refusal(code, reason) {
  const problem = `refused.${reason}`;
  return knows(problem) ? { problem } : { problem: "problem.refused", values: { code } };
}

function read(json) {
  try {
    return JSON.parse(json);
  } catch {
    return { unreadable: json };
  }
}
