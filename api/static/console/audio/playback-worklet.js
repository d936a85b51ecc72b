/**
 * Carlos's voice: what arrives is queued, and played once a little is there or has waited long enough, so that no tail
 * stays behind. Marks come back when all before them has been played, or at once when the queue is flushed.
 *
 * In: {samples, sequence}, {mark}, {flush}, {tap}, {stop}.
 * Out: {played, flushed}, {level, buffered, sequence, at}, {voice, at}, {tapped}.
 */

import { rms } from "./loudness.js";
import { Resampler } from "./resampler.js";

const AUDIBLE = 0.002;
const PAUSE_S = 0.35; // of silence between two utterances
const REPORT_S = 0.04;

class Playback extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate, prebufferMs } }) {
    super();
    this.rate = rate;
    this.resampler = new Resampler(rate, sampleRate);
    this.prebuffer = (prebufferMs / 1000) * sampleRate;
    this.queue = [];
    this.offset = 0; // in the queue's first piece
    this.buffered = 0;
    this.queued = 0; // ever
    this.played = 0; // ever
    this.marks = [];
    this.playing = false;
    this.waited = 0;
    this.heardAt = -Infinity;
    this.voice = false;
    this.sequence = undefined; // the server's number of the last piece
    this.block = [];
    this.tapping = false;
    this.over = false;
    this.port.onmessage = ({ data }) => this.take(data);
  }

  take(message) {
    if (message.samples) this.enqueue(message);
    else if (message.mark) this.marks.push({ name: message.mark, at: this.queued });
    else if (message.flush) this.flush();
    else if (message.tap) this.tapping = true;
    else if (message.stop) this.over = true;
  }

  enqueue({ samples, sequence }) {
    this.sequence = sequence;
    const piece = this.resampler.push(Float32Array.from(samples, (sample) => sample / 32768));
    this.queue.push(piece);
    this.buffered += piece.length;
    this.queued += piece.length;
  }

  flush() {
    this.queue = [];
    this.offset = 0;
    this.queued -= this.buffered;
    this.buffered = 0;
    this.playing = false;
    this.waited = 0;
    this.resampler.reset();
    for (const { name } of this.marks.splice(0)) this.port.postMessage({ played: name, flushed: true });
  }

  process(inputs, [output]) {
    const out = output[0];
    this.decide(out.length);
    if (this.playing) this.fill(out);
    this.returnMarks();
    this.watch(out);
    return !this.over;
  }

  decide(length) {
    if (this.playing) return;
    this.waited = this.buffered ? this.waited + length : 0;
    this.playing = this.buffered >= this.prebuffer || this.waited >= this.prebuffer;
    if (!this.buffered) this.playing = false;
  }

  fill(out) {
    let filled = 0;
    while (filled < out.length && this.queue.length) {
      const piece = this.queue[0];
      const part = piece.subarray(this.offset, this.offset + out.length - filled);
      out.set(part, filled);
      filled += part.length;
      this.offset += part.length;
      if (this.offset === piece.length) {
        this.queue.shift();
        this.offset = 0;
      }
    }
    this.buffered -= filled;
    this.played += filled;
    if (filled < out.length) {
      this.playing = false;
      this.waited = 0;
    }
  }

  returnMarks() {
    while (this.marks.length && this.marks[0].at <= this.played) {
      this.port.postMessage({ played: this.marks.shift().name, flushed: false });
    }
  }

  watch(out) {
    this.block.push(...out);
    if (this.block.length < REPORT_S * sampleRate) return;
    const level = rms(this.block);
    this.listen(level);
    const buffered = (this.buffered / sampleRate) * 1000;
    this.port.postMessage({ level, buffered, sequence: this.sequence, at: currentTime });
    if (this.tapping) this.port.postMessage({ tapped: Float32Array.from(this.block) });
    this.block = [];
  }

  listen(level) {
    if (level > AUDIBLE) {
      this.heardAt = currentTime;
      if (!this.voice) this.port.postMessage({ voice: (this.voice = true), at: this.firstSound() });
    } else if (this.voice && currentTime - this.heardAt > PAUSE_S) {
      this.port.postMessage({ voice: (this.voice = false), at: this.heardAt });
    }
  }

  firstSound() {
    const first = this.block.findIndex((sample) => Math.abs(sample) > AUDIBLE);
    return currentTime - (this.block.length - first) / sampleRate;
  }
}

registerProcessor("carlos-playback", Playback);
