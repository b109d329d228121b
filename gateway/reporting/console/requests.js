// Recent requests. Rule: a row stays where it is while somebody is at it; each opens the story of its request.

import { announce, h, scroller } from "./dom.js";
import { clock, count, dollars, seconds, UNKNOWN } from "./format.js";
import { colors, swatch } from "./overview.js";

const KEPT = 300;
const TITLES = [
  ["Ended", ""],
  ["Status", ""],
  ["Model", ""],
  ["Deployment", ""],
  ["First token", "n"],
  ["In all", "n"],
  ["Tokens in", "n"],
  ["Tokens out", "n"],
  ["USD", "n"],
  ["Key", ""],
  ["Request", ""],
];

export const keyOf = ({ request }) => `${request.id} ${request.time}`;

/** `open(request, button)` is called for the one that is chosen. */
export function requestsView(root, open) {
  const body = h("tbody", { role: "rowgroup" });
  const words = h("input", {
    id: "filter",
    type: "search",
    placeholder: "model, deployment, key, id …",
    autocomplete: "off",
    oninput: show,
  });
  const failed = h("input", { id: "failed", type: "checkbox", onchange: show });
  const note = h("p", { class: "note", id: "requests-note" });
  const pause = h(
    "button",
    { type: "button", class: "quiet", "aria-pressed": "false", onclick: () => hold(!held) },
    "Pause",
  );
  const empty = h("p", { class: "empty" }, "No requests yet.");
  let [rows, waiting, held, palette] = [[], [], false, new Map()];

  root.append(
    h("h2", {}, "Recent requests"),
    h(
      "div",
      { class: "controls" },
      h("label", { for: "filter" }, "Filter"),
      words,
      h("label", { class: "check" }, failed, " failed only"),
      pause,
    ),
    note,
    scroller(
      h(
        "table",
        { role: "table", class: "requests" },
        h("caption", { class: "unseen" }, "Recent requests, the newest first"),
        h(
          "thead",
          { role: "rowgroup" },
          h(
            "tr",
            { role: "row" },
            TITLES.map(([title, kind]) => h("th", { role: "columnheader", scope: "col", class: kind }, title)),
          ),
        ),
        body,
      ),
    ),
    empty,
  );

  function hold(on) {
    held = on;
    pause.setAttribute("aria-pressed", String(on));
    pause.textContent = on ? "Go on" : "Pause";
    if (!on) take([]);
  }

  const busy = () => held || body.matches(":hover") || body.contains(document.activeElement);

  function take(fresh) {
    waiting = [...fresh, ...waiting].slice(0, KEPT);
    if (!busy() && waiting.length) {
      const made = waiting.map(recent => ({ recent, row: draw(recent) }));
      waiting = [];
      rows = [...made, ...rows];
      body.prepend(...made.map(({ row }) => row));
      rows.splice(KEPT).forEach(({ row }) => row.remove());
    }
    show();
  }

  function show() {
    const wanted = words.value.trim().toLowerCase();
    let shown = 0;
    for (const {
      recent: { request },
      row,
    } of rows) {
      const text = [request.id, request.model, request.deployment, request.key, request.failure, request.status]
        .join(" ")
        .toLowerCase();
      row.hidden = !text.includes(wanted) || (failed.checked && request.status < 400 && !request.failure);
      shown += !row.hidden;
    }
    empty.hidden = shown > 0;
    empty.textContent = rows.length ? "No recent request matches." : "No requests yet.";
    const more = waiting.length
      ? ` ${waiting.length === 1 ? "1 new one waits" : `${count(waiting.length)} new ones wait`}${held ? "" : " while you use the table"}.`
      : "";
    note.textContent = rows.length
      ? `${count(shown)} of the newest ${count(rows.length)}.${more} Select one to see its decision.`
      : "";
  }

  function draw(recent) {
    const { request, cost } = recent,
      bad = request.status >= 500 || request.failure;
    const before = (request.tried ?? []).length ? h("small", {}, `after ${request.tried.join(", ")} `) : null;
    const cells = [
      clock(request.time),
      h(
        "span",
        { class: `sign ${bad ? "critical" : request.status >= 400 ? "warning" : "fine"}` },
        request.failure
          ? `${request.status} ${request.failure.toLowerCase().replaceAll("_", " ")}`
          : String(request.status),
      ),
      request.model || UNKNOWN,
      request.deployment ? [before, swatch(palette.get(request.deployment) ?? 8), request.deployment] : UNKNOWN,
      seconds(request.ttft_ms === undefined ? null : request.ttft_ms / 1000),
      seconds(request.ms / 1000),
      tokens(request.prompt_tokens, request),
      tokens(request.completion_tokens, request),
      dollars(cost),
      request.key || UNKNOWN,
      h(
        "button",
        {
          type: "button",
          class: "open",
          onclick: event => open(recent, event.currentTarget),
          "aria-label": `Open request ${request.id}`,
        },
        request.id.length > 16 ? `…${request.id.slice(-12)}` : request.id,
        recent.decided ? h("small", { title: "its decision was recorded" }, " why") : null,
      ),
    ];
    return h(
      "tr",
      { role: "row" },
      cells.map((cell, at) => h("td", { role: "cell", class: TITLES[at][1], "data-label": TITLES[at][0] }, cell)),
    );
  }

  const tokens = (value, { usage }) =>
    usage === undefined || usage === "none" ? UNKNOWN : `${usage === "estimated" ? "≈ " : ""}${count(value ?? 0)}`;

  return {
    add(fresh, report) {
      palette = colors(report);
      const have = new Set([...rows.map(({ recent }) => recent), ...waiting].map(keyOf));
      take(fresh.filter(recent => !have.has(keyOf(recent))));
    },
    forget() {
      rows.forEach(({ row }) => row.remove());
      [rows, waiting] = [[], []];
      show();
      announce("");
    },
  };
}
