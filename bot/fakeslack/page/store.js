import { toast } from "./dom.js";

const token = document.querySelector("meta[name=page-token]").content;

/** store is what the page knows: the newest state, and who and what is open. */
export const store = {
  as: new URLSearchParams(location.search).get("as") ?? "",
  state: null,
  sent: 0, // acts under way
};

/** place reads what is open from the address: #/C1, #/C1/thread, #/home, #/panel0. */
export function place() {
  const [open, thread] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  return { open: open ?? "", thread: thread ?? "" };
}

const watchers = [];

/** watch calls back after every new state. */
export const watch = (draw) => watchers.push(draw);

let busy = false, again = false;

/** refresh reads the state anew and draws it; calls while it reads become one. */
export async function refresh() {
  if (busy) { again = true; return; }
  busy = true;
  do {
    again = false;
    const { open, thread } = place();
    const { as } = store, { hash } = location;
    try {
      const answer = await fetch(`/page/state?${new URLSearchParams({ as, open, thread })}`);
      if (!answer.ok) throw new Error(await answer.text());
      const state = await answer.json();
      if (store.as !== as || location.hash !== hash) { again = true; continue; } // the visitor went on meanwhile
      store.state = state;
      if (state.me) store.as = state.me;
      for (const draw of watchers) draw(state);
    } catch (problem) {
      document.body.classList.add("away");
      console.warn(problem);
    }
  } while (again);
  busy = false;
}

/** act does something as the person whom the visitor acts as, and returns what that
 * person then sees. */
export async function act(what) {
  const quiet = what.do === "read"; // nobody waits for it
  if (!quiet && store.sent++ === 0) document.body.classList.add("busy");
  try {
    const answer = await fetch("/page/act", {
      method: "POST", headers: { "Content-Type": "application/json", "X-Page-Token": token },
      body: JSON.stringify({ as: store.as, ...what }),
    });
    if (answer.status === 403) { location.reload(); return {}; }
    if (!answer.ok) { toast(await answer.text()); return {}; }
    const seen = await answer.json();
    if (seen.toast) toast(seen.toast);
    return seen;
  } catch {
    toast("The workspace does not answer. It may have been stopped.");
    return {};
  } finally {
    if (!quiet && --store.sent === 0) document.body.classList.remove("busy");
    refresh();
  }
}

/** become changes whom the visitor acts as. */
export function become(id) {
  store.as = id;
  const here = new URL(location.href);
  here.searchParams.set("as", id);
  history.replaceState(null, "", here);
  refresh();
}

/** listen follows the workspace's changes; the browser takes a lost connection up
 * again where it was. */
export function listen() {
  const events = new EventSource(`/page/events?after=${store.state?.seq ?? 0}`);
  events.onopen = () => document.body.classList.remove("away");
  events.onmessage = () => refresh();
  events.onerror = () => document.body.classList.add("away");
}
