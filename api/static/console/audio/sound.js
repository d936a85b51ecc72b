/**
 * Ears and mouth of the page for one conversation: a microphone at the line's rate, a player at Carlos's.
 *
 * Tells of "frame" {samples, muted}, "level" {who, level, at}, "spoke" {at} (the caller is audible), "voice" {on, at}
 * (Carlos is), "played" {mark, flushed}, "buffered" {ms, sequence} and "allowed" {on}: whether the browser lets the page
 * sound, which it may not before a click. Times are the audio clock's, in seconds.
 */

const FRAME_MS = 20;
const ACTS = ["pointerdown", "keydown"];

export class Sound extends EventTarget {
  /** Without a microphone: it can be had later, and a conversation can do without. */
  static async open({ captureRate, playbackRate, prebufferMs }) {
    const context = new AudioContext({ latencyHint: "interactive" });
    await Promise.all([
      context.audioWorklet.addModule(new URL("capture-worklet.js", import.meta.url)),
      context.audioWorklet.addModule(new URL("playback-worklet.js", import.meta.url)),
    ]);
    return new Sound(context, { captureRate, playbackRate, prebufferMs });
  }

  constructor(context, { captureRate, playbackRate, prebufferMs }) {
    super();
    this.muted = false;
    this.context = context;
    this.stream = null;
    this.isClosed = false;
    this.capture = node(context, "carlos-capture", { rate: captureRate, frameMs: FRAME_MS });
    this.playback = node(context, "carlos-playback", { rate: playbackRate, prebufferMs });
    this.capture.port.onmessage = ({ data }) => this.captured(data);
    this.playback.port.onmessage = ({ data }) => this.reported(data);
    // A silent way to the speakers: what leads nowhere is not run.
    this.capture.connect(new GainNode(context, { gain: 0 })).connect(context.destination);
    this.playback.connect(context.destination);
    context.onstatechange = () => this.tell("allowed", { on: this.allowed });
    this.wake = () => context.resume().catch(() => {}); // closed before it was allowed
    this.wake();
    for (const act of ACTS) document.addEventListener(act, this.wake);
  }

  /** Whether anything can sound: a page that was opened without a click may have to wait for one. */
  get allowed() {
    return this.context.state === "running";
  }

  /** Hear with this microphone. */
  listen(stream) {
    if (this.isClosed) {
      release(stream);
      return;
    }
    this.stream = stream;
    this.context.createMediaStreamSource(stream).connect(this.capture);
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
    this.isClosed = true;
    this.context.onstatechange = null;
    for (const act of ACTS) document.removeEventListener(act, this.wake);
    this.capture.port.postMessage({ stop: true });
    this.playback.port.postMessage({ stop: true });
    if (this.stream) release(this.stream);
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

function release(stream) {
  for (const track of stream.getTracks()) track.stop();
}

function node(context, name, processorOptions) {
  return new AudioWorkletNode(context, name, {
    numberOfInputs: 1,
    numberOfOutputs: 1,
    outputChannelCount: [1],
    processorOptions,
  });
}
