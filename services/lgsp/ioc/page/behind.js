// The list of dossiers behind a number: codes and times only.

import { FIGURES, PARTS, minutes, number, reason } from "./words.js";

const AT_ONCE = 50;

export class Behind {
  constructor(dialog) {
    this.dialog = dialog;
    this.title = dialog.querySelector("#behind-title");
    this.rows = dialog.querySelector("#behind-rows");
    this.more = dialog.querySelector("#behind-more");
    dialog.querySelector("#behind-close").addEventListener("click", () => dialog.close());
    this.more.addEventListener("click", () => this.load());
  }

  open(scope, figure, part, count) {
    const name = FIGURES[figure] ?? figure;
    const which = figure.endsWith("_rate") ? `${name}, ${PARTS[part]}` : name;
    this.title.textContent = `${which}: ${number(count)} hồ sơ`;
    this.query = new URLSearchParams({ ...scope, figure, part, limit: AT_ONCE });
    this.rows.replaceChildren();
    this.dialog.showModal();
    this.load();
  }

  async load() {
    this.more.disabled = true;
    const answer = await fetch(`api/v1/explain?${this.query}`);
    if (answer.ok) {
      const list = await answer.json();
      this.rows.append(...list.dossiers.map(line));
      this.query.set("after", list.next ?? "");
      this.more.hidden = list.next === null;
    }
    this.more.disabled = false;
  }
}

function line(row) {
  const tr = document.createElement("tr");
  const cells = [
    row.dossier, row.agency, row.procedure,
    minutes(row.received_at), minutes(row.due_at), minutes(row.finished_at), reason(row),
  ];
  cells.forEach((words, i) => {
    const cell = document.createElement(i ? "td" : "th");
    if (!i) cell.scope = "row";
    cell.textContent = words;
    tr.append(cell);
  });
  return tr;
}
