// One request. Rule: what was decided, from what, and what came of it; what was not recorded is said to be so.

import { bar } from "./chart.js";
import { h, scroller, table } from "./dom.js";
import { clock, count, dollars, number, percent, seconds, UNKNOWN } from "./format.js";
import { ask } from "./stream.js";

const dialog = document.getElementById("opened");
dialog.addEventListener("click", event => {
  if (event.target === dialog) dialog.close();
});

export async function openRequest(recent) {
  const told = h("div", {}, h("h3", {}, "What became of it"), story(recent), timeline(recent.request));
  const why = h("div", {}, h("p", { class: "note" }, "Asking for the decision …"));
  dialog.replaceChildren(
    h(
      "div",
      { class: "head" },
      h("h2", { id: "opened-title" }, "Request ", h("code", {}, recent.request.id)),
      h("button", { type: "button", class: "quiet", autofocus: true, onclick: () => dialog.close() }, "Close"),
    ),
    told,
    h("h3", {}, "Why it went there"),
    why,
  );
  dialog.showModal();
  try {
    const opened = await ask(`api/requests?id=${encodeURIComponent(recent.request.id)}`);
    if (opened.tries.length > 1) told.append(h("h3", {}, "Attempts"), attempts(opened.tries));
    why.replaceChildren(
      opened.decision ? decided(opened.decision, recent) : unrecorded(recent.request),
      recent.request.model ? again(recent.request.id) : "",
    );
  } catch (error) {
    why.replaceChildren(
      h(
        "p",
        { class: "note" },
        error.status === 404
          ? "It is no longer among the gateway's recent requests."
          : `The decision cannot be had: ${error.message}.`,
      ),
    );
  }
}

function facts(pairs) {
  return h(
    "dl",
    { class: "facts" },
    pairs
      .filter(([, value]) => value !== null && value !== undefined && value !== "")
      .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

function story({ request, cost }) {
  return facts([
    ["Status", `${request.status}${request.failure ? ` ${request.failure.toLowerCase().replaceAll("_", " ")}` : ""}`],
    ["Said", request.message],
    ["Ended", clock(request.time)],
    ["Model", request.model],
    ["Family", request.family + (request.stream ? ", streamed" : "")],
    ["Key", request.key],
    ["Route", request.route],
    ["Answered by", request.deployment && `${request.deployment} ${request.endpoint}`],
    ["Attempts", count(request.attempts ?? 0)],
    ["Failed before at", (request.tried ?? []).join(", ")],
    ["Recovered by", request.recovered],
    ["Second attempt", request.hedged],
    [
      "Tokens",
      request.usage && request.usage !== "none"
        ? `${count(request.prompt_tokens ?? 0)} in (${count(request.cached_tokens ?? 0)} cached), ${count(request.completion_tokens ?? 0)} out, ${request.usage === "estimated" ? "estimated" : "as the upstream counted"}`
        : "not known",
    ],
    ["Cost", cost === null ? "its tokens have no price" : dollars(cost)],
  ]);
}

/** The request's time as one bar. */
function timeline({ ms, ttft_ms, queued_ms }) {
  if (!ms) return null;
  const queued = queued_ms ?? 0,
    first = Math.max(0, (ttft_ms ?? ms) - queued),
    rest = Math.max(0, ms - queued - first);
  const parts = [
    ["in line", queued, 8],
    [ttft_ms === undefined ? "answer" : "to the first token", first, 2],
    ["streaming", rest, 1],
  ].filter(([, length]) => length > 0);
  return h(
    "figure",
    { class: "timeline" },
    h(
      "div",
      { "aria-hidden": "true" },
      parts.map(([, length, color]) => h("i", { style: { "flex-grow": String(length), "--key": `var(--c${color})` } })),
    ),
    h(
      "figcaption",
      {},
      parts.map(([name, length, color]) =>
        h(
          "span",
          {},
          h("i", { class: "swatch", style: { "--key": `var(--c${color})` }, "aria-hidden": "true" }),
          `${name} ${seconds(length / 1000)} `,
        ),
      ),
    ),
  );
}

function attempts(tries) {
  const columns = [
    ["Attempt", ""],
    ["Why", ""],
    ["Ended", ""],
    ["After", "n"],
    ["Took", "n"],
  ];
  return scroller(
    table(
      "Attempts, as they began",
      columns,
      tries.map(({ deployment, endpoint, reason, end, began, took }, at) => [
        {},
        [
          [h("b", {}, `${at + 1} ${deployment}`), " ", h("code", {}, endpoint)],
          words(reason),
          h("span", { class: `sign ${end === "ok" ? "fine" : "warning"}` }, words(end)),
          seconds(began),
          seconds(took),
        ],
      ]),
    ),
  );
}

function unrecorded({ attempts, model }) {
  if (!attempts && !model) return h("p", {}, "Nowhere: it was refused before any place was considered.");
  return h(
    "div",
    {},
    h("p", {}, "Its decision was not recorded, and cannot be worked out afterwards: what the router saw then is gone."),
    h(
      "p",
      { class: "note" },
      "Record a share of them with ",
      h("code", {}, "telemetry: {decisions: 10%}"),
      ", or ask for one with the header ",
      h("code", {}, "x-cloverleaf-explain: 1"),
      " and a key with ",
      h("code", {}, "explain: true"),
      ".",
    ),
  );
}

const FEATURES = {
  latency: ["Latency", seconds],
  cost_usd: ["Cost", dollars],
  kv_usage: ["KV used", percent],
  cached_tokens: ["Cached tokens", count],
  in_flight_tokens: ["Tokens in flight", count],
  tokens_per_second: ["Tokens/s", number],
  ttft_p50: ["First token", seconds],
  ttft_p95: ["its p95", seconds],
  tpot: ["Each token", seconds],
  late: ["Chance to be late", percent],
  gpu_seconds: ["GPU seconds", number],
  usd_per_gpu_second: ["USD a GPU second", dollars],
};
/** What is known of a candidate. Where there is no target, nothing is ever late. */
function known(row) {
  const { late, ...predictions } = row.predictions ?? {};
  return { ...predictions, ...(late ? { late } : {}), ...row.features };
}
const words = name => name.replaceAll("_", " ");
const feature = name => FEATURES[name] ?? [words(name), number];

const both = (form, foreseen, actual) =>
  [foreseen ?? null, actual ?? null]
    .map((value, at) => (value === null ? null : `${form(value)} ${["foreseen", "actual"][at]}`))
    .filter(Boolean)
    .join(", ");

/** What was considered, and how each came off. */
function candidates(decision, route = "") {
  const { considered } = decision;
  const all = [...new Set(considered.flatMap(row => Object.keys(row.scores)))],
    kinds = all.length > 1 ? all : []; // of one, the score is its
  const features = [...new Set(considered.flatMap(row => Object.keys(known(row))))];
  const columns = [
    ["Candidate", ""],
    ["Verdict", ""],
    ["Score", "wide"],
    ...kinds.map(kind => [words(kind), "n"]),
    ["Chance", "n"],
    ["Ours", "n"],
    ["At the engine", "n"],
    ...features.map(name => [feature(name)[0], "n"]),
  ];
  const best = Math.max(...considered.map(row => row.score ?? 0), 0);
  const rows = considered.map(row => [
    { class: row.chosen ? "chosen" : row.refused_by ? "refused" : null },
    [
      [h("b", {}, `${row.tier + 1} ${row.deployment}`), " ", h("code", {}, row.endpoint)],
      row.chosen
        ? h("span", { class: "sign fine" }, "chosen")
        : row.refused_by
          ? h("span", { class: "sign warning" }, `refused: ${words(row.refused_by)}`)
          : "not chosen",
      row.score === null ? UNKNOWN : bar(best > 0 ? Math.max(0, row.score) / best : 0, number(row.score)),
      ...kinds.map(kind => number(row.scores[kind])),
      percent(row.propensity),
      count(row.in_flight),
      count(row.queued),
      ...features.map(name => feature(name)[1](known(row)[name])),
    ],
  ]);
  return [
    facts([
      ["Policy", decision.policy],
      ["Route", route],
      ["Read from", decision.signal?.replaceAll("_", " ")],
      ["Prompt", `about ${count(decision.prompt_tokens)} tokens`],
      ["Considered", `${considered.length}, of which ${considered.filter(row => row.refused_by).length} refused`],
    ]),
    scroller(table("Candidates, tier by tier", columns, rows)),
    considered.some(row => row.chosen)
      ? null
      : h("p", { class: "note" }, "No place was left: fallback models were tried next."),
  ];
}

/** A question that can be asked afterwards: not why it went there, but where it would go now. */
function again(id) {
  const told = h("div", { "aria-live": "polite" });
  const ask_again = h(
    "button",
    {
      type: "button",
      class: "quiet",
      onclick: async () => {
        try {
          const { again: decision } = await ask(`api/requests?id=${encodeURIComponent(id)}&again=true`);
          told.replaceChildren(
            h(
              "p",
              { class: "note" },
              "Of the same model and size, by the load of this moment. Its words are not kept: what a policy reads from them (a prefix, tools, a conversation, how hard it is) is not in this.",
            ),
            ...(decision ? candidates(decision).filter(Boolean) : [h("p", {}, "Its model is no longer configured.")]),
          );
        } catch (error) {
          told.replaceChildren(h("p", { class: "note" }, `It cannot be asked: ${error.message}.`));
        }
      },
    },
    "Where would it go now?",
  );
  return h("div", { class: "again" }, ask_again, told);
}

function decided({ decision, actual, route }, recent) {
  const chosen = decision.considered.find(row => row.chosen),
    guess = chosen ? known(chosen) : {};
  return h(
    "div",
    {},
    candidates(decision, route),
    h("h3", {}, "Foreseen and actual"),
    facts([
      ["First token", both(seconds, guess.ttft_p50 ?? guess.latency, actual.first_token)],
      ["Each token", both(seconds, guess.tpot, actual.per_token)],
      ["Chance to be late", guess.late === undefined ? null : percent(guess.late)],
      ["Prompt tokens", both(count, decision.prompt_tokens, actual.prompt_tokens)],
      ["In all", both(seconds, null, actual.duration)],
      ["Cost", both(dollars, guess.cost_usd, recent.cost)],
      [
        "Answered by",
        actual.deployment && chosen && actual.deployment !== chosen.deployment
          ? `${actual.deployment} instead, attempt ${actual.attempts}`
          : actual.deployment,
      ],
    ]),
  );
}
