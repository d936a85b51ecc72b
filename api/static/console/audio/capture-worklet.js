/**
 * The microphone, as frames of whole 16-bit samples at the line's rate. Without a microphone, frames of silence: the
 * audio clock is the line's clock either way.
 */

import { rms, VoiceGate } from "./loudness.js";
import { Resampler } from "./resampler.js";

const NOTHING = new Float32Array(128);

class Capture extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate, frameMs } }) {
    super();
    this.resampler = new Resampler(sampleRate, rate);
    this.frame = new Float32Array((rate * frameMs) / 1000);
    this.filled = 0;
    this.gate = new VoiceGate();
    this.over = false;
    this.port.onmessage = () => (this.over = true);
  }

  process([input]) {
    for (const sample of this.resampler.push(input[0] ?? NOTHING)) {
      this.frame[this.filled++] = sample;
      if (this.filled === this.frame.length) this.send();
    }
    return !this.over;
  }

  send() {
    this.filled = 0;
    const level = rms(this.frame);
    const samples = Int16Array.from(this.frame, (sample) => Math.max(-32768, Math.min(32767, sample * 32768)));
    this.port.postMessage({ samples, level, voiced: this.gate.hears(level), at: currentTime }, [samples.buffer]);
  }
}

registerProcessor("carlos-capture", Capture);
