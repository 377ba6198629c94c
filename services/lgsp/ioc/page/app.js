// The page: follows the stream, shows the newest figures, says when it no longer can.

import { Behind } from "./behind.js";
import { countsChart, ratesChart } from "./chart.js";
import { UnitsTable } from "./units.js";
import * as words from "./words.js";

const QUIET = 40_000; // ms; the feed repeats itself every 15 s
const RETRY = 3_000;
const TABLES_EVERY = 4_000;
const COUNTS = ["open", "open_overdue", "suspended", "resolved_late", "refused", "withdrawn"];

const $ = (id) => document.getElementById(id);
const behind = new Behind($("behind"));
const units = new UnitsTable($("units"), (unit) => go({ unit }));
const counts = Object.fromEntries(COUNTS.map((name) => [name, makeCount(name)]));
let scope = read();
let stream = null;
let watch = 0;
let shown = null; // the newest figures
let tablesAt = 0;
let tablesTimer = 0;

function read() {
  const asked = new URLSearchParams(location.search);
  return { period: asked.get("period") ?? "all", unit: asked.get("unit") ?? "" };
}

function go(change) {
  scope = { ...scope, ...change };
  history.pushState(null, "", `?${new URLSearchParams(scope)}`);
  start();
}

function start() {
  shown = null;
  tablesAt = 0;
  drawScope();
  listen();
  loadPeriods();
  loadTables();
}

function listen() {
  clearTimeout(watch);
  stream?.close();
  const opened = new EventSource(`api/v1/stream?${new URLSearchParams(scope)}`);
  stream = opened;
  watch = setTimeout(lost, QUIET);
  opened.addEventListener("indicators", (event) => {
    clearTimeout(watch);
    watch = setTimeout(lost, QUIET);
    found();
    drawFigures(JSON.parse(event.data), event.lastEventId);
  });
  opened.addEventListener("error", () => {
    lost();
    // The browser comes back by itself after a broken connection, not after a refusal.
    if (opened.readyState === EventSource.CLOSED && opened === stream) {
      clearTimeout(watch);
      watch = setTimeout(listen, RETRY);
    }
  });
}

function lost() {
  document.body.classList.add("lost");
  $("connection").textContent = "Mất kết nối";
  $("lost").hidden = false;
  $("lost").textContent = shown
    ? `Mất kết nối với hệ thống. Số liệu dưới đây là của lúc ${words.instant(shown.as_of)}.`
    : "Chưa nhận được số liệu từ hệ thống.";
}

function found() {
  document.body.classList.remove("lost");
  $("connection").textContent = "Trực tiếp";
  $("lost").hidden = true;
}

function set(node, text) {
  if (node.textContent === text) return;
  const changed = node.textContent !== "…";
  node.textContent = text;
  if (!changed) return;
  node.classList.remove("changed");
  requestAnimationFrame(() => node.classList.add("changed"));
}

function drawFigures(figures, id) {
  const moved = !shown || shown.id !== id;
  shown = { ...figures, id };
  for (const card of document.querySelectorAll("[data-rate]")) drawRate(card, figures.rates);
  for (const name of COUNTS) drawCount(counts[name], name, figures.counts[name]);
  $("trust").textContent = words.TRUST[figures.trust];
  $("trust").dataset.trust = figures.trust;
  $("reasons").replaceChildren(...figures.trust_reasons.map((r) => item(words.trustReason(r))));
  $("asof").textContent = words.instant(figures.as_of);
  $("asof").dateTime = figures.as_of;
  $("portals").replaceChildren(...figures.freshness.map(portal));
  $("rules").textContent =
    `Quy tắc ${figures.profile.name} v${figures.profile.version} · lịch làm việc ${figures.calendar.version}`;
  if (moved) loadTables();
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

function makeCount(name) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.count = name;
  const label = document.createElement("span");
  label.textContent = words.FIGURES[name];
  const figure = document.createElement("strong");
  figure.textContent = "…";
  button.append(figure, label);
  button.addEventListener("click", () => {
    if (shown) behind.open(scope, name, "numerator", shown.counts[name]);
  });
  $("counts").append(item(button));
  return button;
}

function drawCount(button, name, value) {
  set(button.querySelector("strong"), words.number(value));
  const late = name === "open_overdue" || name === "resolved_late";
  button.classList.toggle("warn", late && value > 0);
}

function portal(source) {
  const name = document.createElement("b");
  name.textContent = source.portal;
  const line = item(name);
  line.append(` ${words.PORTAL[source.state]}, tin cuối ${words.minutes(source.last_seen_at)}`);
  line.dataset.state = source.state;
  return line;
}

function item(content) {
  const made = document.createElement("li");
  made.append(content);
  return made;
}

function loadTables() {
  clearTimeout(tablesTimer);
  tablesTimer = setTimeout(async () => {
    tablesAt = Date.now();
    const asked = scope;
    const query = new URLSearchParams(asked);
    try {
      const [below, monthly] = await Promise.all([
        get(`api/v1/indicators/units?${query}`), get(`api/v1/indicators/months?${query}`),
      ]);
      if (asked !== scope) return;
      units.show(below.units, asked.unit);
      draw("chart-counts", countsChart, monthly.months);
      draw("chart-rates", ratesChart, monthly.months);
    } catch {
      tablesTimer = setTimeout(loadTables, RETRY);
    }
  }, Math.max(0, tablesAt + TABLES_EVERY - Date.now()));
}

function draw(id, chart, months) {
  $(id).replaceChildren(chart(months, Math.max($(id).clientWidth, 240)));
}

async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function loadPeriods() {
  const months = await get("api/v1/indicators/months?period=all")
    .then((all) => all.months.map((m) => m.month), () => []);
  const years = [...new Set(months.map((m) => m.slice(0, 4)))].reverse();
  const options = ["all", ...years.flatMap((year) => [
    year,
    ...["H1", "H2", "Q1", "Q2", "Q3", "Q4"].map((part) => `${year}-${part}`),
    ...months.filter((m) => m.startsWith(year)),
  ])];
  if (!options.includes(scope.period)) options.push(scope.period);
  $("period").replaceChildren(...options.map((name) => {
    const option = new Option(words.periodName(name), name, false, name === scope.period);
    return option;
  }));
}

function drawScope() {
  const parts = scope.unit ? scope.unit.split(".") : [];
  const steps = /^\d/.test(scope.unit) ? [scope.unit] : parts.map((_, i) => parts.slice(0, i + 1).join("."));
  const crumbs = [["", "Tất cả đơn vị"], ...steps.map((unit) => [unit, unit])];
  $("crumbs").replaceChildren(...crumbs.map(([unit, name], i) => {
    const link = document.createElement("a");
    link.href = `?unit=${encodeURIComponent(unit)}`;
    link.textContent = name;
    if (i === crumbs.length - 1) link.ariaCurrent = "page";
    link.addEventListener("click", (event) => {
      event.preventDefault();
      go({ unit });
    });
    return item(link);
  }));
  $("json").href = `api/v1/indicators?${new URLSearchParams(scope)}`;
  document.title = `${scope.unit || "Toàn tỉnh"} · ${words.periodName(scope.period)} · IOC`;
}

$("period").addEventListener("change", (event) => go({ period: event.target.value }));
for (const button of document.querySelectorAll("[data-part]")) {
  button.addEventListener("click", () => {
    const rate = button.closest("[data-rate]").dataset.rate;
    const part = button.dataset.part;
    if (shown) behind.open(scope, rate, part, shown.rates[rate][part]);
  });
}
addEventListener("resize", loadTables);
addEventListener("popstate", () => {
  scope = read();
  start();
});
start();
