// Alerts. Rule: the gateway decides what is one; here they are only shown, the worst first, and told once.

import { announce, fill, h } from "./dom.js";
import { duration } from "./format.js";

const MARKS = { critical: "✖", warning: "▲", notice: "●" };

export function drawAlerts(root, alerts) {
  document.title = alerts.length ? `(${alerts.length}) Cloverleaf` : "Cloverleaf";
  fill(
    root,
    alerts.length
      ? h(
          "ul",
          {},
          alerts.map(alert =>
            h(
              "li",
              { class: alert.severity },
              h("span", { class: "mark", "aria-hidden": "true" }, MARKS[alert.severity]),
              h("span", { class: "unseen" }, `${alert.severity}: `),
              h("b", {}, alert.about),
              " ",
              h("span", {}, alert.message),
              h("small", {}, alert.since >= 1 ? duration(alert.since) : "now"),
            ),
          ),
        )
      : null,
  );
  if (alerts.length || root.dataset.told)
    announce(
      alerts.map(({ about, kind }) => `Alert: ${about} ${kind.replaceAll("_", " ")}.`).join(" ") || "No alerts.",
    );
  root.dataset.told = alerts.length ? "some" : "";
}
