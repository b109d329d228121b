// Charts. Rule: lines over the last minutes as inline SVG, each with a sentence that says the same.

import { h } from "./dom.js";
import { duration, UNKNOWN } from "./format.js";

export const SPAN = 300; // seconds, of a gateway that has run so long
const SHORTEST = 60;
const [WIDTH, HEIGHT] = [600, 120];

/** The end of an axis: a round number, not much above the most. */
function nice(most) {
  if (!(most > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find(step => step * power >= most) * power;
}

const reach = (points, now) => Math.min(SPAN, Math.max(SHORTEST, now - (points[0]?.[0] ?? now)));

function trace(points, now, span, top, height) {
  let path = "",
    pen = "M";
  for (const [time, value] of points) {
    if (value === null || value === undefined) {
      pen = "M";
      continue;
    }
    const x = WIDTH * (1 - (now - time) / span),
      y = height - (height * value) / top;
    path += `${pen}${x.toFixed(1)} ${Math.max(0, y).toFixed(1)}`;
    pen = "L";
  }
  return path;
}

/** `series`: [{name, values: [[time, value], …], color}]; `stacked`: one upon the other, as areas. */
export function chart({ title, series, now, form, stacked = false, note = "" }) {
  const sums = new Map();
  const levels = series.map(({ values }) =>
    values.map(([time, value]) => {
      const below = stacked ? (sums.get(time) ?? 0) : 0;
      if (stacked) sums.set(time, below + (value ?? 0));
      return [time, stacked ? below + (value ?? 0) : value, below];
    }),
  );
  const top = nice(Math.max(0, ...levels.flat().map(([, value]) => value ?? 0)));
  const span = reach(series[0].values, now);
  const shapes = levels.map((values, at) => {
    const color = `var(--c${series[at].color})`,
      draw = points => trace(points, now, span, top, HEIGHT);
    const back = values
      .slice()
      .reverse()
      .map(([time, , below]) => [time, below]);
    const area = stacked && values.length > 1 && `${draw(values)}${draw(back).replace("M", "L")}Z`;
    const line = draw(stacked ? values.map(([time, value, below]) => [time, value > below ? value : null]) : values);
    return [
      area && h("path", { class: "area", d: area, fill: color }),
      h("path", { class: series[at].dashed ? "trace dashed" : "trace", d: line, stroke: color }),
    ];
  });
  const said = series.map(({ name, values }) => describe(name, values, form)).join(" ");
  return h(
    "figure",
    { class: "chart" },
    h(
      "figcaption",
      {},
      h("h3", {}, title),
      h(
        "ul",
        { class: "legend" },
        series.map(each =>
          h(
            "li",
            {},
            h("i", { class: each.dashed ? "key dashed" : "key", style: { "--key": `var(--c${each.color})` } }),
            each.name,
            " ",
            h("b", {}, form(each.values.at(-1)?.[1])),
          ),
        ),
      ),
    ),
    h(
      "div",
      { class: "plot", role: "img", "aria-label": `${title}, last ${duration(span)}. ${said}` },
      h(
        "svg",
        { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
        [0, 0.5, 1].map(y => h("line", { class: "grid", x1: 0, x2: WIDTH, y1: HEIGHT * y, y2: HEIGHT * y })),
        shapes,
      ),
      h("span", { class: "top" }, form(top)),
      h("span", { class: "middle" }, form(top / 2)),
      h("span", { class: "start" }, `${duration(span)} ago`),
      h("span", { class: "end" }, "now"),
    ),
    note && h("p", { class: "note" }, note),
  );
}

function describe(name, values, form) {
  const known = values.map(([, value]) => value).filter(value => value !== null && value !== undefined);
  if (!known.length) return `${name}: nothing yet.`;
  const last = values.at(-1)[1];
  return `${name}: now ${last === null || last === undefined ? "nothing" : form(last)}, between ${form(Math.min(...known))} and ${form(Math.max(...known))}.`;
}

/** A line without axes, for the eye alone: what it shows stands beside it as text. */
export function spark(values, now, color) {
  const top = Math.max(...values.map(([, value]) => value ?? 0)) || 1;
  return h(
    "svg",
    { class: "spark", viewBox: `0 -2 ${WIDTH} 44`, preserveAspectRatio: "none", "aria-hidden": "true" },
    h("path", { class: "trace", d: trace(values, now, reach(values, now), top, 40), stroke: `var(--c${color})` }),
  );
}

/** A share, 0..1, as a bar behind its text. */
export function bar(share, text, color = 1) {
  if (share === null || share === undefined) return UNKNOWN;
  return h(
    "span",
    { class: "bar" },
    h("i", { style: { "--share": `${Math.min(100, 100 * share)}%`, "--key": `var(--c${color})` } }),
    h("span", {}, text),
  );
}
