import { byId, face, h, icon, keyed } from "./dom.js";
import { act, become, place } from "./store.js";

/** sidebar draws what the acting person can open. */
export function sidebar(state, open) {
  const side = byId("side");
  if (!side.firstChild) side.append(h("ul", { class: "places" }));
  const items = [];
  const title = (words) => items.push({ key: `t${words}`, stamp: words, title: words });
  const entry = (key, href, sign, name, c = {}) => {
    const here = open === key;
    const fresh = here ? 0 : c.unread ?? 0, calls = here ? 0 : c.calls ?? 0;
    items.push({ key, stamp: JSON.stringify([href, sign, name, fresh, calls, here, c.archived]), href, sign, name, fresh, calls, here, dim: c.archived });
  };
  const mine = state.channels.filter((c) => c.member);
  title("Apps");
  entry("home", "#/home", "home", `${state.bot.name} Home`);
  title("Direct messages");
  const dms = mine.filter((c) => c.kind === "im" || c.kind === "mpim");
  for (const c of dms) entry(c.id, `#/${c.id}`, "●", c.name, c);
  if (!dms.some((c) => c.kind === "im")) entry("dm", "#/dm", "●", state.bot.name);
  title("Channels");
  for (const c of mine) {
    if (c.kind === "channel") entry(c.id, `#/${c.id}`, "#", c.name, c);
    if (c.kind === "group") entry(c.id, `#/${c.id}`, "lock", c.name, c);
  }
  if (state.panels.length > 0) title("Beside the workspace");
  state.panels.forEach((name, i) => entry(`panel${i}`, `#/panel${i}`, "list", name));
  const others = state.channels.filter((c) => !c.member);
  if (others.length > 0) title("More channels");
  for (const c of others) entry(c.id, `#/${c.id}`, "+", c.name, { archived: c.archived });
  keyed(side.firstChild, items, (item) => (item.title ? h("li", { class: "title" }, h("h2", {}, item.title)) : row(item)));
}

function row(item) {
  const names = { lock: "private channel ", "+": "not joined, channel ", "#": "channel " };
  const badge = item.calls > 0 && h("span", { class: "badge", "aria-label": `${item.calls} for you` }, item.calls >= 100 ? "99+" : String(item.calls));
  return h("li", {}, h("a", {
    href: item.href, class: `${item.fresh || item.calls ? "fresh" : ""}${item.dim ? " dim" : ""}`, "aria-current": item.here ? "page" : undefined,
  }, h("span", { class: "sign", "aria-hidden": "true" }, ["home", "lock", "list"].includes(item.sign) ? icon(item.sign) : item.sign), h("span", { class: "name" }, h("span", { class: "unseen" }, names[item.sign] ?? ""), item.name,
    item.fresh > 0 && !item.calls && h("span", { class: "unseen" }, ", unread")), badge));
}

/** acting draws whom the visitor acts as. */
export function acting(state) {
  const me = state.people.find((p) => p.id === state.me);
  const others = state.people.reduce((n, p) => n + (p.id === state.me ? 0 : p.calls ?? 0), 0);
  byId("acting").replaceChildren(face(me.id, me.name), h("span", { class: "as" },
    h("small", {}, "Acting as"), h("b", {}, me.name)),
  h("small", { class: "about" }, [me.role || me.title, `${me.clock} ${city(me.tz)}`].filter(Boolean).join(" · ")),
  others > 0 ? h("span", { class: "badge soft", title: "Messages that wait for others", "aria-label": `${others} messages wait for others` }, String(Math.min(99, others))) : "",
  h("span", { "aria-hidden": "true", class: "caret" }, "▾"));
}

const city = (zone) => zone.split("/").at(-1).replaceAll("_", " ");

/** choosePerson lets the visitor act as somebody else. */
export function choosePerson(state) {
  const box = byId("people");
  const found = h("ul", { class: "cast" });
  const show = (query) => {
    const wanted = query.trim().toLowerCase();
    const people = state.people.filter((p) => !p.bot &&
      [p.name, p.handle, p.role, p.title, p.tz].some((words) => words?.toLowerCase().includes(wanted)));
    found.replaceChildren(...people.slice(0, 80).map((p) => h("li", {}, h("button", {
      type: "button", "data-handle": p.handle, "aria-current": p.id === state.me ? "true" : undefined,
      on: { click: () => { box.close(); choose(state, p.id); } },
    }, face(p.id, p.name), h("span", { class: "name" }, h("b", {}, p.name), h("small", {}, [p.role, p.title].filter(Boolean).join(" · ") || `@${p.handle}`)),
    h("span", { class: "where" }, `${p.clock} ${city(p.tz)}`),
    p.calls > 0 && h("span", { class: "badge", "aria-label": `${p.calls} messages wait` }, String(Math.min(99, p.calls)))))));
    if (people.length === 0) found.replaceChildren(h("li", { class: "muted" }, "Nobody of that name."));
  };
  show("");
  box.replaceChildren(
    h("header", {}, h("h2", {}, "Act as"), h("button", { type: "button", class: "icon", "aria-label": "Close", on: { click: () => box.close() } }, "✕")),
    h("div", { class: "inside" }, h("input", { type: "search", "aria-label": "Find a person", placeholder: "Find by name, role or place", autofocus: true,
      on: { input: (event) => show(event.target.value) } }), found));
  box.showModal();
}

/** choose keeps what is open when the other person may see it too. */
function choose(state, id) {
  const here = state.channels.find((c) => c.id === place().open);
  if (here && here.kind === "im") location.hash = "#/dm";
  become(id);
  if (place().open === "home") act({ do: "home" });
}
