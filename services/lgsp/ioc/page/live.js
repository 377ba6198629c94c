// One connection to the feed for all the questions of a browser. It is read with fetch, not with
// EventSource: that one hides the signs of life, the feed's words when it refuses, and hangs for
// ever on a path that has frozen.

import { FROM_PAGE } from "./ask.js";

const QUIET = 3_000; // ms without a byte; the feed says something each second
const FIRST_BYTE = 1_200; // ms for the first one of a try; longer for those that follow
const LONGEST_PAUSE = 2_000;
const SHRINK_AFTER = 10_000;

// ms to wait before try number `failures`: none to speak of at first, never more than two seconds,
// and never the same for all the walls of a province.
export function pause(failures, random = Math.random()) {
  return (0.5 + random / 2) * Math.min(100 * 2 ** failures, LONGEST_PAUSE);
}

// Parses the lines of a stream of server-sent events; comments are signs of life, nothing more.
export class Events {
  constructor(tell) {
    this.tell = tell;
    this.rest = "";
    this.clear();
  }

  clear() {
    this.name = "message";
    this.data = [];
  }

  take(text) {
    const lines = (this.rest + text).split(/\r\n|\n|\r/);
    this.rest = lines.pop();
    lines.forEach((line) => this.line(line));
  }

  line(line) {
    if (line === "") {
      if (this.data.length) this.tell(this.name, JSON.parse(this.data.join("\n")));
      this.clear();
      return;
    }
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line);
    if (field === "event") this.name = value;
    if (field === "data") this.data.push(value ?? "");
  }
}

// Keeps a connection for a fixed list of questions until it is stopped.
class Connection {
  constructor(base, questions, tell, opened) {
    this.url = `${base}api/v1/streams?${new URLSearchParams(questions.map((q) => ["q", q]))}`;
    this.questions = questions;
    this.tell = tell;
    this.opened = opened;
    this.failures = 0;
    this.stopped = false;
    this.keep();
  }

  stop() {
    this.stopped = true;
    this.attempt?.abort();
    this.wake?.();
  }

  // Tries at once instead of waiting: the network is said to be back.
  hurry() {
    this.wake?.();
  }

  async keep() {
    while (!this.stopped) {
      const began = performance.now();
      let detail = "";
      try {
        detail = await this.follow();
      } catch {
        // The path is broken, or silent: nothing more is known.
      }
      if (this.stopped) return;
      this.tell({ kind: "lost", detail });
      // A try that hung has waited already.
      await this.wait(Math.max(pause(this.failures) - (performance.now() - began), pause(0)));
      this.failures += 1;
    }
  }

  // Returns the feed's words when it refused; throws when the path fails.
  async follow() {
    const attempt = new AbortController();
    this.attempt = attempt;
    const patience = Math.min(FIRST_BYTE * 1.5 ** this.failures, QUIET);
    let watchdog = setTimeout(() => attempt.abort(), patience);
    try {
      const answer = await fetch(
        this.url, { signal: attempt.signal, cache: "no-store", headers: FROM_PAGE });
      if (!answer.ok) return (await answer.json()).detail ?? "";
      const events = new Events((name, data) => this.tell({ kind: name, at: Date.now(), ...data }));
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done || this.stopped) return "";
        clearTimeout(watchdog);
        watchdog = setTimeout(() => attempt.abort(), QUIET);
        this.failures = 0;
        this.opened();
        this.tell({ kind: "live" });
        events.take(value);
      }
    } finally {
      clearTimeout(watchdog);
      attempt.abort();
    }
  }

  wait(ms) {
    return new Promise((done) => {
      const timer = setTimeout(done, ms);
      this.wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }
}

export class Live {
  // tell: takes {kind: "live" | "lost" | "indicators" | "unavailable" | "refused", …}
  constructor(base, tell) {
    this.base = base;
    this.tell = tell;
    this.connection = null;
    this.next = null;
    this.timer = 0;
    this.wanted = new Set();
    addEventListener("online", () => (this.next ?? this.connection)?.hurry());
  }

  // Follows these questions from now on. The old connection goes when the new one speaks.
  ask(questions) {
    this.wanted = new Set(questions);
    clearTimeout(this.timer);
    const followed = new Set((this.next ?? this.connection)?.questions);
    const isNew = [...this.wanted].some((q) => !followed.has(q));
    if (!isNew && followed.size === this.wanted.size) return;
    // Windows come by the dozen; and one question too many costs less than a new connection.
    this.timer = setTimeout(() => this.open(), isNew ? 20 : SHRINK_AFTER);
  }

  open() {
    this.next?.stop();
    this.next = null;
    if (!this.wanted.size) {
      this.connection?.stop();
      this.connection = null;
      return;
    }
    const opened = new Connection(this.base, [...this.wanted], (message) => {
      // While it does not speak, the old one may still be live.
      if (opened === this.connection || !this.connection) this.tell(message);
    }, () => {
      if (opened === this.connection) return;
      this.connection?.stop();
      [this.connection, this.next] = [opened, null];
    });
    this.next = opened;
  }

  stop() {
    clearTimeout(this.timer);
    this.next?.stop();
    this.connection?.stop();
    this.next = this.connection = null;
  }
}
