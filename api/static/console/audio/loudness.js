/** How loud samples are, and when a voice begins and ends in them. Runs in the worklets. */

export function rms(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / Math.max(1, samples.length));
}

/** Follows the noise of a room: a voice stands well above it. */
export class VoiceGate {
  constructor() {
    this.floor = 0.004;
  }

  hears(level) {
    const voiced = level > Math.max(0.012, this.floor * 3.5);
    const pace = level < this.floor ? 0.2 : voiced ? 0.0005 : 0.01;
    this.floor += (level - this.floor) * pace;
    return voiced;
  }
}
