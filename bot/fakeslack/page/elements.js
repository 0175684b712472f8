import { h } from "./dom.js";
import { label } from "./text.js";

// A surface is what an element stands on:
//   people, channels     whom and what menus offer
//   begin(at, block, e)  there is such a field
//   get(at) / set(at, v) what stands in it, kept in the browser
//   act(what, at, value, confirm)  tells the app, after asking when told to
//   suggest(at, query)   the options of an external menu
// A value is a string, an option's value, a list of those, or Unix seconds.

/** element renders an interactive element. In input blocks nothing is told to the
 * app before the form is submitted, unless the block asks for it. */
export function element(block, e, surface, field = {}) {
  const at = `${block.block_id}/${e.action_id}`;
  const quiet = block.type === "input" && !block.dispatch_action;
  surface.begin(at, block, e);
  const about = {
    at, surface, attributes: {
      id: field.id, "data-at": at, "aria-describedby": field.describedby || undefined,
      "aria-invalid": field.invalid ? "true" : undefined,
      "aria-label": field.id ? undefined : e.accessibility_label ?? e.placeholder?.text,
    },
    change(value) {
      surface.set(at, value);
      if (!quiet) surface.act("pick", at, value, e.confirm);
    },
  };
  return (kinds[e.type] ?? unknown)(e, about);
}

const unknown = (e) => h("span", { class: "muted" }, `An element of type ${e.type}.`);

const kinds = {
  button, workflow_button: button, overflow,
  static_select: (e, a) => menu(e, a, groupsOf(e)),
  users_select: (e, a) => menu(e, a, [{ options: a.surface.people }]),
  channels_select: (e, a) => menu(e, a, [{ options: a.surface.channels }]),
  conversations_select: (e, a) => menu(e, a, [{ options: a.surface.channels }]),
  multi_static_select: (e, a) => many(e, a, groupsOf(e).flatMap((g) => g.options)),
  multi_users_select: (e, a) => many(e, a, a.surface.people),
  multi_channels_select: (e, a) => many(e, a, a.surface.channels),
  multi_conversations_select: (e, a) => many(e, a, a.surface.channels),
  external_select: search, multi_external_select: search,
  radio_buttons: (e, a) => choices(e, a, "radio"), checkboxes: (e, a) => choices(e, a, "checkbox"),
  datepicker: (e, a) => typed(e, a, "date"), timepicker: (e, a) => typed(e, a, "time"), datetimepicker: moment,
  plain_text_input: (e, a) => (e.multiline ? area(e, a) : typed(e, a, "text")), rich_text_input: area,
  email_text_input: (e, a) => typed(e, a, "email"), url_text_input: (e, a) => typed(e, a, "url"),
  number_input: (e, a) => typed(e, a, "number"),
  image: () => h("span"),
};

const option = (o) => ({ value: o.value, words: o.text?.text ?? o.value, label: o.text, description: o.description });

function groupsOf(e) {
  if (e.option_groups) return e.option_groups.map((g) => ({ name: g.label?.text, options: g.options.map(option) }));
  return [{ options: (e.options ?? []).map(option) }];
}

function button(e, a) {
  const style = `button ${e.style ?? ""}`;
  const press = () => a.surface.act("press", a.at, undefined, e.confirm);
  if (e.url && /^https?:/i.test(e.url)) {
    return h("a", { ...a.attributes, class: style, href: e.url, target: "_blank", rel: "noopener noreferrer", on: { click: press } }, label(e.text));
  }
  return h("button", { ...a.attributes, type: "button", class: style, on: { click: press } }, label(e.text));
}

function overflow(e, a) {
  const box = h("details", { class: "overflow" }, h("summary", { "aria-label": "More actions", class: "button" }, "⋯"));
  box.append(h("div", { class: "sheet" }, (e.options ?? []).map(option).map((o) => h("button", {
    type: "button", on: { click: () => { box.open = false; a.surface.act("pick", a.at, o.value, e.confirm); } },
  }, label(o.label)))));
  return closing(box);
}

/** closing shuts a details element when the focus leaves it, or on Escape. */
function closing(box) {
  box.addEventListener("focusout", (event) => { if (event.relatedTarget && !box.contains(event.relatedTarget)) box.open = false; });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !box.open) return;
    event.stopPropagation();
    event.preventDefault();
    box.open = false;
    box.querySelector("summary").focus();
  });
  return box;
}

function menu(e, a, groups) {
  const now = a.surface.get(a.at) ?? "";
  const entry = (o) => h("option", { value: o.value, selected: o.value === now }, o.words);
  const none = h("option", { value: "", selected: now === "" }, e.placeholder?.text ?? "Choose…");
  return h("select", { ...a.attributes, on: { change: (event) => a.change(event.target.value || null) } }, none,
    groups.map((g) => (g.name ? h("optgroup", { label: g.name }, g.options.map(entry)) : g.options.map(entry))));
}

function many(e, a, options) {
  let chosen = new Set(a.surface.get(a.at) ?? []);
  const summary = h("summary", { ...a.attributes });
  const tell = () => {
    const names = options.filter((o) => chosen.has(o.value)).map((o) => o.words);
    summary.textContent = names.length === 0 ? e.placeholder?.text ?? "Choose…" : names.length > 3 ? `${names.length} chosen` : names.join(", ");
  };
  const box = h("details", { class: "many" }, summary);
  let before = [...chosen].join();
  box.append(h("div", { class: "sheet" }, options.map((o) => h("label", {},
    h("input", { type: "checkbox", checked: chosen.has(o.value), on: { change: (event) => {
      if (event.target.checked) chosen.add(o.value); else chosen.delete(o.value);
      a.surface.set(a.at, [...chosen]);
      tell();
    } } }), " ", label(o.label).length ? label(o.label) : o.words))));
  box.addEventListener("toggle", () => {
    if (box.open || before === [...chosen].join()) return;
    before = [...chosen].join();
    a.change([...chosen]);
  });
  tell();
  return closing(box);
}

let serial = 0;

function choices(e, a, kind) {
  const name = `c${++serial}`;
  const now = a.surface.get(a.at);
  const chosen = new Set(kind === "radio" ? [now] : now ?? []);
  return h("div", { class: "choices", role: "group", "data-at": a.at }, (e.options ?? []).map(option).map((o) => h("label", {},
    h("input", { type: kind, name, value: o.value, checked: chosen.has(o.value), on: { change: (event) => {
      if (kind === "radio") return a.change(o.value);
      if (event.target.checked) chosen.add(o.value); else chosen.delete(o.value);
      return a.change([...chosen]);
    } } }),
    h("span", {}, label(o.label), o.description && h("small", {}, label(o.description))))));
}

function typed(e, a, type) {
  const ends = type === "date" || type === "time";
  const field = h("input", {
    ...a.attributes, type, value: a.surface.get(a.at) ?? "", placeholder: e.placeholder?.text, maxlength: e.max_length,
    min: e.min_value, max: e.max_value, step: type === "number" && e.is_decimal_allowed ? "any" : undefined,
    on: {
      input: () => a.surface.set(a.at, field.value || (ends ? null : "")),
      change: () => a.change(field.value || (ends ? null : "")),
    },
  });
  return field;
}

function area(e, a) {
  const field = h("textarea", {
    ...a.attributes, rows: "4", placeholder: e.placeholder?.text, maxlength: e.max_length,
    on: { input: () => a.surface.set(a.at, field.value), change: () => a.change(field.value) },
  });
  field.value = a.surface.get(a.at) ?? "";
  return field;
}

function moment(e, a) {
  const now = a.surface.get(a.at);
  const field = h("input", {
    ...a.attributes, type: "datetime-local", value: now ? localOf(now, a.surface.zone) : "",
    on: { change: () => a.change(field.value ? secondsOf(field.value, a.surface.zone) : null) },
  });
  return field;
}

/** localOf writes Unix seconds as a wall clock of the acting person's zone shows. */
function localOf(seconds, zone) {
  const parts = Object.fromEntries(new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  }).formatToParts(new Date(seconds * 1000)).map((p) => [p.type, p.value]));
  return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}`;
}

function secondsOf(local, zone) {
  const wished = Date.parse(`${local}Z`) / 1000;
  let guess = wished;
  for (let i = 0; i < 2; i++) guess += wished - Date.parse(`${localOf(guess, zone)}Z`) / 1000;
  return guess;
}

function search(e, a) {
  const now = a.surface.get(a.at);
  const list = h("div", { class: "sheet inline", hidden: true });
  let turn = 0;
  const field = h("input", {
    ...a.attributes, type: "search", autocomplete: "off", placeholder: e.placeholder?.text ?? "Type to search", value: now?.text ?? "",
    on: { input: async () => {
      const mine = ++turn;
      if (field.value.length < (e.min_query_length ?? 1)) { list.hidden = true; return; }
      const options = await a.surface.suggest(a.at, field.value);
      if (mine !== turn) return;
      list.replaceChildren(...options.map((o) => h("button", { type: "button", on: { click: () => {
        field.value = o.text;
        list.hidden = true;
        a.change(e.type.startsWith("multi_") ? [o.value] : o);
      } } }, o.text)));
      list.hidden = options.length === 0;
    } },
  });
  return h("div", { class: "search" }, field, list);
}

/** initial is the value that an element begins with. */
export function initial(e) {
  if (e.initial_option) return e.initial_option.value;
  if (e.initial_options) return e.initial_options.map((o) => o.value);
  for (const [name, value] of Object.entries(e)) {
    if (name.startsWith("initial_") && typeof value !== "object") return value;
    if (name.startsWith("initial_") && Array.isArray(value)) return value;
  }
  return e.type === "checkboxes" || e.type?.startsWith("multi_") ? [] : null;
}

/** held reads a value out of the state that the workspace keeps of a view. */
export function held(state) {
  if (!state) return undefined;
  if (state.selected_options) return state.selected_options.map((o) => o.value ?? o);
  if (state.selected_option) {
    const o = state.selected_option;
    return state.type === "external_select" ? { text: o.text?.text ?? "", value: o.value } : o.value;
  }
  for (const [name, value] of Object.entries(state)) {
    if (name !== "type" && (typeof value !== "object" || Array.isArray(value))) return value;
  }
  return null;
}
