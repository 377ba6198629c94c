// Two small SVG charts: bars of counts and lines of rates, a column a month.

import { number, percent } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 240;
const LEFT = 56;
const BOTTOM = 26;
const TOP = 12;
const PLOT = HEIGHT - TOP - BOTTOM;
const MOST = 60; // months; the newest ones

function element(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function text(x, y, words, anchor = "middle") {
  return element("text", { x, y, "text-anchor": anchor }, words);
}

function titled(shape, words) {
  shape.append(element("title", {}, words));
  return shape;
}

function step(top) {
  const rough = top / 4;
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  return [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough);
}

function frame(months, [low, high, every], show, wide, label) {
  const root = element("svg", { viewBox: `0 0 ${wide} ${HEIGHT}`, role: "img", "aria-label": label });
  const y = (value) => TOP + PLOT * (1 - (value - low) / (high - low || 1));
  const width = (wide - LEFT) / Math.max(months.length, 1);
  const x = (i) => LEFT + width * (i + 0.5);
  for (let value = low; value <= high + every / 1000; value += every) {
    root.append(element("line", { x1: LEFT, x2: wide, y1: y(value), y2: y(value), class: "grid" }));
    root.append(text(LEFT - 8, y(value) + 4, show(value), "end"));
  }
  const skip = Math.ceil(48 / width);
  months.forEach(({ month }, i) => {
    if (i % skip === 0) root.append(text(x(i), HEIGHT - 6, `${month.slice(5)}/${month.slice(2, 4)}`));
  });
  return { root, x, y, width };
}

function summary(months, say) {
  return months.map((m) => `${m.month}: ${say(m)}`).join("; ");
}

export function countsChart(all, wide) {
  const months = all.slice(-MOST);
  const most = Math.max(...months.map((m) => Math.max(m.counts.received, m.counts.resolved)), 1);
  const every = Math.max(step(most), 1);
  const say = (m) => `tiếp nhận ${number(m.counts.received)}, giải quyết ${number(m.counts.resolved)}`;
  const { root, x, y, width } = frame(
    months, [0, Math.ceil(most / every) * every, every], number, wide,
    `Hồ sơ theo tháng. ${summary(months, say)}`);
  const bar = Math.min(width * 0.34, 26);
  months.forEach((m, i) => {
    const pair = element("g", {});
    for (const [name, dx] of [["received", -bar - 1], ["resolved", 1]]) {
      const top = y(m.counts[name]);
      pair.append(element("rect", {
        x: x(i) + dx, y: top, width: bar, height: y(0) - top, rx: 2, class: `fill-${name}`,
      }));
    }
    root.append(titled(pair, `${m.month}: ${say(m)}`));
  });
  return root;
}

export function ratesChart(all, wide) {
  const months = all.slice(-MOST);
  const values = (name) => months.map((m) => m.rates[name].value);
  const known = [...values("filing_rate"), ...values("on_time_rate")].filter((v) => v !== null);
  const least = Math.min(...known, 100);
  const span = [2, 5, 10, 20, 50, 100].find((s) => s >= 100 - least) ?? 100;
  const say = (m) =>
    `trực tuyến ${percent(m.rates.filing_rate.value)}, đúng hạn ${percent(m.rates.on_time_rate.value)}`;
  const every = span / (span === 2 ? 4 : 5);
  const { root, x, y } = frame(
    months, [100 - span, 100, every], every < 1 ? percent : (v) => `${number(v)}%`, wide,
    `Tỷ lệ theo tháng. ${summary(months, say)}`);
  for (const [name, kind] of [["filing_rate", "received"], ["on_time_rate", "resolved"]]) {
    const points = values(name).map((v, i) => (v === null ? null : [x(i), y(v)]));
    const path = points.reduce(
      (d, p, i) => (p ? `${d}${i && points[i - 1] ? "L" : "M"}${p[0]} ${p[1]}` : d), "");
    root.append(element("path", { d: path, class: `line-${kind}` }));
    points.forEach((p, i) => {
      if (!p) return;
      const dot = element("circle", { cx: p[0], cy: p[1], r: 4, class: `fill-${kind}` });
      root.append(titled(dot, `${months[i].month}: ${say(months[i])}`));
    });
  }
  return root;
}
