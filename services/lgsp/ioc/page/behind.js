// The list of dossiers behind a number: codes and times only. Its name, its total and its rows
// always belong to one question; the question before is cancelled.

import { Refusal, ask } from "./ask.js";
import { FIGURES, PARTS, minutes, number, reason } from "./words.js";

const AT_ONCE = 50;

export class Behind {
  constructor(dialog) {
    this.dialog = dialog;
    const find = (id) => dialog.querySelector(`#behind-${id}`);
    [this.title, this.state, this.rows, this.more] = ["title", "state", "rows", "more"].map(find);
    this.running = new AbortController();
    find("close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => this.running.abort());
    this.more.addEventListener("click", () => this.load());
  }

  open(scope, figure, part) {
    this.running.abort();
    const name = FIGURES[figure] ?? figure;
    this.name = figure.endsWith("_rate") ? `${name}, ${PARTS[part]}` : name;
    this.title.textContent = this.name;
    this.query = new URLSearchParams(scope);
    for (const [key, value] of Object.entries({ figure, part, limit: AT_ONCE })) {
      this.query.set(key, value);
    }
    this.rows.replaceChildren();
    if (!this.dialog.open) this.dialog.showModal();
    this.load();
  }

  async load() {
    this.running.abort();
    const running = new AbortController();
    this.running = running;
    this.say("loading", "Đang tải danh sách…");
    this.more.hidden = true;
    try {
      const list = await ask(`api/v1/explain?${this.query}`, running.signal);
      if (running.signal.aborted) return;
      this.rows.append(...list.dossiers.map(line));
      this.query.set("after", list.next ?? "");
      this.title.textContent = `${this.name}: ${number(list.total)} hồ sơ`;
      const shown = number(this.rows.children.length);
      this.say("", list.total ? `Đang hiện ${shown} / ${number(list.total)} hồ sơ` : "Không có hồ sơ nào.");
      this.offer(list.next === null ? "" : "Xem thêm");
    } catch (error) {
      if (running.signal.aborted) return;
      const words = error instanceof Refusal ? error.message : String(error);
      this.say("failed", `Không tải được danh sách: ${words}`);
      this.offer("Thử lại");
    }
  }

  say(state, words) {
    this.dialog.dataset.state = state;
    this.state.textContent = words;
  }

  offer(words) {
    this.more.hidden = words === "";
    this.more.textContent = words;
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
