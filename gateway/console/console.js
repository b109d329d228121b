const cell = (row, text, cls) => { const td = row.insertCell(); td.textContent = text; if (cls) td.className = cls; };
const known = (x, f = v => v) => x === null ? "unknown" : f(x);
const percent = x => (100 * x).toFixed(1) + " %";
const HEAD = ["endpoint", "state", "in flight", "tokens in flight", "running", "waiting", "KV used", "prefix hits"];
function state(e) {
  if (!e.up) return ["down", "down"];
  const open = Object.entries(e.breakers).map(([family, s]) => `${family} ${s}`);
  if (open.length) return [open.join(", "), "down"];
  if (e.sleeping) return ["asleep", "down"];
  return e.cooling > 0 ? [`cooling ${e.cooling.toFixed(1)} s`, "down"] : ["up", "up"];
}
function draw(report) {
  document.getElementById("version").textContent = report.version;
  document.getElementById("summary").textContent =
    `${report.ready ? "Ready" : "Not ready: " + report.reason}; ${report.active} requests in flight; up ${Math.round(report.uptime)} s`;
  const root = document.getElementById("deployments");
  root.replaceChildren(...report.deployments.map(d => {
    const section = document.createElement("section"), title = document.createElement("h2");
    title.textContent = `${d.name} (${d.provider}, ${d.model})`;
    const scroll = document.createElement("div"), table = document.createElement("table");
    scroll.className = "scroll"; scroll.append(table);
    const head = table.createTHead().insertRow();
    HEAD.forEach(text => { const th = document.createElement("th"); th.scope = "col"; th.textContent = text; head.append(th); });
    const body = table.createTBody();
    d.endpoints.forEach(e => {
      const row = body.insertRow();
      cell(row, e.url); cell(row, ...state(e)); cell(row, e.in_flight); cell(row, e.in_flight_tokens);
      cell(row, known(e.running)); cell(row, known(e.waiting)); cell(row, known(e.kv_usage, percent));
      cell(row, e.prefix_queries ? percent(e.prefix_hits / e.prefix_queries) : "unknown");
    });
    section.append(title, scroll);
    return section;
  }));
}
let token = sessionStorage.getItem("token");
async function refresh() {
  try {
    const reply = await fetch("api/status", { headers: token ? { authorization: "Bearer " + token } : {} });
    if (reply.status === 401) { token = prompt("Admin token"); if (token) sessionStorage.setItem("token", token); }
    else draw(await reply.json());
  } catch (error) { document.getElementById("summary").textContent = "The gateway does not answer: " + error; }
  setTimeout(refresh, 2000);
}
refresh();
