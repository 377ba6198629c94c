// A window's way to the stream: over the worker that all windows share, or, where there is none or
// it has died twice, over a connection of its own.

import { Live } from "./live.js";

const DEAD_AFTER = 4_000; // ms without a word of the worker, which ticks each second
const STILL_HERE = 10_000;

export class Link {
  // tell: takes the messages of Live
  constructor(tell) {
    this.tell = tell;
    this.q = "";
    this.silences = 0;
    this.heard = performance.now();
    this.connect();
    setInterval(() => this.watch(), 1_000);
    setInterval(() => this.port?.postMessage({}), STILL_HERE);
    addEventListener("pagehide", () => this.leave());
    addEventListener("pageshow", (event) => {
      if (event.persisted) this.connect();
    });
  }

  ask(q) {
    this.q = q;
    if (this.port) this.port.postMessage({ q });
    else this.own?.ask([q]);
  }

  connect() {
    this.heard = performance.now();
    let worker;
    try {
      worker = new SharedWorker("page/shared.js", { type: "module", name: "lgsp-live-1" });
    } catch {
      this.alone();
      return;
    }
    worker.addEventListener("error", () => this.port === worker.port && this.alone());
    this.port = worker.port;
    worker.port.addEventListener("message", ({ data }) => {
      if (this.port !== worker.port) return;
      this.heard = performance.now();
      if (data.kind === "tick") this.silences = 0;
      else if (data.q === undefined || data.q === this.q) this.tell(data);
    });
    worker.port.start();
    if (this.q) worker.port.postMessage({ q: this.q });
  }

  watch() {
    if (!this.port || performance.now() - this.heard < DEAD_AFTER) return;
    this.leave();
    this.silences += 1;
    if (this.silences > 1) this.alone();
    else this.connect(); // the browser starts a new worker when the old one has died
  }

  alone() {
    this.leave();
    this.own = new Live("", (message) => {
      if (message.q === undefined || message.q === this.q) this.tell(message);
    });
    if (this.q) this.own.ask([this.q]);
  }

  leave() {
    this.port?.postMessage({ bye: true });
    this.port?.close();
    this.port = null;
    this.own?.stop();
    this.own = null;
  }
}
