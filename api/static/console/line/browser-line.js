/**
 * Carlos over the original browser protocol, `WS /`: Nova Sonic's own events as JSON text, 16 kHz up, 24 kHz down.
 *
 * Receipts (`ackStart`, `ack`) tell the server what was really played. Typed text is an interactive USER block beside
 * the audio; keys are typed as `[DTMF] 123#`, gathered as the phone line gathers them.
 *
 * A line tells of "open", "named" (its callId is known), "lost" (the server went away) and "over" {problem, values}.
 */

import { fromBase64, toBase64 } from "../audio/base64.js";
import { pcmBytes, pcmSamples } from "../audio/pcm.js";
import { LOCKED, post, RestError } from "../rest.js";

const LOST = new Set([1001, 1005, 1006, 1012]); // a restart, a deploy, a cable
const KEYPAD_PAUSE_MS = 2000;
const INTERRUPTED = /^\{\s*"interrupted"\s*:\s*true\s*\}$/;
const HISTORY = 20; // texts told to a new session
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
    this.report = null; // what the server said of a failure
    this.takeFrame = ({ detail }) => this.sendAudio(detail.samples);
    this.takeBuffered = ({ detail }) => this.acknowledge(detail);
  }

  /** Begin a session; an earlier conversation goes on where it stopped. */
  async open(earlier = []) {
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
    this.socket.onopen = () => this.shakeHands(earlier);
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

  shakeHands(earlier) {
    this.send("sessionStart", { inferenceConfiguration: { maxTokens: 1024, topP: 0.9, temperature: 0.7 } });
    this.send("promptStart", {
      promptName: this.prompt,
      textOutputConfiguration: TEXT,
      audioOutputConfiguration: { ...AUDIO_IN, sampleRateHertz: 24000, voiceId: "carlos" },
    });
    for (const { role, text } of earlier.slice(-HISTORY)) this.sendText(role, text);
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
    else if (name === "error") this.report = body.message;
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
    else this.report = block.text;
  }

  /** No token was given to us. */
  locked({ kind, values }) {
    this.tell("over", { problem: `${LOCKED.has(kind) ? "problem.key" : "admin"}.${kind}`, values });
  }

  closed({ code, reason }) {
    this.detach();
    if (LOST.has(code)) this.tell("lost");
    else if (code === 1000) this.tell("over", {});
    else this.tell("over", { problem: "problem.refused", values: { why: this.report ?? (reason || code) } });
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

function read(json) {
  try {
    return JSON.parse(json);
  } catch {
    return { unreadable: json };
  }
}
