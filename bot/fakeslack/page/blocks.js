import { h, icon } from "./dom.js";
import { label, link, spans } from "./text.js";
import { chart } from "./chart.js";
import { element } from "./elements.js";

/** blocks renders Block Kit on a surface: a message, a modal or a home. */
export function blocks(list, surface) {
  return (list ?? []).map((block) => one(block, surface));
}

function one(block, surface) {
  switch (block.type) {
    case "section": return section(block, surface);
    case "header": return h("h3", { class: "b-header" }, label(block.text));
    case "divider": return h("hr", {});
    case "context": return h("div", { class: "b-context" }, (block.elements ?? []).map((e) =>
      e.type === "image" ? image(e, "tiny") : h("span", {}, label(e))));
    case "actions": return h("div", { class: "b-actions" }, (block.elements ?? []).map((e) => element(block, e, surface)));
    case "context_actions": return h("div", { class: "b-actions" }, (block.elements ?? []).map((e) => element(block, e, surface)));
    case "input": return input(block, surface);
    case "image": return h("figure", { class: "b-image" }, block.title && h("figcaption", {}, label(block.title)), image(block));
    case "rich_text": case "markdown": return h("div", { class: "b-text" }, spans(block.spans));
    case "table": case "data_table": return table(block, surface);
    case "data_visualization": return chart(block);
    case "alert": return h("div", { class: "b-alert" }, label(block.text));
    case "container": return h("div", { class: "b-container" }, block.title && h("h4", {}, label(block.title)),
      block.subtitle && h("div", { class: "b-context" }, label(block.subtitle)), blocks(block.child_blocks, surface));
    case "video": return h("div", { class: "b-text" }, link(block.video_url ?? "", block.title?.text ?? block.alt_text ?? ""));
  }
  return h("div", { class: "b-context" }, `A block of type ${block.type}.`);
}

function section(block, surface) {
  const words = h("div", { class: "b-text" }, label(block.text));
  if (block.fields) words.append(h("div", { class: "b-fields" }, block.fields.map((f) => h("div", {}, label(f)))));
  if (!block.accessory) return h("div", { class: "b-section" }, words);
  const beside = block.accessory.type === "image" ? image(block.accessory, "thumb") : element(block, block.accessory, surface);
  return h("div", { class: "b-section" }, words, h("div", { class: "b-accessory" }, beside));
}

let serial = 0;

function input(block, surface) {
  const id = `in${++serial}`;
  const wrong = surface.errors?.[block.block_id];
  const notes = [wrong && `${id}-wrong`, block.hint && `${id}-hint`].filter(Boolean).join(" ");
  const field = element(block, block.element ?? {}, surface, { id, describedby: notes, invalid: Boolean(wrong) });
  const several = ["radio_buttons", "checkboxes"].includes(block.element?.type);
  const title = [label(block.label), block.optional && h("span", { class: "optional" }, " (optional)")];
  return h(several ? "fieldset" : "div", { class: `b-input${wrong ? " wrong" : ""}`, "data-block": block.block_id },
    several ? h("legend", {}, title) : h("label", { for: id }, title), field,
    wrong && h("div", { class: "complaint", id: `${id}-wrong`, role: "alert" }, wrong),
    block.hint && h("div", { class: "hint", id: `${id}-hint` }, label(block.hint)));
}

/** image shows files of this workspace; others only as a link, since the page
 * loads nothing from elsewhere. */
export function image(e, size) {
  const alt = e.alt_text ?? e.alt ?? "";
  if (!e.src?.startsWith("/files/")) return h("span", { class: "outside" }, icon("image"), link(e.src ?? "", alt || "Image"));
  const picture = h("img", { src: e.src, alt, class: size, loading: "lazy" });
  return size ? picture : h("a", { href: e.src, target: "_blank", rel: "noopener" }, picture);
}

function table(block, surface) {
  const settings = block.column_settings ?? [];
  const cell = (tag, c, i) => h(tag, {
    class: `${settings[i]?.align ?? (c?.type === "raw_number" ? "right" : "left")}${settings[i]?.is_wrapped === false ? " nowrap" : ""}`,
    scope: tag === "th" ? "col" : undefined,
  }, inCell(block, c, surface));
  const [first, ...rest] = block.rows ?? [];
  return h("div", { class: "b-table", tabindex: "0", role: "region", "aria-label": block.caption ?? "Table" }, h("table", {},
    h("thead", {}, h("tr", {}, (first ?? []).map((c, i) => cell("th", c, i)))),
    h("tbody", {}, rest.map((row) => h("tr", {}, row.map((c, i) => cell("td", c, i)))))));
}

function inCell(block, c, surface) {
  switch (c?.type) {
    case "raw_number": return Number(c.value).toLocaleString("en");
    case "rich_text": return spans(c.spans);
    case "action_cell": return element(block, c.element ?? {}, surface);
  }
  return c?.text ?? "";
}
