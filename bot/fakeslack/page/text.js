import { h, s } from "./dom.js";

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
    case "emoji": return emoji(span.s);
  }
  return document.createTextNode(span.s ?? "");
}

const DOTS = { "🔴": "red", "🟠": "orange", "🟡": "yellow", "🟢": "green", "🔵": "blue", "⚫": "black", "⚪": "white" };
const DRAWN = {
  "✅": ["#2f7d4f", "M1 1h14v14H1z", "M4 8.2 7 11l5-6"], "❌": ["#c02a2a", "M8 .6a7.4 7.4 0 1 0 .01 0z", "M5 5l6 6M11 5l-6 6"],
  "⚠️": ["#e0a100", "M8 1 15.5 14.5H.5z", "M8 6v4M8 12.4h.01"],
};

/** emoji draws the signs that carry a state itself, as not every machine has a font
 * for them. */
function emoji(sign) {
  if (DOTS[sign]) return h("span", { class: `dot ${DOTS[sign]}`, role: "img", "aria-label": DOTS[sign] });
  if (!DRAWN[sign]) return h("span", { class: "emoji" }, sign);
  const [colour, shape, mark] = DRAWN[sign];
  return s("svg", { viewBox: "0 0 16 16", width: 16, height: 16, class: "sign-icon", role: "img", "aria-label": sign },
    s("path", { d: shape, fill: colour, stroke: colour, "stroke-linejoin": "round" }),
    s("path", { d: mark, fill: "none", stroke: "#fff", "stroke-width": 2, "stroke-linecap": "round" }));
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
