// The policy. Rule: the configuration as the router holds it, secrets masked, each policy taken apart.

import { h } from "./dom.js";
import { ask } from "./stream.js";

export async function drawPolicy(root) {
  if (!root.childElementCount) root.append(h("p", { class: "empty" }, "Loading the configuration …"));
  try {
    const told = await ask("api/config");
    root.replaceChildren(
      h("h2", {}, "Models"),
      h(
        "div",
        { class: "cards" },
        Object.entries(told.models).map(([name, model]) => card(name, model, told.policies[model.policy])),
      ),
      h("h2", {}, "Routes"),
      routes(told.routes),
      h("h2", {}, "Policies"),
      h(
        "div",
        { class: "cards" },
        Object.entries(told.policies).map(([name, parts]) => policy(name, parts)),
      ),
      h("h2", {}, "Complete configuration"),
      h(
        "p",
        { class: "note" },
        "Defaults filled in, secrets masked; a reload shows here when you come back to this page.",
      ),
      h(
        "pre",
        { class: "yaml", tabindex: 0, role: "region", "aria-label": "Complete configuration" },
        highlighted(told.yaml),
      ),
    );
  } catch (error) {
    root.replaceChildren(
      h(
        "p",
        { class: "empty" },
        error.status === 401
          ? "Sign in to see the configuration."
          : `Cannot load the configuration: ${error.message}.`,
      ),
    );
  }
}

const chip = (text, title) => h("span", { class: "chip", title }, text);
const arrow = () => h("span", { class: "arrow", "aria-hidden": "true" }, "→");
const words = kind => String(kind).replaceAll("_", " ");

function card(name, model, parts) {
  const tiers = model.deployments.map(tier => [tier].flat());
  const across = parts?.across_tiers;
  const rows = [
    ["Fallbacks", model.fallbacks],
    ["Too long", model.context_window_fallbacks],
    ["Filtered", model.content_policy_fallbacks],
    ["Aliases", model.aliases],
  ].filter(([, names]) => names?.length);
  return h(
    "section",
    { class: "card" },
    h("h3", {}, name, " ", h("small", {}, `policy ${model.policy}${across ? ", ranks across tiers" : ""}`)),
    h(
      "ol",
      { class: "tiers", "aria-label": "Tiers, tried in order" },
      tiers.map(tier =>
        h(
          "li",
          {},
          tier.map(each => chip(each)),
        ),
      ),
    ),
    rows.length
      ? h(
          "dl",
          { class: "facts" },
          rows.map(([title, names]) => h("div", {}, h("dt", {}, title), h("dd", {}, names.join(", ")))),
        )
      : null,
  );
}

const settings = part =>
  Object.entries(part)
    .filter(([key, value]) => !["kind", "weight"].includes(key) && value !== null)
    .map(([key, value]) =>
      typeof value === "object" && !Array.isArray(value)
        ? `${words(key)}: ${settings(value)}`
        : `${words(key)} ${value}`,
    )
    .join(", ");

function part(each, weight) {
  const more = settings(each);
  return h(
    "li",
    {},
    h("b", {}, words(each.kind)),
    weight === undefined ? null : h("small", {}, ` × ${weight}`),
    more && h("small", {}, ` ${more}`),
  );
}

function policy(name, parts) {
  const steps = [
    ["Filter", parts.filters ?? []],
    ["Score", parts.scorers ?? []],
  ];
  return h(
    "section",
    { class: "card" },
    h("h3", {}, name, parts.kind && parts.kind !== name ? h("small", {}, ` ${words(parts.kind)}`) : null),
    h(
      "ol",
      { class: "steps", "aria-label": "Steps of the policy, in order" },
      h("li", {}, h("h4", {}, "Filter"), list(parts.filters, "none")),
      parts.sample
        ? h(
            "li",
            {},
            h("h4", {}, "Sample"),
            h("p", {}, `at most ${parts.sample}${parts.stratified ? ", proportionally by deployment" : ""}`),
          )
        : null,
      h("li", {}, h("h4", {}, "Score"), list(parts.scorers, "nothing", true)),
      h(
        "li",
        {},
        h("h4", {}, "Pick"),
        h(
          "p",
          {},
          h("b", {}, words(parts.pick?.kind ?? "best")),
          parts.pick && settings(parts.pick) ? h("small", {}, ` ${settings(parts.pick)}`) : null,
        ),
      ),
    ),
  );
}

const list = (parts, none, weighted = false) =>
  parts?.length
    ? h(
        "ul",
        {},
        parts.map(each => part(each, weighted ? (each.weight ?? 1) : undefined)),
      )
    : h("p", {}, none);

function routes(told) {
  if (!told?.length) return h("p", { class: "note" }, "None: each request goes to the model that it names.");
  return h(
    "ol",
    { class: "routes" },
    told.map(({ name, match, to, split, mirror }) =>
      h(
        "li",
        {},
        h("b", {}, name ?? "route"),
        " ",
        chip(settings(match ?? {}) || "everything", "what it matches"),
        to || split ? [arrow(), chip(settings(to ?? split), to ? "where it goes" : "how it is split")] : null,
        mirror ? [" and a copy", arrow(), chip(settings(mirror), "mirrored")] : null,
      ),
    ),
  );
}

/** YAML with its keys marked. */
function highlighted(yaml) {
  return yaml.split("\n").map(line => {
    const found = /^(\s*(?:- )?)([^\s:#][^:]*)(:)(.*)$/.exec(line);
    return found ? [found[1], h("b", {}, found[2]), `${found[3]}${found[4]}\n`] : `${line}\n`;
  });
}
