import { byId, h, keyed } from "./dom.js";
import { spans } from "./text.js";
import { suggest } from "./composer.js";

/** guide draws what the visitor can do, and what happens: the newest line first. */
export function guide(about) {
  const box = byId("guide");
  if (!box.firstChild) {
    box.append(h("header", {}, h("h2", {})), h("div", { class: "steps" }), h("ol", { class: "told", "aria-live": "polite", "aria-label": "What happens now" }));
  }
  const [head, steps, told] = box.children;
  head.firstChild.textContent = about.title;
  keyed(steps, about.steps.map((list, i) => ({ key: i, stamp: JSON.stringify(list), list })), (item) => h("div", { class: "step" }, spans(item.list, suggest)));
  steps.hidden = about.steps.length === 0;
  const lines = about.lines.map((line, i) => ({ key: `${i}${line.time}`, stamp: JSON.stringify(line), line })).reverse();
  keyed(told, lines, (item) => h("li", {}, h("time", {}, item.line.time), h("div", {}, spans(item.line.spans, suggest))));
  const now = byId("now");
  const last = about.lines.at(-1);
  now.hidden = !last;
  if (last) now.replaceChildren(h("b", {}, "Now "), h("span", {}, last.spans.flatMap((s) => flat(s)).join(" ")));
}

const flat = (span) => (span.c ? [span.c.flatMap(flat).join("")] : [span.s ?? ""]);
