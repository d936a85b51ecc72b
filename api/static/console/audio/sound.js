/**
 * Ears and mouth of the page for one conversation: a microphone at the line's rate, a player at Carlos's.
 *
 * Tells of "frame" {samples, muted}, "level" {who, level, at}, "spoke" {at} (the caller is audible), "voice" {on, at}
 * (Carlos is), "played" {mark, flushed} and
 * "buffered" {ms, sequence}. Times are the audio clock's, in seconds.
 */

import { openMicrophone } from "./microphone.js";

const FRAME_MS = 20;

export class Sound extends EventTarget {
  /** Asks for the microphone; without one the conversation can still be heard and typed. */
  static async open({ captureRate, playbackRate, prebufferMs }) {
    const context = new AudioContext({ latencyHint: "interactive" });
    const { stream, problem } = await openMicrophone();
    await Promise.all([
      context.resume(),
      context.audioWorklet.addModule(new URL("capture-worklet.js", import.meta.url)),
      context.audioWorklet.addModule(new URL("playback-worklet.js", import.meta.url)),
    ]);
    return new Sound(context, stream, problem, { captureRate, playbackRate, prebufferMs });
  }

  constructor(context, stream, problem, { captureRate, playbackRate, prebufferMs }) {
    super();
    this.problem = problem; // of the microphone
    this.muted = false;
    this.context = context;
    this.stream = stream;
    this.capture = node(context, "carlos-capture", { rate: captureRate, frameMs: FRAME_MS });
    this.playback = node(context, "carlos-playback", { rate: playbackRate, prebufferMs });
    this.capture.port.onmessage = ({ data }) => this.captured(data);
    this.playback.port.onmessage = ({ data }) => this.reported(data);
    if (stream) context.createMediaStreamSource(stream).connect(this.capture);
    // A silent way to the speakers: what leads nowhere is not run.
    this.capture.connect(new GainNode(context, { gain: 0 })).connect(context.destination);
    this.playback.connect(context.destination);
  }

  get now() {
    return this.context.currentTime;
  }

  /** Queue 16-bit samples; `sequence` comes back in "buffered". */
  play(samples, sequence) {
    this.playback.port.postMessage({ samples, sequence });
  }

  /** Have `mark` told as played once everything queued before it was. */
  mark(name) {
    this.playback.port.postMessage({ mark: name });
  }

  /** Be silent at once. */
  flush() {
    this.playback.port.postMessage({ flush: true });
  }

  /** Have everything that reaches the speakers told as "tapped" {samples}. */
  tap() {
    this.playback.port.postMessage({ tap: true });
  }

  async close() {
    this.capture.port.postMessage({ stop: true });
    this.playback.port.postMessage({ stop: true });
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    await this.context.close();
  }

  captured({ samples, level, voiced, at }) {
    const heard = this.muted ? 0 : level;
    this.tell("frame", { samples: this.muted ? samples.fill(0) : samples, muted: this.muted });
    this.tell("level", { who: "you", level: heard, at });
    if (voiced && !this.muted) this.tell("spoke", { at });
  }

  reported({ played, flushed, level, buffered, sequence, voice, tapped, at }) {
    if (played !== undefined) this.tell("played", { mark: played, flushed });
    else if (voice !== undefined) this.tell("voice", { on: voice, at });
    else if (tapped !== undefined) this.tell("tapped", { samples: tapped });
    else {
      this.tell("level", { who: "carlos", level, at });
      this.tell("buffered", { ms: buffered, sequence });
    }
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function node(context, name, processorOptions) {
  return new AudioWorkletNode(context, name, {
    numberOfInputs: 1,
    numberOfOutputs: 1,
    outputChannelCount: [1],
    processorOptions,
  });
}
