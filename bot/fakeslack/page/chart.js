import { h, s } from "./dom.js";

const COLOURS = ["#2b6cb0", "#c2410c", "#2f7d4f", "#7c4dcc", "#b0307a", "#4a5568"];
const DASHES = ["", "7 4", "2 3", "9 3 2 3", "4 4", "1 4"];

/** chart draws a data_visualization block; the same numbers stand in a table for
 * screen readers. It is drawn anew whenever its width changes, so that text keeps
 * its size. */
export function chart(block) {
  const data = block.chart ?? {};
  const box = h("div", { class: "canvas" });
  const figure = h("figure", { class: "chart" },
    h("figcaption", {}, block.title ?? ""), box, legend(data), numbers(block.title, data));
  let width = 0;
  new ResizeObserver(() => {
    const now = Math.round(box.clientWidth);
    if (now === width || now < 40) return;
    width = now;
    box.replaceChildren(draw(block.title, data, width));
  }).observe(box);
  return figure;
}

const colour = (i) => COLOURS[i % COLOURS.length];
const round = (n) => Math.round(n * 10) / 10;
const say = (n) => Number(n).toLocaleString("en", { maximumFractionDigits: 2 });

function draw(title, data, width) {
  const height = Math.round(Math.min(280, Math.max(210, width * 0.46)));
  const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${data.type} chart: ${title}` });
  if (data.type === "pie") pie(svg, data, width, height);
  else axes(svg, data, width, height);
  return svg;
}

function legend(data) {
  const entries = data.type === "pie"
    ? (data.segments ?? []).map((x) => `${x.label}: ${say(x.value)}`)
    : (data.series ?? []).map((x) => x.name);
  return h("ul", { class: "legend" }, entries.map((name, i) => h("li", {}, key(data.type, i), name)));
}

function key(kind, i) {
  const svg = s("svg", { width: 22, height: 12, viewBox: "0 0 22 12", "aria-hidden": "true" });
  if (kind === "line") svg.append(s("path", { d: "M1 6H21", stroke: colour(i), "stroke-width": 3, "stroke-dasharray": DASHES[i % 6] }));
  else svg.append(s("rect", { x: 5, y: 0, width: 12, height: 12, rx: 3, fill: colour(i) }));
  return svg;
}

function numbers(title, data) {
  if (data.type === "pie") {
    return h("div", { class: "unseen" }, h("table", {}, h("caption", {}, title), (data.segments ?? []).map((x) =>
      h("tr", {}, h("th", { scope: "row" }, x.label), h("td", {}, String(x.value))))));
  }
  const series = data.series ?? [];
  return h("div", { class: "unseen" }, h("table", {}, h("caption", {}, title),
    h("tr", {}, h("td"), series.map((x) => h("th", { scope: "col" }, x.name))),
    (data.axis_config?.categories ?? []).map((name) => h("tr", {}, h("th", { scope: "row" }, name),
      series.map((x) => h("td", {}, String(valueAt(x, name))))))));
}

const valueAt = (series, name) => Number((series.data ?? []).find((p) => p.label === name)?.value ?? 0);

/** ticks are at most six round numbers that cover the values and zero. */
function ticks(least, most) {
  const span = Math.max(most - least, 1e-9);
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((x) => x >= rough) ?? power * 10;
  const out = [];
  for (let t = Math.floor(least / step) * step; t < most + step * 0.999 && out.length < 12; t += step) out.push(round6(t));
  return out;
}

const round6 = (n) => Number(n.toPrecision(10));

function axes(svg, data, width, height) {
  const names = data.axis_config?.categories ?? [];
  const series = data.series ?? [];
  const values = series.flatMap((x) => names.map((n) => valueAt(x, n)));
  const marks = ticks(Math.min(0, ...values), Math.max(0, ...values) || 1);
  const xLabel = data.axis_config?.x_label, yLabel = data.axis_config?.y_label;
  const widest = Math.max(...marks.map((m) => say(m).length));
  const left = 12 + widest * 7.5, right = width - 14;
  const slot = (right - left) / Math.max(1, names.length);
  const longest = Math.max(1, ...names.map((n) => n.length));
  const slanted = data.type === "bar" && longest * 7 + 6 > slot; // every bar keeps its name
  const top = yLabel ? 26 : 12, bottom = height - (xLabel ? 40 : 24) - (slanted ? 14 + Math.min(longest, 12) * 2.6 : 0);
  const y = (v) => round(bottom - ((v - marks[0]) / (marks.at(-1) - marks[0])) * (bottom - top));
  const x = (i) => round(left + slot * (i + 0.5));
  for (const m of marks) {
    svg.append(s("path", { d: `M${left} ${y(m)}H${right}`, class: m === 0 ? "axis" : "grid" }),
      s("text", { x: left - 6, y: y(m) + 4, "text-anchor": "end" }, say(m)));
  }
  const every = slanted ? 1 : Math.ceil((Math.min(longest, 12) * 7 + 6) / slot);
  names.forEach((name, i) => {
    if (i % every !== 0 && every > 1) return;
    const words = name.length > 12 && (slanted || every > 1) ? `${name.slice(0, 11)}…` : name;
    const at = { x: x(i), y: bottom + 17 };
    svg.append(s("text", slanted
      ? { x: at.x + 4, y: bottom + 13, "text-anchor": "end", transform: `rotate(-32 ${at.x + 4} ${bottom + 13})` }
      : { ...at, "text-anchor": "middle" }, words));
  });
  if (yLabel) svg.append(s("text", { x: 4, y: 13, class: "axis-name" }, yLabel));
  if (xLabel) svg.append(s("text", { x: (left + right) / 2, y: height - 4, "text-anchor": "middle", class: "axis-name" }, xLabel));
  if (data.type === "bar") bars(svg, series, names, { x, y, slot });
  else lines(svg, series, names, { x, y, filled: data.type === "area" });
}

function bars(svg, series, names, { x, y, slot }) {
  const wide = Math.max(2, Math.min(46, (slot * 0.72) / Math.max(1, series.length)));
  series.forEach((one, i) => names.forEach((name, j) => {
    const v = valueAt(one, name), top = Math.min(y(v), y(0));
    const bar = s("rect", {
      x: round(x(j) - (wide * series.length) / 2 + wide * i), y: top, width: Math.max(1, wide - 2),
      height: Math.max(v === 0 ? 0 : 1, Math.abs(y(0) - y(v))), rx: 2, fill: colour(i),
    });
    bar.append(s("title", {}, `${one.name}, ${name}: ${say(v)}`));
    svg.append(bar);
  }));
}

function lines(svg, series, names, { x, y, filled }) {
  series.forEach((one, i) => {
    const points = names.map((name, j) => `${x(j)} ${y(valueAt(one, name))}`);
    if (filled) {
      svg.append(s("path", { d: `M${x(0)} ${y(0)}L${points.join("L")}L${x(names.length - 1)} ${y(0)}Z`, fill: colour(i), "fill-opacity": 0.22 }));
    }
    svg.append(s("path", {
      d: `M${points.join("L")}`, fill: "none", stroke: colour(i), "stroke-width": 2.5, "stroke-linejoin": "round",
      "stroke-dasharray": DASHES[i % 6],
    }));
    names.forEach((name, j) => {
      const dot = s("circle", { cx: x(j), cy: y(valueAt(one, name)), r: 3.5, fill: "#fff", stroke: colour(i), "stroke-width": 2 });
      dot.append(s("title", {}, `${one.name}, ${name}: ${say(valueAt(one, name))}`));
      svg.append(dot);
    });
  });
}

function pie(svg, data, width, height) {
  const parts = (data.segments ?? []).filter((x) => Number(x.value) > 0);
  const total = parts.reduce((sum, x) => sum + Number(x.value), 0) || 1;
  const cx = width / 2, cy = height / 2, r = Math.min(width, height) / 2 - 8;
  let from = -Math.PI / 2;
  const at = (angle, reach) => `${round(cx + Math.cos(angle) * reach)} ${round(cy + Math.sin(angle) * reach)}`;
  parts.forEach((part, i) => {
    const share = Number(part.value) / total, to = from + share * 2 * Math.PI;
    const slice = share > 0.9999
      ? s("circle", { cx, cy, r, fill: colour(i) })
      : s("path", { d: `M${cx} ${cy}L${at(from, r)}A${r} ${r} 0 ${share > 0.5 ? 1 : 0} 1 ${at(to, r)}Z`, fill: colour(i), stroke: "#fff", "stroke-width": 2 });
    slice.append(s("title", {}, `${part.label}: ${say(part.value)}`));
    svg.append(slice);
    if (share > 0.05) {
      const middle = (from + to) / 2;
      const [tx, ty] = at(middle, r * 0.66).split(" ");
      svg.append(s("text", { x: tx, y: Number(ty) + 5, "text-anchor": "middle", class: "slice" }, `${Math.round(share * 100)} %`));
    }
    from = to;
  });
}
