/**
 * Twilio's half of a bidirectional media stream, without a socket: messages out as text, messages in as objects.
 * https://www.twilio.com/docs/voice/media-streams/websocket-messages; counters are strings, as Twilio sends them.
 */

import { fromBase64, toBase64 } from "../audio/base64.js";

const FRAME_MS = 20;
const FORMAT = { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 };

export class MediaStream {
  constructor({ callSid, accountSid, parameters }) {
    this.streamSid = sid("MZ");
    this.callSid = callSid;
    this.accountSid = accountSid;
    this.parameters = parameters;
    this.sequence = 0;
    this.chunk = 0;
  }

  connected() {
    return JSON.stringify({ event: "connected", protocol: "Call", version: "1.0.0" });
  }

  start() {
    return this.message("start", {
      accountSid: this.accountSid,
      streamSid: this.streamSid,
      callSid: this.callSid,
      tracks: ["inbound"],
      mediaFormat: FORMAT,
      customParameters: this.parameters,
    });
  }

  media(ulaw) {
    const timestamp = String(this.chunk * FRAME_MS);
    this.chunk += 1;
    return this.message("media", { track: "inbound", chunk: String(this.chunk), timestamp, payload: toBase64(ulaw) });
  }

  dtmf(digit) {
    return this.message("dtmf", { track: "inbound_track", digit });
  }

  mark(name) {
    return this.message("mark", { name });
  }

  stop() {
    return this.message("stop", { accountSid: this.accountSid, callSid: this.callSid });
  }

  message(event, body) {
    this.sequence += 1;
    return JSON.stringify({
      event, sequenceNumber: String(this.sequence), streamSid: this.streamSid, [event]: body,
    });
  }

  /** {play: bytes}, {mark: name} or {clear: true}. */
  receive(text) {
    const message = JSON.parse(text);
    if (message.event === "media") return { play: fromBase64(message.media.payload) };
    if (message.event === "mark") return { mark: message.mark.name };
    return { clear: message.event === "clear" };
  }
}

/** A new identifier of Twilio's form. */
export function sid(prefix) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return prefix + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
