import { byId, h, icon } from "./dom.js";
import { blocks } from "./blocks.js";
import { composer } from "./composer.js";
import { guide } from "./guide.js";
import { list } from "./messages.js";
import { modal } from "./modal.js";
import { acting, choosePerson, sidebar } from "./sidebar.js";
import { act, listen, place, refresh, store, watch } from "./store.js";
import { surfaceOf } from "./surface.js";
import { link, spans } from "./text.js";

const narrow = matchMedia("(max-width: 900px)");
let drawn = ""; // the place that the main column shows

watch(draw);

function draw(state) {
  document.body.classList.remove("away");
  if (state.empty) {
    byId("body").replaceChildren(h("p", { class: "nothing" }, "Nobody is here yet."));
    return;
  }
  if (!place().open) { openFirst(state); return; }
  sidebar(state, keyOf(state));
  acting(state);
  guide(state.guide);
  const key = `${place().open}/${state.me}`;
  const fresh = key !== drawn;
  if (fresh) byId("body").replaceChildren();
  drawn = key;
  if ("home" in state) home(state);
  else if ("panel" in state) panel(state.panel);
  else channel(state, fresh);
  thread(state);
  modal(state.modal, state.depth);
  title(state);
  dispatchEvent(new Event("page-drawn"));
}

/** openFirst opens where the options say, else the first channel. */
function openFirst(state) {
  const mine = state.channels.filter((c) => c.member && c.kind !== "im");
  const first = mine.find((c) => c.name === state.start) ?? mine.find((c) => c.kind === "channel") ?? mine[0];
  location.replace(`#/${first?.id ?? "dm"}`);
}

function keyOf(state) {
  const { open } = place();
  return open === "dm" ? state.open?.id ?? "dm" : open;
}

let headed = null; // what it says now

/** head draws the head of the main column, unless it says the same already. */
function head(...kids) {
  const box = h("div", {}, kids);
  if (headed?.isEqualNode(box)) return;
  headed = box.cloneNode(true);
  byId("head").replaceChildren(...box.childNodes);
}

function channel(state, fresh) {
  const c = state.open;
  const body = byId("body");
  if (!c) {
    const dm = place().open === "dm";
    head(h("h1", {}, dm ? state.bot.name : "Not here"));
    body.replaceChildren(h("p", { class: "nothing" }, dm ? `Nothing was said yet between you and ${state.bot.name}.` : "This person does not see that conversation. Choose another at the left."));
    if (dm) composer(byId("composer"), { channel: "dm", label: `Message ${state.bot.name}` }); else bare();
    return;
  }
  const named = c.kind === "channel" || c.kind === "group";
  const sign = c.kind === "group" ? icon("lock") : named ? "# " : "";
  head(h("div", { class: "line1" }, h("h1", {}, h("span", { "aria-hidden": "true", class: "sign" }, sign), c.name),
    named && h("span", { class: "muted members" }, `${c.members} ${c.members === 1 ? "member" : "members"}`),
    c.pins > 0 && h("span", { class: "muted members" }, icon("pin"), `${c.pins} pinned`),
    c.kind === "im" && tabs("dm"),
    c.topic?.length > 0 && h("div", { class: "topic" }, spans(c.topic))),
  c.bookmarks.length > 0 && h("div", { class: "bookmarks" }, c.bookmarks.map((b) => h("span", {}, icon("bookmark"), link(b.href, b.title)))));
  let box = body.querySelector(".log");
  if (!box) {
    box = h("ol", { class: "log", role: "log", "aria-label": `Messages in ${c.name}`, tabindex: "-1" });
    body.replaceChildren(h("p", { class: "earlier muted", hidden: true }), box);
  }
  const earlier = body.querySelector(".earlier");
  earlier.hidden = c.earlier === 0;
  earlier.textContent = `${c.earlier} earlier messages are not shown.`;
  const atEnd = list(box, c.messages, body, false);
  if (fresh || atEnd) toEnd(body);
  if (!c.member) {
    bare(h("div", { class: "join" }, h("span", {}, "You look at ", h("b", {}, `#${c.name}`), " from outside."),
      h("button", { type: "button", class: "button primary", on: { click: () => act({ do: "join", channel: c.id }) } }, "Join channel")));
  } else if (c.archived) bare(h("div", { class: "join" }, "This channel is archived."));
  else composer(byId("composer"), { channel: c.id, label: `Message ${named ? "#" : ""}${c.name}` });
  seen(c.id, "", c.messages);
}

function bare(...kids) {
  const box = byId("composer");
  box.dataset.spot = "";
  box.replaceChildren(...kids);
}

/** toEnd scrolls to the newest message, again when a chart has got its height. */
function toEnd(scroller) {
  scroller.scrollTop = scroller.scrollHeight;
  requestAnimationFrame(() => requestAnimationFrame(() => { scroller.scrollTop = scroller.scrollHeight; }));
}

const told = new Map(); // what the workspace knows that each person has seen

/** seen tells the workspace that the newest message was looked at. */
function seen(channel, inThread, messages) {
  const last = messages.findLast((m) => !m.hidden);
  const key = `${store.as}/${channel}/${inThread}`;
  if (!last || document.visibilityState !== "visible" || told.get(key) === last.ts) return;
  told.set(key, last.ts);
  act({ do: "read", channel, thread: inThread, ts: last.ts });
}

const tabs = (open) => h("nav", { class: "tabs", "aria-label": "App" }, [["home", "Home"], ["dm", "Messages"]].map(([to, words]) =>
  h("a", { href: `#/${to}`, "aria-current": to === open ? "page" : undefined }, words)));

function home(state) {
  const body = byId("body");
  head(h("div", { class: "line1" }, h("h1", {}, state.bot.name), tabs("home")));
  bare();
  if (!state.home) {
    body.replaceChildren(h("p", { class: "nothing" }, `${state.bot.name} has not published a Home for this person yet.`));
    return;
  }
  const stamp = JSON.stringify([state.home.id, state.home.hash]);
  if (body.firstChild?.dataset?.stamp === stamp) return;
  body.replaceChildren(h("div", { class: "home", "data-stamp": stamp }, blocks(state.home.blocks, surfaceOf({ view: state.home.id }, state.home.values, state.home.errors))));
}

function panel(about) {
  const body = byId("body");
  bare();
  head(h("div", { class: "line1" }, h("h1", {}, about?.name ?? "Nothing here"), h("span", { class: "muted" }, "read-only")));
  const stamp = JSON.stringify(about);
  if (body.firstChild?.stamp === stamp) return;
  const [first, ...rows] = about?.rows ?? [];
  const cell = (words) => (/^https?:/.test(words) ? link(words, words) : words);
  const box = h("div", { class: "home" }, spans(about?.spans),
    first && h("div", { class: "b-table", tabindex: "0", role: "region", "aria-label": about.name }, h("table", {},
      h("thead", {}, h("tr", {}, first.map((words) => h("th", { scope: "col" }, words)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((words) => h("td", {}, cell(words)))))))),
    first && rows.length === 0 && h("p", { class: "muted" }, "Nothing yet."),
    about?.more > 0 && h("p", { class: "muted" }, `${about.more} more are not shown.`));
  box.stamp = stamp;
  const top = body.scrollTop;
  body.replaceChildren(box);
  body.scrollTop = top;
}

let threadDrawn = "";

function thread(state) {
  const box = byId("thread");
  const about = state.open?.thread;
  document.body.classList.toggle("in-thread", Boolean(about));
  box.hidden = !about;
  if (!about) { threadDrawn = ""; return; }
  const back = `#/${state.open.id}`;
  const key = `${state.open.id}/${about.ts}/${state.me}`;
  const fresh = threadDrawn !== key;
  if (fresh) {
    box.replaceChildren(h("header", {}, h("h2", {}, "Thread"), h("span", { class: "muted" }, state.open.name ? `#${state.open.name}` : ""),
      h("a", { class: "icon", href: back, "aria-label": "Close thread" }, "✕")),
    h("div", { class: "scroll" }, h("ol", { class: "log", role: "log", "aria-label": "Replies" })), h("div", { class: "reply" }));
  }
  threadDrawn = key;
  const scroller = box.querySelector(".scroll");
  const atEnd = list(box.querySelector(".log"), about.messages, scroller, true);
  if (fresh || atEnd) toEnd(scroller);
  if (state.open.member) composer(box.querySelector(".reply"), { channel: state.open.id, thread: about.ts, label: "Reply…" });
  seen(state.open.id, about.messages.length > 1 ? about.ts : "", about.messages);
}

function title(state) {
  const calls = state.channels.reduce((n, c) => n + (c.id === place().open ? 0 : c.calls), 0);
  const name = state.open?.name ? `${state.open.kind === "channel" ? "#" : ""}${state.open.name}` : state.panel?.name ?? state.bot.name;
  document.title = `${calls > 0 ? `(${calls}) ` : ""}${name} – ${state.team}`;
}

function toggle(name, on) {
  document.body.classList.toggle(name, on);
  byId("shade").hidden = !(narrow.matches && (document.body.classList.contains("menu-open") || document.body.classList.contains("guide-open")));
  byId("menu").setAttribute("aria-expanded", String(document.body.classList.contains("menu-open")));
  const shown = narrow.matches ? document.body.classList.contains("guide-open") : !document.body.classList.contains("guide-away");
  byId("guide-switch").setAttribute("aria-expanded", String(shown));
}

function closeDrawers() {
  toggle("menu-open", false);
  toggle("guide-open", false);
}

byId("menu").addEventListener("click", () => toggle("menu-open"));
byId("guide-switch").addEventListener("click", () => toggle(narrow.matches ? "guide-open" : "guide-away"));
byId("now").addEventListener("click", () => toggle("guide-open", true));
byId("shade").addEventListener("click", closeDrawers);
byId("acting").addEventListener("click", () => choosePerson(store.state));
addEventListener("keydown", (event) => { if (event.key === "Escape") closeDrawers(); });
addEventListener("visibilitychange", () => { if (store.state) draw(store.state); });
addEventListener("hashchange", () => {
  closeDrawers();
  if (place().open === "home") act({ do: "home" });
  refresh();
});

await refresh();
if (place().open === "home") act({ do: "home" });
listen();
