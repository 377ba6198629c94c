// Draws one document of figures: rates, counts, how far they can be trusted, how old they are.

import * as words from "./words.js";

const COUNTS = ["open", "open_overdue", "suspended", "resolved_late", "refused", "withdrawn"];
const OLD = 30; // s; the feed sends the figures again each 5 s, changed or not

const $ = (id) => document.getElementById(id);

export function item(content) {
  const made = document.createElement("li");
  made.append(content);
  return made;
}

export class FiguresView {
  // open: called with the figure and part whose dossiers are wanted
  constructor(open) {
    this.open = open;
    this.counts = Object.fromEntries(COUNTS.map((name) => [name, this.makeCount(name)]));
    for (const button of document.querySelectorAll("[data-part]")) {
      const { rate } = button.closest("[data-rate]").dataset;
      button.addEventListener("click", () => this.openIfShown(rate, button.dataset.part));
    }
    this.isLost = false;
    this.clear();
    setInterval(() => this.drawAge(), 1_000);
  }

  clear() {
    this.shown = null;
    this.drawn = "";
    for (const node of document.querySelectorAll("[data-value], [data-part], .counts strong")) {
      node.textContent = "…";
    }
    for (const id of ["reasons", "portals"]) $(id).replaceChildren();
    for (const id of ["trust", "asof"]) $(id).textContent = "…";
    $("trust").removeAttribute("data-trust");
    this.drawAge();
  }

  // received: ms of this machine's clock when the document came
  draw(figures, received) {
    this.shown = { ...figures, received };
    for (const card of document.querySelectorAll("[data-rate]")) drawRate(card, figures.rates);
    for (const name of COUNTS) drawCount(this.counts[name], name, figures.counts[name]);
    $("asof").textContent = words.instant(figures.as_of);
    $("asof").dateTime = figures.as_of;
    $("portals").replaceChildren(...figures.freshness.map((source) => portal(source, figures.as_of)));
    const { profile, calendar } = figures;
    $("rules").textContent =
      `Quy tắc ${profile.name} v${profile.version} · lịch làm việc ${calendar.version}`;
    this.drawAge();
  }

  setLost(isLost) {
    this.isLost = isLost;
    this.drawAge();
  }

  drawAge() {
    const seconds = this.shown ? Math.max(0, Math.round((Date.now() - this.shown.received) / 1000)) : 0;
    $("age").textContent = this.shown ? words.age(seconds) : "";
    document.body.classList.toggle("old", seconds > OLD);
    this.drawTrust(this.isLost || seconds > OLD);
  }

  // Figures that no longer come are not to be trusted in full, whatever the feed said of them then.
  drawTrust(isStale) {
    if (!this.shown) return;
    const { trust } = this.shown;
    const label = isStale && trust === "full" ? "provisional" : trust;
    const reasons = [...(isStale ? [words.STALE] : []), ...words.reasons(this.shown)];
    const drawn = JSON.stringify([label, reasons]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    $("trust").textContent = words.TRUST[label] ?? label;
    $("trust").dataset.trust = label;
    $("reasons").replaceChildren(...reasons.map(item));
  }

  openIfShown(figure, part) {
    if (this.shown) this.open(figure, part);
  }

  makeCount(name) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.count = name;
    const label = document.createElement("span");
    label.textContent = words.FIGURES[name];
    button.append(document.createElement("strong"), label);
    button.addEventListener("click", () => this.openIfShown(name, "numerator"));
    $("counts").append(item(button));
    return button;
  }
}

function set(node, text) {
  if (node.textContent === text) return;
  const changed = node.textContent !== "…";
  node.textContent = text;
  if (!changed) return;
  node.classList.remove("changed");
  requestAnimationFrame(() => node.classList.add("changed"));
}

function drawRate(card, rates) {
  const rate = rates[card.dataset.rate];
  set(card.querySelector("[data-value]"),
    rate.value === null ? "Chưa đủ dữ liệu" : words.percent(rate.value));
  card.classList.toggle("unknown", rate.value === null);
  card.querySelector(".bar span").style.width = `${rate.value ?? 0}%`;
  for (const part of ["numerator", "denominator", "excluded"]) {
    set(card.querySelector(`[data-part=${part}]`), words.number(rate[part]));
  }
}

function drawCount(button, name, value) {
  set(button.querySelector("strong"), words.number(value));
  const late = name === "open_overdue" || name === "resolved_late";
  button.classList.toggle("warn", late && value > 0);
}

function portal(source, asOf) {
  const name = document.createElement("b");
  name.textContent = source.portal;
  const line = item(name);
  const seconds = Math.max(0, (new Date(asOf) - new Date(source.last_seen_at)) / 1000);
  const seen = source.last_seen_at
    ? `đọc lần cuối ${words.minutes(source.last_seen_at)} (${words.age(seconds)})`
    : "chưa đọc được lần nào";
  line.append(` ${words.PORTAL[source.state] ?? source.state}, ${seen}`);
  line.dataset.state = source.state;
  return line;
}
