// Elements are made here and nowhere else. Strings become text nodes, so nothing
// that somebody wrote can become markup.

/** h makes an element: props are attributes, except on (listeners) and class. */
export function h(tag, props, ...kids) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) el.addEventListener(event, listener);
    } else if (name === "class") {
      el.className = value;
    } else if (name === "value") {
      el.value = value;
    } else if (name === "checked" || name === "selected" || name === "disabled" || name === "hidden" || name === "open") {
      el[name] = true;
    } else {
      el.setAttribute(name, value === true ? "" : String(value));
    }
  }
  el.append(...kids.flat(Infinity).filter((k) => k !== null && k !== undefined && k !== false));
  return el;
}

const SVG = "http://www.w3.org/2000/svg";

/** s makes an SVG element. */
export function s(tag, attributes, ...kids) {
  const el = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes ?? {})) el.setAttribute(name, String(value));
  el.append(...kids);
  return el;
}

const ICONS = {
  lock: "M4.5 7V5a3.5 3.5 0 0 1 7 0v2M3.5 7h9v6.5h-9z",
  pin: "M5.5 2.5h5l-.8 4 2.3 2.5H4L6.3 6.5zM8 9v5",
  thread: "M2.5 3h11v7.5H7l-3 3v-3H2.5zM5 6h6M5 8h4",
  eye: "M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 1 0 0-3.6z",
  bookmark: "M4 2.5h8v11L8 10.5l-4 3z", file: "M4 1.5h5l3 3v10H4zM9 1.5v3h3",
  send: "M2.5 2.5 14 8 2.5 13.5 4.2 8zM4.2 8H14", home: "M2.5 7.5 8 2.5l5.5 5v6h-11zM6.5 13.5V9.5h3v4",
  list: "M2.5 3h11v10h-11zM2.5 6.3h11M2.5 9.6h11M6.5 6.3V13", image: "M2 3h12v10H2zM2 11l3.5-3.5L9 11l2-2 3 3M10.5 6h.01",
};

/** icon draws one of the page's own signs: machines differ in the emoji they have. */
export function icon(name) {
  return s("svg", { viewBox: "0 0 16 16", width: 16, height: 16, class: "sign-icon", "aria-hidden": "true" },
    s("path", { d: ICONS[name], fill: "none", stroke: "currentColor", "stroke-width": 1.5, "stroke-linejoin": "round", "stroke-linecap": "round" }));
}

export const byId = (id) => document.getElementById(id);

let toastTimer = 0;

/** toast says something for a few seconds, to eyes and to screen readers. */
export function toast(words) {
  const box = byId("toast");
  box.textContent = words;
  box.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => box.classList.remove("shown"), 6000);
}

/** keyed gives list the children that items describe, and keeps those that did
 * not change, with their scroll position, focus and selection. */
export function keyed(list, items, make) {
  const had = list.keyedNodes ?? new Map();
  const now = new Map();
  let place = list.firstChild;
  for (const item of items) {
    const known = had.get(item.key);
    const entry = known && known.stamp === item.stamp ? known : { stamp: item.stamp, node: make(item) };
    if (known && known !== entry) {
      if (known.node === place) place = entry.node;
      known.node.replaceWith(entry.node);
    }
    if (entry.node === place) place = place.nextSibling;
    else list.insertBefore(entry.node, place);
    now.set(item.key, entry);
    had.delete(item.key);
  }
  for (const gone of had.values()) gone.node.remove();
  list.keyedNodes = now;
}

/** face is a square with a person's initials, or the app's mark. */
export function face(id, name, app, small) {
  if (app) return h("img", { class: "face", src: "/page/mark.svg", alt: "" });
  const initials = name.split(/[\s._-]+/).filter(Boolean).slice(0, 2).map((w) => [...w][0].toUpperCase()).join("");
  let sum = 0;
  for (const c of id) sum = (sum * 31 + c.charCodeAt(0)) % 997;
  return h("span", { class: `face tint${sum % 8}${small ? " small" : ""}`, "aria-hidden": "true" }, initials);
}
