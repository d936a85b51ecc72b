/**
 * What was heard and said, whichever line it came over. Items are, in order:
 *
 *   {kind: "caller", text}
 *   {kind: "carlos", parts: [{planned, heard, cut}], open}   heard is null until it was
 *   {kind: "tool", name, arguments, result, ok, ms, id}      ok is null until it is done
 *   {kind: "mark", key, values}
 *
 * Tells of "added" and "changed" {item}.
 */

export class Conversation extends EventTarget {
  constructor() {
    super();
    this.items = [];
  }

  heard(text) {
    this.close();
    const keys = /^\[DTMF\] (.*)$/.exec(text);
    if (keys) this.note("mark.pressed", { digits: keys[1] });
    else this.add({ kind: "caller", text });
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

  toolStarted(name, given, id) {
    this.add({ kind: "tool", name, arguments: given, result: null, ok: null, ms: null, id });
  }

  /** A tool has answered; the phone line tells only of that. */
  toolDone({ name, arguments: given, result, ok, ms }) {
    let item = this.items.find((each) => each.kind === "tool" && each.name === name && each.ok === null);
    if (!item) {
      this.toolStarted(name, given, null);
      item = this.items.at(-1);
    }
    Object.assign(item, { result, ok, ms });
    this.tell("changed", item);
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
    const texts = this.items.map((item) => {
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
    if (!open) return;
    open.open = false;
    this.tell("changed", open);
  }

  add(item) {
    this.items.push(item);
    this.tell("added", item);
  }

  tell(type, item) {
    this.dispatchEvent(new CustomEvent(type, { detail: { item } }));
  }
}

const waits = ({ planned, heard }, text) => heard === null && planned.startsWith(text);
