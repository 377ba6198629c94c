// The page: follows the stream, shows the newest figures, says when it no longer can, and why.

import { ask, giveUp } from "./ask.js";
import { Behind } from "./behind.js";
import { countsChart, ratesChart } from "./chart.js";
import { FiguresView } from "./figures.js";
import { Link } from "./link.js";
import { changed, drawPeriods, drawScope, readScope } from "./scope.js";
import { UnitsTable } from "./units.js";
import { instant } from "./words.js";

const RETRY = 3_000;
const TABLES_EVERY = 4_000;
const PERIODS_EVERY = 3_600_000; // a window may stand open for years

const $ = (id) => document.getElementById(id);
const behind = new Behind($("behind"));
const view = new FiguresView((figure, part) => behind.open(scope, figure, part));
const units = new UnitsTable($("units"), (unit) => `?${changed(scope, { unit })}`, (unit) => go({ unit }));
const link = new Link(hear);
let scope = readScope();
let shownId = "";
let tablesAt = -TABLES_EVERY; // by the clock that is never set
let drawnAt = 0; // when the tables that are drawn were asked for
let tablesTimer = 0;
let periodsTimer = 0;
let known = []; // months with dossiers
let loading = new AbortController();

function go(parts) {
  scope = changed(scope, parts);
  history.pushState(null, "", `?${scope}`);
  start();
}

function start() {
  loading.abort();
  loading = new AbortController();
  shownId = "";
  tablesAt = -TABLES_EVERY;
  view.clear();
  units.show([], scope.get("unit") ?? "");
  for (const id of ["chart-counts", "chart-rates"]) $(id).replaceChildren();
  for (const id of ["refused", "unavailable", "tables-failed"]) $(id).hidden = true;
  drawScope(scope, go);
  link.ask(`${scope}`);
  loadPeriods();
  loadTables();
}

function hear(message) {
  if (message.kind === "lost") {
    lost(message.detail);
  } else if (message.kind === "live") {
    found();
  } else if (message.kind === "refused") {
    say("refused", `Hệ thống từ chối câu hỏi này: ${message.detail}`);
    view.clear();
  } else if (message.kind === "unavailable") {
    say("unavailable", `Hệ thống chưa tính được số liệu mới: ${message.detail}`);
  } else if (message.kind === "indicators") {
    $("unavailable").hidden = true;
    $("refused").hidden = true;
    view.draw(message.document, message.at);
    if (shownId !== message.id) loadTables();
    shownId = message.id;
  }
}

function say(id, text) {
  $(id).hidden = false;
  $(id).querySelector("span").textContent = text;
}

function lost(detail) {
  document.body.classList.add("lost");
  view.setLost(true);
  giveUp();
  $("connection").textContent = "Mất kết nối";
  const since = view.shown
    ? `Số liệu dưới đây là của lúc ${instant(view.shown.as_of)}.`
    : "Chưa nhận được số liệu từ hệ thống.";
  say("lost", `Mất kết nối với hệ thống. ${since}${detail ? ` Hệ thống nói: ${detail}` : ""}`);
}

function found() {
  const wasLost = document.body.classList.contains("lost");
  if (!wasLost && $("connection").dataset.live) return;
  document.body.classList.remove("lost");
  view.setLost(false);
  $("connection").dataset.live = "1";
  $("connection").textContent = "Trực tiếp";
  $("lost").hidden = true;
  if (!wasLost) return;
  loadPeriods();
  loadTables();
}

function loadTables() {
  clearTimeout(tablesTimer);
  const running = loading;
  tablesTimer = setTimeout(async () => {
    const asked = performance.now();
    tablesAt = asked;
    const unit = scope.get("unit") ?? "";
    try {
      const [below, monthly] = await Promise.all(["units", "months"].map(
        (table) => ask(`api/v1/indicators/${table}?${scope}`, running.signal)));
      if (running.signal.aborted || asked < drawnAt) return;
      drawnAt = asked;
      units.show(below.units, unit);
      draw("chart-counts", countsChart, monthly.months);
      draw("chart-rates", ratesChart, monthly.months);
      $("tables-failed").hidden = true;
    } catch (error) {
      if (running.signal.aborted) return;
      if (error.status === 400) return; // the stream says so, at the top
      say("tables-failed", `Chưa tải được bảng và biểu đồ: ${error.message}`);
      tablesTimer = setTimeout(loadTables, RETRY);
    }
  }, Math.max(0, tablesAt + TABLES_EVERY - performance.now()));
}

function draw(id, chart, months) {
  // A chart grows with the letters, which are large on a wall.
  const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  $(id).replaceChildren(chart(months, Math.max($(id).clientWidth / scale, 240)));
}

async function loadPeriods() {
  clearTimeout(periodsTimer);
  const running = loading;
  let again = PERIODS_EVERY;
  try {
    const { months } = await ask("api/v1/indicators/months?period=all", running.signal);
    known = months.filter((m) => Object.values(m.counts).some(Boolean)).map((m) => m.month);
  } catch {
    again = RETRY;
  }
  if (running.signal.aborted) return;
  drawPeriods(known, scope.get("period"));
  clearTimeout(periodsTimer);
  periodsTimer = setTimeout(loadPeriods, again);
}

$("period").addEventListener("change", (event) => go({ period: event.target.value }));
$("reset").addEventListener("click", () => {
  scope = new URLSearchParams();
  go({ period: "all" });
});
addEventListener("resize", loadTables);
addEventListener("popstate", () => {
  scope = readScope();
  start();
});
start();
