// The overview. Rule: what is going on now, from the whole to the single endpoint; every figure is the report's own.

import { bar, chart, spark } from "./chart.js";
import { fill, h, scroller, table } from "./dom.js";
import { count, dollars, duration, number, percent, seconds, UNKNOWN } from "./format.js";

const COLORS = 8;
export const colors = report => new Map(report.deployments.map(({ name }, at) => [name, (at % COLORS) + 1]));
export const swatch = color =>
  h("i", { class: "swatch", style: { "--key": `var(--c${color})` }, "aria-hidden": "true" });

export function drawOverview(root, { report, points, requests }) {
  const idle = !report.now.requests && !requests.length;
  fill(
    root,
    h("h2", { class: "unseen" }, "Overview"),
    idle ? first(report) : tiles(report, points),
    idle ? null : h("div", { class: "charts" }, charts(report, points)),
    h(
      "section",
      { "aria-labelledby": "deployments-title" },
      h("h2", { id: "deployments-title" }, "Deployments ", h("small", {}, `last ${duration(report.now.seconds)}`)),
      deployments(report),
    ),
    h(
      "section",
      { "aria-labelledby": "endpoints-title" },
      h("h2", { id: "endpoints-title" }, "Endpoints ", h("small", {}, "now")),
      endpoints(report),
    ),
  );
}

function first(report) {
  const model = Object.keys(report.models).find(name => name !== "*") ?? "MODEL";
  const url = report.url || "http://127.0.0.1:8080";
  const body = `{"model": "${model}", "messages": [{"role": "user", "content": "Hello"}]}`;
  return h(
    "section",
    { class: "first", "aria-labelledby": "first-title" },
    h("h2", { id: "first-title" }, "Nothing was asked yet"),
    h(
      "p",
      {},
      "Point any OpenAI client at ",
      h("code", {}, `${url}/v1`),
      ", or try it from a terminal of this machine:",
    ),
    h(
      "pre",
      { tabindex: 0, "aria-label": "A first request" },
      `curl ${url}/v1/chat/completions -H 'content-type: application/json' \\\n  ${report.keys ? '-H "authorization: Bearer $CLOVERLEAF_KEY" ' : ""}-d '${body}'`,
    ),
    h("p", {}, "It shows up here within a second."),
  );
}

function tiles({ now, active, waiting }, points) {
  const { total, money } = now,
    last = points.at(-1)?.time ?? 0;
  const line = (pick, color) =>
    spark(
      points.map(point => [point.time, pick(point)]),
      last,
      color,
    );
  const sum = ({ requests }) => Object.values(requests).reduce((all, each) => all + each, 0);
  const latency = (title, name, color) => {
    const seen = total[name];
    const tail = seen ? `p95 ${seconds(seen.p95)} · p99 ${seconds(seen.p99)}` : "no streams yet";
    return tile(title, seconds(seen?.p50), "median", tail, line(point => point[name]?.[0], color));
  };
  const cost = money.own + money.cloud;
  return h(
    "div",
    { class: "tiles" },
    tile(
      "Requests",
      number(total.requests),
      "per second",
      `${count(active)} in flight · ${count(waiting)} waiting`,
      line(sum, 1),
    ),
    tile(
      "Failed",
      percent(total.failed),
      "of requests",
      `${count(now.requests)} in the last ${duration(now.seconds)}`,
      null,
      total.failing ? "bad" : "",
    ),
    latency("First token", "first_token", 2),
    latency("Each token", "per_token", 4),
    tile(
      "Tokens",
      number(total.completion),
      "out per second",
      `${number(total.prompt)} in per second`,
      line(point => point.tokens, 5),
    ),
    tile(
      "Cost",
      money.unknown.length && !cost ? UNKNOWN : dollars(cost),
      "per hour",
      against(cost, money),
      line(point => point.cost, 3),
    ),
  );
}

function against(cost, { all_cloud, unknown }) {
  if (unknown.length) return `all-cloud ${dollars(all_cloud)} · ${unknown.join(", ")} not counted`;
  if (all_cloud === null) return "no cloud price to compare";
  if (!all_cloud || !cost) return `all-cloud ${dollars(all_cloud)}`;
  const times = cost / all_cloud;
  return `all-cloud ${dollars(all_cloud)} · ${times <= 1 ? `${percent(1 - times)} saved` : `${number(times)} × that`}`;
}

const tile = (title, value, unit, sub, picture, kind = "") =>
  h(
    "section",
    { class: `tile ${kind}` },
    h("h3", {}, title),
    h("p", { class: "big" }, value, " ", h("small", {}, unit)),
    h("p", { class: "sub" }, sub),
    picture,
  );

function charts(report, points) {
  const now = report.time,
    by = colors(report);
  const series = (name, pick, color, dashed = false) => ({
    name,
    color,
    dashed,
    values: points.map(point => [point.time, pick(point)]),
  });
  const names = report.deployments.map(({ name }) => name);
  const shown = names.length > COLORS ? names.slice(0, COLORS - 1) : names;
  const traffic = shown.map(name => series(name, point => point.requests[name] ?? 0, by.get(name)));
  if (shown.length < names.length) {
    const others = names.slice(shown.length);
    traffic.push(series("others", point => others.reduce((all, name) => all + (point.requests[name] ?? 0), 0), COLORS));
  }
  const { unknown, unpriced } = report.now.money;
  const notes = [
    unknown.length && `Not counted: ${unknown.join(", ")} (no cost.per_hour, no price).`,
    unpriced.length && `No cloud price is known for ${unpriced.join(", ")}.`,
  ];
  return [
    chart({ title: "Requests per second", series: traffic, now, form: number, stacked: true }),
    chart({
      title: "Time to first token",
      now,
      form: seconds,
      series: [
        series("median", point => point.first_token?.[0], 2),
        series("p95", point => point.first_token?.[1], 2, true),
      ],
    }),
    chart({
      title: "Cost per hour",
      now,
      form: dollars,
      note: notes.filter(Boolean).join(" "),
      series: [series("here", point => point.cost, 3), series("all-cloud", point => point.all_cloud, 8, true)],
    }),
  ];
}

const pair = quantiles =>
  quantiles ? [seconds(quantiles.p50), h("small", {}, ` ${seconds(quantiles.p95)}`)] : UNKNOWN;

function deployments(report) {
  const by = colors(report);
  const columns = [
    ["Deployment", ""],
    ["Share", "wide"],
    ["Requests/s", "n"],
    ["Failed", "n"],
    ["First token p50, p95", "n"],
    ["Each token p50, p95", "n"],
    ["Tokens/s", "n"],
    ["USD/h", "n"],
  ];
  const rows = report.deployments.map(({ name, provider, model, own }) => {
    const flow = report.now.flows[name];
    return [
      {},
      [
        [swatch(by.get(name)), h("b", {}, name), h("small", {}, ` ${own ? "own" : "cloud"} · ${provider} · ${model}`)],
        bar(flow.share, percent(flow.share), by.get(name)),
        number(flow.requests),
        h("span", { class: flow.failing ? "bad" : "" }, percent(flow.failed)),
        pair(flow.first_token),
        pair(flow.per_token),
        number(flow.completion),
        dollars(flow.cost),
      ],
    ];
  });
  return scroller(table("Traffic by deployment", columns, rows));
}

function endpoints(report) {
  const by = colors(report);
  const columns = [
    ["Endpoint", ""],
    ["State", ""],
    ["In flight", "n"],
    ["Running", "n"],
    ["Waiting", "n"],
    ["KV cache used", "wide"],
    ["Prefix hits", "n"],
    ["Breaker", ""],
  ];
  const rows = report.deployments.flatMap(deployment =>
    deployment.endpoints.map(endpoint => {
      const hits = endpoint.prefix_queries ? endpoint.prefix_hits / endpoint.prefix_queries : null;
      const breakers = Object.entries(endpoint.breakers);
      return [
        { class: endpoint.severity === "critical" ? "out" : null },
        [
          [swatch(by.get(deployment.name)), h("b", {}, deployment.name), " ", h("code", {}, endpoint.url)],
          h("span", { class: `sign ${endpoint.severity}` }, endpoint.condition),
          count(endpoint.in_flight),
          count(endpoint.running),
          count(endpoint.waiting),
          endpoint.kv_usage === null
            ? UNKNOWN
            : bar(endpoint.kv_usage, percent(endpoint.kv_usage), by.get(deployment.name)),
          percent(hits),
          breakers.length
            ? breakers.map(([family, state]) => `${family} ${state.replace("_", "-")}`).join(", ")
            : "closed",
        ],
      ];
    }),
  );
  return scroller(table("Load and state by endpoint", columns, rows));
}
