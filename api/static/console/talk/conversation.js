/**
 * What was heard and said, whichever line it came over. Items are, in order:
 *
 *   {kind: "caller", text, waits}                            waits: typed, and not answered for by the server yet
 *   {kind: "carlos", parts: [{planned, heard, cut}], open}   heard is null until it was
 *   {kind: "tool", name, arguments, result, ok, ms, id}      ok is null until it is done
 *   {kind: "mark", key, values, also}                        also: the key of a second sentence
 *
 * Tells of "added" and "changed" {item}, and of "cleared".
 */

export class Conversation extends EventTarget {
  constructor() {
    super();
    this.items = [];
  }

  heard(text) {
    this.close();
    const keys = /^\[DTMF\] (.*)$/.exec(text);
    const typed = this.items.find((item) => item.waits && asSent(item.text) === text);
    if (keys) this.note("mark.pressed", { digits: keys[1] });
    else if (typed) this.change(typed, { waits: false });
    else this.add({ kind: "caller", text, waits: false });
  }

  /** The caller has written this; the server will say that it heard it. */
  typed(text) {
    this.add({ kind: "caller", text, waits: true });
  }

  /** What was written and has not been heard yet. */
  get unsent() {
    return this.items.filter(({ waits }) => waits).map(({ text }) => text);
  }

  /** Carlos is about to say this. */
  planned(text) {
    this.part({ planned: text, heard: null, cut: false });
  }

  /** This was heard of it; `cut` when there was more. */
  said(text, cut) {
    const item = this.items.findLast(({ kind, parts }) => kind === "carlos" && parts.some((part) => waits(part, text)));
    if (!item) {
      this.unplanned({ planned: text, heard: text, cut });
      return;
    }
    Object.assign(item.parts.find((part) => waits(part, text)), { heard: text, cut });
    this.tell("changed", item);
  }

  /** A use of a tool began. Its answer may have come first, by the other way. */
  toolStarted(name, given, id) {
    if (this.tool(id)) return;
    this.add({ kind: "tool", name, arguments: given, result: null, ok: null, ms: null, id });
  }

  /** A tool has answered; the phone line tells only of that. */
  toolDone({ use, name, arguments: given, result, ok, ms }) {
    this.toolStarted(name, given, use);
    this.change(this.tool(use), { result, ok, ms });
  }

  tool(id) {
    return this.items.findLast((item) => item.kind === "tool" && item.id === id);
  }

  /** Something failed; whether the call outlived it is known at its end. */
  fault(also) {
    this.add({ kind: "mark", key: "mark.fault", values: {}, also });
  }

  ended(outcome) {
    const key = outcome === "failed" ? "mark.fault.lost" : "mark.fault.over";
    for (const item of this.items.filter((each) => each.key === "mark.fault")) this.change(item, { key });
  }

  interrupted() {
    this.close();
    this.note("mark.interrupted");
  }

  /** Carlos fell silent: an interruption if he had something left to say. */
  silenced() {
    const { parts } = this.items.findLast(({ kind, open }) => kind === "carlos" && open) ?? { parts: [] };
    if (parts.some(({ heard, cut }) => heard === null || cut)) this.interrupted();
  }

  note(key, values = {}) {
    this.add({ kind: "mark", key, values });
  }

  /** For a new session that goes on with this conversation. */
  history() {
    const texts = this.items.filter(({ waits }) => !waits).map((item) => {
      if (item.kind === "caller") return { role: "USER", text: item.text };
      const text = item.kind === "carlos" ? item.parts.map(({ heard }) => heard ?? "").join(" ").trim() : "";
      return { role: "ASSISTANT", text };
    });
    return texts.filter(({ text }) => text);
  }

  clear() {
    this.items = [];
    this.tell("cleared");
  }

  /** Go on with the items of an earlier page. */
  restore(items) {
    this.clear();
    for (const item of items) this.add(item);
    this.close();
  }

  // Carlos's turns.

  part(part) {
    const last = this.items.findLast(({ kind }) => kind !== "tool");
    if (last?.kind === "carlos" && last.open && last === this.items.at(-1)) {
      last.parts.push(part);
      this.tell("changed", last);
    } else {
      this.add({ kind: "carlos", parts: [part], open: !part.cut });
    }
  }

  /** Heard of something that was never announced; a cut one belongs before the mark of its interruption. */
  unplanned(part) {
    const last = this.items.at(-1);
    const before = this.items.at(-2);
    if (part.cut && last?.key === "mark.interrupted" && before?.kind === "carlos") {
      before.parts.push(part);
      this.tell("changed", before);
    } else {
      this.part(part);
    }
  }

  /** The turn is the caller's. */
  close() {
    const open = this.items.findLast(({ kind, open }) => kind === "carlos" && open);
    if (open) this.change(open, { open: false });
  }

  change(item, news) {
    Object.assign(item, news);
    this.tell("changed", item);
  }

  add(item) {
    this.items.push(item);
    this.tell("added", item);
  }

  tell(type, item) {
    this.dispatchEvent(new CustomEvent(type, { detail: { item } }));
  }
}

/** A typed text as the server takes it: square brackets are its own. */
const asSent = (text) => text.replaceAll("[", "(").replaceAll("]", ")");
const waits = ({ planned, heard }, text) => heard === null && planned.startsWith(text);
