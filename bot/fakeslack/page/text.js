import { h } from "./dom.js";

// Spans come from the workspace, which has read the markup; here each becomes one
// element.

/** spans renders formatted text. */
export function spans(list, onCode) {
  return (list ?? []).map((span) => one(span, onCode));
}

function one(span, onCode) {
  const kids = () => spans(span.c, onCode);
  switch (span.k) {
    case "text": return document.createTextNode(span.s);
    case "line": return h("div", { class: "line" }, kids());
    case "gap": return h("div", { class: "gap" });
    case "item": return h("div", { class: "item" }, h("span", { class: "bullet" }, span.s), h("span", {}, kids()));
    case "quote": return h("blockquote", {}, kids());
    case "pre": return h("pre", { tabindex: "0" }, span.s ?? "");
    case "bold": return h("strong", {}, kids());
    case "italic": return h("em", {}, kids());
    case "strike": return h("s", {}, kids());
    case "code":
      if (onCode && span.s.startsWith("/")) {
        return h("button", { type: "button", class: "try", title: "Type this for me", on: { click: () => onCode(span.s) } }, span.s);
      }
      return h("code", {}, span.s);
    case "link": return link(span.h, span.s);
    case "channel": return h("a", { class: "mention", href: span.h }, span.s);
    case "user": case "group": return h("span", { class: "mention" }, span.s);
    case "me": case "all": return h("span", { class: "mention mine" }, span.s);
    case "emoji": return h("span", { class: "emoji" }, span.s);
  }
  return document.createTextNode(span.s ?? "");
}

/** link leads out in a tab of its own, or to a place in this workspace. */
export function link(href, words, className) {
  if (href.startsWith("#/")) return h("a", { href, class: className }, words);
  if (!/^(https?:|mailto:)/i.test(href)) return document.createTextNode(words);
  return h("a", { href, class: className, target: "_blank", rel: "noopener noreferrer" }, words);
}

/** label renders a text object of a block. */
export function label(object, onCode) {
  if (!object) return [];
  if (object.spans) {
    const [first, ...more] = object.spans;
    return spans(first?.k === "line" && more.length === 0 ? first.c : object.spans, onCode);
  }
  return [document.createTextNode(object.text ?? "")];
}
