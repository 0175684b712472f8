import { confirmed } from "./confirm.js";
import { held, initial } from "./elements.js";
import { act, store } from "./store.js";

// What stands in the fields of messages and views, until the app hears of it, and
// which fields are there now.
const kept = new Map();
const maxKept = 2000;
const stateless = new Set(["button", "workflow_button", "overflow", "image", "icon_button", "feedback_buttons", "file_input"]);

/** surfaceOf is what the elements of a message or view stand on. */
export function surfaceOf(what, values, errors) {
  const key = what.view ?? `${what.channel}/${what.ts}/${what.edited ?? ""}/${store.as}`;
  const fields = kept.get(key)?.fields ?? new Map();
  const there = new Set();
  kept.set(key, { fields, there });
  if (kept.size > maxKept) kept.delete(kept.keys().next().value);
  const { people, channels, me } = store.state;
  const where = what.view ? { view: what.view } : { channel: what.channel, ts: what.ts, hidden: Boolean(what.hidden) };
  return {
    errors, zone: people.find((p) => p.id === me)?.tz ?? "UTC",
    people: people.filter((p) => !p.bot).map((p) => ({ value: p.id, words: p.name })),
    channels: channels.filter((c) => c.kind === "channel" || c.kind === "group").map((c) => ({ value: c.id, words: `#${c.name}` })),
    get: (at) => fields.get(at),
    set: (at, value) => fields.set(at, value),
    begin(at, block, e) {
      if (stateless.has(e.type)) return;
      there.add(at);
      if (fields.has(at)) return;
      const value = held(values?.[block.block_id]?.[e.action_id]);
      fields.set(at, value === undefined ? initial(e) : value);
    },
    async act(what, at, value, confirm) {
      if (confirm && !(await confirmed(confirm))) return {};
      const target = document.activeElement;
      target?.setAttribute("aria-busy", "true");
      const seen = await act({ do: what, ...where, at, value, values: where.view ? formOf(key) : undefined });
      target?.removeAttribute("aria-busy");
      return seen;
    },
    async suggest(at, query) {
      return (await act({ do: "suggest", ...where, at, text: query })).options ?? [];
    },
  };
}

/** formOf are the values with which a view is submitted. */
export function formOf(view) {
  const { fields, there } = kept.get(view) ?? { fields: new Map(), there: new Set() };
  return Object.fromEntries([...fields].filter(([at]) => there.has(at)));
}
