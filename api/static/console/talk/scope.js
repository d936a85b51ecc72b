/** Who is loud, over the last seconds: the caller above the line, Carlos below it, barge-ins across. */

const SECONDS = 12;
const STEP_S = 0.04;
const STEPS = SECONDS / STEP_S;
const LOUDEST_DB = -12;
const QUIETEST_DB = -58;
const LIVELY_MS = 30; // between drawings: nothing is new before a step's time
const CALM_MS = 400; // for who prefers less motion

export class Scope {
  constructor(canvas, meters) {
    this.canvas = canvas;
    this.meters = meters; // {you, carlos}
    this.levels = { you: new Float32Array(STEPS), carlos: new Float32Array(STEPS) };
    this.cuts = new Set(); // steps with a barge-in
    this.step = 0;
    this.drawn = 0;
    this.running = false;
    this.draw();
  }

  /** Show a sound's levels until it is stopped. */
  follow(sound) {
    const began = sound.now;
    sound.addEventListener("level", ({ detail: { who, level, at } }) => {
      this.advance(Math.floor((at - began) / STEP_S));
      const index = this.step % STEPS;
      this.levels[who][index] = Math.max(this.levels[who][index], scale(level));
    });
    this.step = 0;
    this.cuts.clear();
    this.levels.you.fill(0);
    this.levels.carlos.fill(0);
    this.running = true;
    requestAnimationFrame((now) => this.frame(now));
  }

  cut() {
    this.cuts.add(this.step);
  }

  stop() {
    this.running = false;
    this.draw();
    for (const meter of Object.values(this.meters)) show(meter, 0);
  }

  advance(step) {
    while (this.step < step) {
      this.step += 1;
      for (const levels of Object.values(this.levels)) levels[this.step % STEPS] = 0;
      this.cuts.delete(this.step - STEPS);
    }
  }

  frame(now) {
    if (!this.running) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (now - this.drawn >= (calm ? CALM_MS : LIVELY_MS)) {
      this.drawn = now;
      this.draw();
      for (const [who, meter] of Object.entries(this.meters)) show(meter, this.recent(who));
    }
    requestAnimationFrame((later) => this.frame(later));
  }

  recent(who) {
    const levels = [0, 1, 2, 3].map((back) => this.levels[who][(this.step - back + STEPS) % STEPS]);
    return Math.max(...levels);
  }

  draw() {
    const { width, height } = this.canvas.getBoundingClientRect();
    if (!width) return;
    const ratio = devicePixelRatio;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const colour = getComputedStyle(this.canvas);
    this.drawLevels(pen, width, height, colour);
    pen.fillStyle = colour.getPropertyValue("--line");
    pen.fillRect(0, height / 2 - 0.5, width, 1);
    this.drawCuts(pen, width, height, colour);
  }

  drawLevels(pen, width, height, colour) {
    const wide = width / STEPS;
    for (const [who, direction] of [["you", -1], ["carlos", 1]]) {
      pen.fillStyle = colour.getPropertyValue(`--${who}`);
      for (let back = 0; back < STEPS; back += 1) {
        const level = this.step >= back ? this.levels[who][(this.step - back) % STEPS] : 0;
        const tall = level * (height / 2 - 3);
        if (tall > 0.5) pen.fillRect(width - (back + 1) * wide, direction < 0 ? height / 2 - tall : height / 2, wide * 0.8, tall);
      }
    }
  }

  drawCuts(pen, width, height, colour) {
    pen.fillStyle = colour.getPropertyValue("--cut");
    for (const step of this.cuts) pen.fillRect(width - ((this.step - step + 1) / STEPS) * width, 2, 2, height - 4);
  }
}

/** An amplitude as 0..1 of the range that speech has. */
function scale(level) {
  const decibels = 20 * Math.log10(level + 1e-9);
  return Math.min(1, Math.max(0, (decibels - QUIETEST_DB) / (LOUDEST_DB - QUIETEST_DB)));
}

function show(meter, level) {
  const percent = Math.round(level * 100);
  meter.style.setProperty("--level", `${percent}%`);
  meter.setAttribute("aria-valuenow", String(percent));
}
