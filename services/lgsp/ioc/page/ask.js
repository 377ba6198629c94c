// Questions to the feed: its own words when it refuses, never a wait without an end.

export const FROM_PAGE = { "lgsp-page": "1" }; // the feed keeps no connection of ours
const open = new Set();
const RELOADED = "lgsp-reloaded"; // when, in ms of this machine's clock
const RELOAD_EVERY = 600_000; // should two versions of the feed answer in turn
let files = null; // which files this page is of, as the feed said first
const PATIENCE = 20_000; // ms; the feed itself refuses what has to wait longer than that

export class Refusal extends Error {
  // status: of the answer; 0: there was none
  constructor(words, status) {
    super(words);
    this.status = status;
  }
}

// Ends the questions that are open: the path is lost, and a browser has six connections to a host.
export function giveUp() {
  for (const question of open) question.abort();
}

// Loads the page anew when the feed has another one: a window may stand open for years.
function renew(now) {
  files ??= now;
  if (!now || now === files) return;
  const since = Math.abs(Date.now() - Number(sessionStorage.getItem(RELOADED)));
  if (since < RELOAD_EVERY) return;
  sessionStorage.setItem(RELOADED, `${Date.now()}`);
  location.reload();
}

// Returns the JSON of an answer.
// Throws Refusal with the feed's words, or an AbortError when `signal` ends the question.
export async function ask(path, signal) {
  const question = new AbortController();
  const end = () => question.abort();
  const timer = setTimeout(end, PATIENCE);
  open.add(question);
  signal?.addEventListener("abort", end);
  let answer;
  let said;
  try {
    if (signal?.aborted) end();
    answer = await fetch(path, { signal: question.signal, headers: FROM_PAGE });
    if (answer.ok) {
      renew(answer.headers.get("lgsp-page"));
      return await answer.json();
    }
    said = await answer.json().catch(() => ({}));
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refusal("Không nhận được câu trả lời từ hệ thống.", 0);
  } finally {
    clearTimeout(timer);
    open.delete(question);
    signal?.removeEventListener("abort", end);
  }
  throw new Refusal(said.detail ?? `Hệ thống trả lời ${answer.status}.`, answer.status);
}
