/**
 * How long each answer took: from the end of the caller's last word to Carlos's first sound, on the audio clock.
 * Tells of "turn" {ms}.
 */

const LONGEST_S = 30; // an answer later than this answers something else

export class Stopwatch extends EventTarget {
  constructor(sound) {
    super();
    this.turns = [];
    this.asked = null;
    this.sound = sound;
    sound.addEventListener("spoke", ({ detail }) => (this.asked = detail.at));
    sound.addEventListener("voice", ({ detail }) => detail.on && this.answered(detail.at));
  }

  /** Typed text and keys ask as well as words do. */
  typed() {
    this.asked = this.sound.now;
  }

  answered(at) {
    const ms = this.asked === null ? NaN : Math.round((at - this.asked) * 1000);
    this.asked = null;
    if (!(ms > 0 && ms < LONGEST_S * 1000)) return;
    this.turns.push(ms);
    this.dispatchEvent(new CustomEvent("turn", { detail: { ms } }));
  }
}
