import { byId, h } from "./dom.js";
import { blocks } from "./blocks.js";
import { act } from "./store.js";
import { formOf, surfaceOf } from "./surface.js";

let shown = ""; // what the dialog shows now

/** modal draws the top one of the acting person's modals. */
export function modal(view, depth) {
  const box = byId("modal");
  if (!view) {
    shown = "";
    if (box.open) box.close();
    return;
  }
  const stamp = JSON.stringify([view.id, view.hash, view.errors, depth]);
  if (stamp === shown) return;
  shown = stamp;
  const focused = document.activeElement?.closest?.("[data-at]")?.getAttribute("data-at");
  const form = h("form", { novalidate: true, on: { submit: (event) => { event.preventDefault(); submit(view, box); } } },
    h("header", {}, h("h2", {}, view.title), h("button", { type: "button", class: "icon", "aria-label": "Close", on: { click: () => close(view) } }, "✕")),
    h("div", { class: "inside" }, blocks(view.blocks, surfaceOf({ view: view.id }, view.values, view.errors))),
    h("footer", {}, h("button", { type: "button", class: "button", on: { click: () => close(view) } }, depth > 1 && view.close === "Cancel" ? "Back" : view.close),
      view.submit && h("button", { type: "submit", class: "button primary" }, view.submit)));
  box.setAttribute("aria-label", view.title);
  box.replaceChildren(form);
  box.oncancel = (event) => { event.preventDefault(); close(view); };
  box.onclose = () => { if (shown === stamp) close(view); }; // a browser may not wait for leave
  if (!box.open) box.showModal();
  const first = form.querySelector(".wrong input, .wrong select, .wrong textarea") ??
    (focused && form.querySelector(`[data-at="${CSS.escape(focused)}"]`)) ?? form.querySelector(".inside input, .inside select, .inside textarea");
  first?.focus();
}

async function submit(view, box) {
  const button = box.querySelector("[type=submit]");
  button.setAttribute("aria-busy", "true");
  await act({ do: "submit", view: view.id, values: formOf(view.id) });
  button.removeAttribute("aria-busy");
}

const close = (view) => act({ do: "close", view: view.id });
