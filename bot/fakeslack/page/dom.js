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
