// The table of units: sorted by any column, each unit opens those below it.

import { anchor } from "./scope.js";
import { number, percent } from "./words.js";

const COLUMNS = [
  ["Đơn vị", (u) => u.unit, null],
  ["Tiếp nhận", (u) => u.counts.received, number],
  ["Trực tuyến", (u) => u.rates.filing_rate.value, percent],
  ["Giải quyết", (u) => u.counts.resolved, number],
  ["Đúng hạn", (u) => u.rates.on_time_rate.value, percent],
  ["Xong quá hạn", (u) => u.counts.resolved_late, number],
  ["Đang giải quyết", (u) => u.counts.open, number],
  ["Đang quá hạn", (u) => u.counts.open_overdue, number],
];
const byCode = new Intl.Collator("vi", { numeric: true });

export class UnitsTable {
  // address: gives the page's address for a unit; open: shows a unit here
  constructor(table, address, open) {
    this.head = table.tHead;
    this.body = table.tBodies[0];
    this.address = address;
    this.open = open;
    this.rows = [];
    this.column = 1;
    this.descending = true;
    this.scope = "";
    this.drawHead();
  }

  show(rows, scope) {
    this.rows = rows;
    this.scope = scope;
    this.draw();
  }

  sort(column) {
    this.descending = column === this.column ? !this.descending : column !== 0;
    this.column = column;
    this.drawHead();
    this.draw();
    this.head.querySelectorAll("button")[column].focus();
  }

  drawHead() {
    const row = document.createElement("tr");
    COLUMNS.forEach(([name], i) => {
      const th = document.createElement("th");
      th.scope = "col";
      if (i === this.column) th.ariaSort = this.descending ? "descending" : "ascending";
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.addEventListener("click", () => this.sort(i));
      th.append(button);
      row.append(th);
    });
    this.head.replaceChildren(row);
  }

  draw() {
    const value = COLUMNS[this.column][1];
    const sign = this.descending ? -1 : 1;
    const sorted = [...this.rows].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === null || y === null) return (x === null) - (y === null);
      const order = typeof x === "string" ? byCode.compare(x, y) : x - y;
      return sign * order || byCode.compare(a.unit, b.unit);
    });
    const focused = this.body.contains(document.activeElement) && document.activeElement.textContent;
    this.body.replaceChildren(...sorted.map((unit) => this.row(unit)));
    if (focused) {
      [...this.body.querySelectorAll("a")].find((link) => link.textContent === focused)?.focus();
    }
  }

  row(unit) {
    const row = document.createElement("tr");
    COLUMNS.forEach(([, value, show], i) => {
      const cell = document.createElement(i ? "td" : "th");
      if (i) {
        cell.textContent = show(value(unit));
      } else {
        cell.scope = "row";
        cell.append(this.link(unit.unit));
      }
      if (i === 7 && unit.counts.open_overdue > 0) cell.className = "warn";
      row.append(cell);
    });
    return row;
  }

  link(unit) {
    if (unit === this.scope) {
      const self = document.createElement("span");
      self.textContent = `${unit} (trực tiếp)`;
      return self;
    }
    return anchor(unit, this.address(unit), () => this.open(unit));
  }
}
