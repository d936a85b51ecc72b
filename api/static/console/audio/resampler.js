/**
 * A streaming polyphase resampler between any two whole rates: one windowed sinc (Kaiser, about 70 dB) cut into a
 * phase for each output position, so that pieces join without a seam whatever their size.
 */

const ZERO_CROSSINGS = 16; // on each side, at the lower of the two rates
const PASS = 0.92; // of the lower Nyquist frequency
const BETA = 7;

export class Resampler {
  constructor(from, to) {
    const divisor = gcd(from, to);
    this.up = to / divisor;
    this.down = from / divisor;
    this.phases = from === to ? [Float32Array.of(1)] : filter(from, to, this.up);
    this.reset();
  }

  reset() {
    this.taps = this.phases[0].length;
    this.kept = new Float32Array(this.taps - 1);
    this.phase = 0;
  }

  /** Samples in, samples out; what the filter still needs is kept for the next piece. */
  push(samples) {
    const input = new Float32Array(this.kept.length + samples.length);
    input.set(this.kept);
    input.set(samples, this.kept.length);
    const output = [];
    let at = 0;
    while (at + this.taps <= input.length) {
      if (this.phase < this.up) {
        output.push(dot(this.phases[this.phase], input, at));
        this.phase += this.down;
      }
      while (this.phase >= this.up && at + this.taps <= input.length) {
        this.phase -= this.up;
        at += 1;
      }
    }
    this.kept = input.slice(at);
    return Float32Array.from(output);
  }
}

function dot(taps, input, at) {
  let sum = 0;
  for (let index = 0; index < taps.length; index += 1) sum += taps[index] * input[at + index];
  return sum;
}

/** One filter for each of the `up` positions between two input samples. */
function filter(from, to, up) {
  const cutoff = (PASS * Math.min(from, to)) / from; // of the input's Nyquist frequency
  const half = Math.ceil((ZERO_CROSSINGS * from) / Math.min(from, to));
  return Array.from({ length: up }, (_, phase) => {
    const taps = Float32Array.from({ length: 2 * half }, (_, index) => {
      const distance = index - half + 1 - phase / up;
      return cutoff * sinc(cutoff * distance) * kaiser(distance / half);
    });
    const gain = taps.reduce((sum, tap) => sum + tap, 0);
    return taps.map((tap) => tap / gain);
  });
}

const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const kaiser = (x) => (Math.abs(x) >= 1 ? 0 : bessel(BETA * Math.sqrt(1 - x * x)) / bessel(BETA));
const gcd = (a, b) => (b ? gcd(b, a % b) : a);

/** The modified Bessel function of order 0. */
function bessel(x) {
  let term = 1;
  let sum = 1;
  for (let n = 1; term > 1e-10 * sum; n += 1) {
    term *= (x / (2 * n)) ** 2;
    sum += term;
  }
  return sum;
}
