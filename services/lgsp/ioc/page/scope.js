// What the page shows: the query of its own address, passed on to the feed as it is. What the feed
// does not know it refuses, in words that the page shows.

import { item } from "./figures.js";
import { periodName } from "./words.js";

const $ = (id) => document.getElementById(id);
const FILTERS = { domain: "Lĩnh vực", procedure: "Thủ tục", profile: "Bộ quy tắc" };

export function readScope() {
  const scope = new URLSearchParams(location.search);
  if (!scope.has("period")) scope.set("period", "all");
  return scope;
}

// Returns the scope with some parts changed, each of which then stands in it once.
export function changed(scope, parts) {
  const made = new URLSearchParams(scope);
  for (const [name, value] of Object.entries(parts)) {
    if (value) made.set(name, value);
    else made.delete(name);
  }
  return made;
}

// Makes a link that opens here, or, as its reader wants it, in a window of its own.
export function anchor(words, address, open) {
  const link = document.createElement("a");
  link.textContent = words;
  link.href = address;
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });
  return link;
}

// go: takes the parts to change
export function drawScope(scope, go) {
  const unit = scope.get("unit") ?? "";
  const parts = unit.split(".");
  const steps = /^\d/.test(unit) ? [unit] : parts.map((_, i) => parts.slice(0, i + 1).join("."));
  const crumbs = [["", "Tất cả đơn vị"], ...(unit ? steps : []).map((step) => [step, step])];
  $("crumbs").replaceChildren(...crumbs.map(([step, name], i) => {
    const link = anchor(name, `?${changed(scope, { unit: step })}`, () => go({ unit: step }));
    if (i === crumbs.length - 1) link.ariaCurrent = "page";
    return item(link);
  }));
  $("filters").replaceChildren(...Object.keys(FILTERS).filter((name) => scope.get(name)).map((name) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${FILTERS[name]}: ${scope.get(name)} ×`;
    button.ariaLabel = `Bỏ điều kiện ${FILTERS[name]} ${scope.get(name)}`;
    button.addEventListener("click", () => go({ [name]: "" }));
    return item(button);
  }));
  $("json").href = `api/v1/indicators?${scope}`;
  document.title = `${unit || "Toàn tỉnh"} · ${periodName(scope.get("period"))} · IOC`;
}

export function drawPeriods(months, period) {
  const years = [...new Set(months.map((month) => month.slice(0, 4)))].reverse();
  const options = ["all", ...years.flatMap((year) => [
    year,
    ...["H1", "H2", "Q1", "Q2", "Q3", "Q4"].map((part) => `${year}-${part}`),
    ...months.filter((month) => month.startsWith(year)),
  ])];
  if (!options.includes(period)) options.push(period);
  const drawn = [...$("period").options].map((option) => option.value);
  if (`${drawn}` === `${options}` && $("period").value === period) return; // it may be open
  $("period").replaceChildren(...options.map(
    (name) => new Option(periodName(name), name, false, name === period)));
}
