import { byId, h } from "./dom.js";
import { label } from "./text.js";

/** confirmed asks as a confirm object says, and is true when the person agrees. */
export function confirmed(ask) {
  const box = byId("confirm");
  return new Promise((resolve) => {
    const end = (yes) => { box.onclose = null; box.close(); resolve(yes); };
    box.onclose = () => resolve(false);
    box.setAttribute("aria-label", ask.title?.text ?? "Are you sure?");
    box.replaceChildren(
      h("header", {}, h("h2", {}, label(ask.title))),
      h("div", { class: "inside" }, label(ask.text)),
      h("footer", {},
        h("button", { type: "button", class: "button", on: { click: () => end(false) } }, ask.deny ? label(ask.deny) : "Cancel"),
        h("button", { type: "button", class: `button ${ask.style === "danger" ? "danger solid" : "primary"}`, autofocus: true, on: { click: () => end(true) } },
          ask.confirm ? label(ask.confirm) : "OK")));
    box.showModal();
  });
}
