import { face, h, icon, keyed } from "./dom.js";
import { spans } from "./text.js";
import { blocks, image } from "./blocks.js";
import { act, store } from "./store.js";
import { surfaceOf } from "./surface.js";

const dismissed = new Set(); // ephemeral messages that were sent away

/** list draws messages into a list element, oldest first, and keeps to the end
 * when the reader was there. */
export function list(box, messages, scroller, inThread) {
  const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
  const items = [];
  let before = null;
  for (const m of messages) {
    if (m.hidden && dismissed.has(m.ts)) continue;
    if (!inThread && m.day !== before?.day) items.push({ key: `day${m.day}`, stamp: m.day, day: m.day });
    const compact = Boolean(before && before.user === m.user && before.day === m.day && !before.hidden && !m.hidden &&
      !m.pinned && !quiet(m) && !quiet(before) && !(inThread && before === messages[0]) && Number(m.ts) - Number(before.ts) < 300);
    const root = inThread && m === messages[0];
    items.push({ key: m.ts + (m.hidden ? "h" : ""), stamp: JSON.stringify([m, compact, store.as]), message: m, compact, inThread });
    if (root && m.replies) items.push({ key: "count", stamp: m.replies, count: m.replies });
    before = m;
  }
  keyed(box, items, (item) => {
    if (item.day) return h("li", { class: "day" }, h("span", {}, item.day));
    if (item.count) return h("li", { class: "count" }, h("span", {}, `${item.count} ${item.count === 1 ? "reply" : "replies"}`));
    return message(item.message, item.compact, item.inThread);
  });
  return atEnd;
}

const quiet = (m) => Boolean(m.subtype && !["file_share", "thread_broadcast", "tombstone"].includes(m.subtype));

const named = (m) => ["user", "me"].includes(m.spans?.[0]?.c?.[0]?.k);

function message(m, compact, inThread) {
  if (quiet(m)) return h("li", { class: "message notice", "data-ts": m.ts }, h("span", { class: "clock" }, m.time), h("span", {}, !named(m) && `${m.name} `, spans(m.spans)));
  const side = compact ? h("span", { class: "clock" }, m.time) : face(m.user, m.name, m.app);
  const top = !compact && h("div", { class: "who" }, h("b", {}, m.name), m.app && h("span", { class: "app" }, "APP"), h("time", {}, m.time));
  const body = h("div", { class: "what" }, top, content(m), reactions(m), !inThread && replies(m));
  const row = h("li", { class: `message${m.hidden ? " hidden" : ""}${compact ? " compact" : ""}${m.pinned ? " pinned" : ""}`, "data-ts": m.ts }, side, body);
  if (m.hidden) body.prepend(h("div", { class: "note" }, icon("eye"), "Only visible to you"));
  if (m.pinned) body.prepend(h("div", { class: "note" }, icon("pin"), "Pinned"));
  if (m.hidden) {
    body.append(h("button", { type: "button", class: "dismiss", on: { click: () => { dismissed.add(m.ts); row.remove(); } } }, "Dismiss message"));
  } else if (!inThread) {
    row.append(h("div", { class: "tools" }, h("a", { class: "tool", href: `#/${m.channel}/${m.ts}`, title: "Reply in thread" }, icon("thread"), h("span", { class: "unseen" }, "Reply in thread"))));
  }
  return row;
}

function content(m) {
  const surface = surfaceOf(m);
  const parts = m.blocks ? blocks(m.blocks, surface) : [h("div", { class: "b-text" }, spans(m.spans))];
  for (const a of m.attachments ?? []) {
    parts.push(h("div", { class: "attachment" }, a.blocks ? blocks(a.blocks, surface) : spans(a.spans)));
  }
  for (const f of m.files ?? []) {
    parts.push(f.image
      ? h("figure", { class: "b-image" }, h("figcaption", {}, f.title), image(f))
      : h("a", { class: "file", href: f.src, download: f.name }, icon("file"), h("b", {}, f.title), h("small", {}, sized(f.size))));
  }
  if (m.edited) {
    const mark = h("span", { class: "edited" }, "(edited)");
    const last = parts.at(-1)?.querySelector?.(":scope .line:last-child");
    if (last && !m.blocks) last.append(" ", mark); else parts.push(h("div", {}, mark));
  }
  return parts;
}

const sized = (n) => (n < 1024 ? `${n} B` : n < 1 << 20 ? `${Math.round(n / 1024)} KB` : `${(n / (1 << 20)).toFixed(1)} MB`);

function reactions(m) {
  if (!m.reacts) return null;
  return h("div", { class: "reacts" }, m.reacts.map((r) => h("button", {
    type: "button", class: r.mine ? "mine" : "", "aria-label": `${r.name}, ${r.count}`, "aria-pressed": r.mine ? "true" : "false",
    on: { click: () => { if (!r.mine) act({ do: "react", channel: m.channel, ts: m.ts, text: r.name }); } },
  }, h("span", { "aria-hidden": "true" }, `${r.sign} `), String(r.count))));
}

function replies(m) {
  if (!m.replies) return null;
  const faces = (m.repliers ?? []).slice(0, 4).map((id) => {
    const who = store.state.people.find((p) => p.id === id);
    return face(id, who?.name ?? "?", who?.bot, true);
  });
  return h("a", { class: "replies", href: `#/${m.channel}/${m.ts}` }, faces,
    h("b", {}, `${m.replies} ${m.replies === 1 ? "reply" : "replies"}`), h("span", {}, `Last reply at ${m.latest}`));
}
