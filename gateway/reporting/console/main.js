// The console. Rule: it shows what the gateway says and asks for nothing else; it decides nothing.

import { drawAlerts } from "./alerts.js";
import { openRequest } from "./decision.js";
import { announce } from "./dom.js";
import { SPAN } from "./chart.js";
import { clock, duration } from "./format.js";
import { drawOverview } from "./overview.js";
import { drawPolicy } from "./policy.js";
import { requestsView } from "./requests.js";
import { ask, follow, token } from "./stream.js";

const $ = id => document.getElementById(id);
const seen = { report: null, points: [], requests: [] };
let asked = false; // a frame is already wanted

// What the stream brings

const requests = requestsView($("requests"), openRequest);
const stream = follow({
  event(name, { report, points, requests: fresh }) {
    if (name === "hello") {
      if (seen.report && report.time - report.uptime > seen.report.time) requests.forget(); // another gateway
      seen.points = [];
    }
    seen.report = report;
    seen.points = [...seen.points, ...points].filter(({ time }) => time > report.time - SPAN);
    seen.requests = fresh.length ? fresh : seen.requests;
    requests.add(fresh, report);
    connected();
    if (!asked) requestAnimationFrame(draw);
    asked = true;
  },
  lost(pause, why) {
    const since = seen.report ? ` Figures are of ${clock(seen.report.time)}.` : "";
    $("cut").textContent =
      `Not connected: ${why}. Trying again${pause > 3000 ? ` in ${Math.round(pause / 1000)} s` : ""}.${since}`;
    $("cut").hidden = false;
    $("link").textContent = "not connected";
    document.body.classList.add("lost");
  },
  refused() {
    const again = token.get() !== null;
    token.forget();
    signIn(again);
  },
});

function connected() {
  $("cut").hidden = true;
  $("link").textContent = "live";
  $("leave").hidden = token.get() === null;
  document.body.classList.remove("lost");
}

function draw() {
  asked = false;
  const { report } = seen;
  $("state").textContent = report.ready
    ? `ready · ${report.version} · up ${duration(report.uptime)}`
    : `not ready: ${report.reason}`;
  $("state").classList.toggle("bad", !report.ready);
  drawAlerts($("alerts"), report.alerts);
  if (!$("overview").hidden) drawOverview($("overview"), seen);
}

// Signing in

function signIn(wrong) {
  $("sign-in-error").textContent = wrong ? "This is not the gateway's token." : "";
  if (!$("sign-in").open) $("sign-in").showModal();
  $("token").value = "";
  $("token").focus();
}

$("sign-in").addEventListener("cancel", event => event.preventDefault());
$("sign-in-form").addEventListener("submit", async event => {
  event.preventDefault();
  token.set($("token").value);
  try {
    await ask("api/status");
  } catch (error) {
    token.forget();
    if (error.status === 401) return signIn(true);
    $("sign-in-error").textContent = `Cannot reach the gateway: ${error.message}.`;
    return;
  }
  $("token").value = "";
  $("sign-in").close();
  announce("Signed in.");
  show(tabs.find(tab => tab.tabIndex === 0));
  stream.begin();
});
$("leave").addEventListener("click", () => {
  token.forget();
  location.reload();
});

// Views

const tabs = [...document.querySelectorAll('[role="tab"]')];

function show(tab, focus = false) {
  for (const each of tabs) {
    const chosen = each === tab;
    each.setAttribute("aria-selected", String(chosen));
    each.tabIndex = chosen ? 0 : -1;
    $(each.getAttribute("aria-controls")).hidden = !chosen;
  }
  history.replaceState(null, "", `#/${tab.getAttribute("aria-controls")}`); // no element's id: a browser would move the focus there
  if (focus) tab.focus();
  if (tab.id === "tab-policy" && !$("sign-in").open) drawPolicy($("policy"));
  if (seen.report) draw();
}

const named = () => tabs.find(tab => location.hash === `#/${tab.getAttribute("aria-controls")}`);
addEventListener("hashchange", () => named() && show(named()));

for (const tab of tabs) {
  tab.addEventListener("click", () => show(tab));
  tab.addEventListener("keydown", event => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -tabs.indexOf(tab), End: tabs.length - 1 - tabs.indexOf(tab) }[
      event.key
    ];
    if (step === undefined) return;
    event.preventDefault();
    show(tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length], true);
  });
}

// Light and dark

const THEMES = ["system", "light", "dark"];

function dress(theme) {
  document.documentElement.dataset.theme = theme;
  $("theme").textContent = `Theme: ${theme}`;
  localStorage.setItem("cloverleaf-theme", theme);
}

$("theme").addEventListener("click", () =>
  dress(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length]),
);

dress(THEMES.includes(localStorage.getItem("cloverleaf-theme")) ? localStorage.getItem("cloverleaf-theme") : "system");
show(named() ?? tabs[0]);
stream.begin();
