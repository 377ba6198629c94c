// Shared by all windows of a browser: one stream, whatever the number of windows. It lives as long
// as one of them does, and tells each what it asked for.

import { Live } from "./live.js";

const TICK = 1_000;
const GONE_AFTER = 150_000; // ms; a window in the background may speak once a minute
const ports = new Map();
const newest = new Map(); // question -> its newest message
let state = { kind: "lost", detail: "" };
const live = new Live("../", spread);

function spread(message) {
  if (message.q === undefined) {
    const changed = message.kind !== state.kind || message.detail !== state.detail;
    state = message;
    if (changed) for (const port of ports.keys()) port.postMessage(state);
    return;
  }
  newest.set(message.q, message);
  for (const [port, window] of ports) if (window.q === message.q) port.postMessage(message);
}

function follow() {
  const asked = new Set([...ports.values()].map((window) => window.q));
  for (const q of newest.keys()) if (!asked.has(q)) newest.delete(q);
  live.ask(asked);
}

addEventListener("connect", ({ ports: [port] }) => {
  port.addEventListener("message", ({ data }) => {
    if (data.bye) {
      ports.delete(port);
      follow();
      return;
    }
    const q = data.q ?? ports.get(port)?.q;
    if (q === undefined) return; // it was taken for gone: without a tick it comes again, and asks
    ports.set(port, { q, seen: performance.now() });
    if (data.q === undefined) return;
    follow();
    port.postMessage(state);
    if (newest.has(data.q)) port.postMessage(newest.get(data.q));
  });
  port.start();
});

setInterval(() => {
  for (const [port, window] of ports) {
    if (performance.now() - window.seen > GONE_AFTER) ports.delete(port);
    else port.postMessage({ kind: "tick" });
  }
  follow();
}, TICK);
