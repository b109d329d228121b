// The stream. Rule: one connection that finds its way back; the token travels in a header, never in a URL.

const SILENCE = 6000; // ms without an event (one comes each second) after which the connection counts as lost
const LONGEST = 8000; // ms between attempts

export class Refused extends Error {
  constructor(status) {
    super(`the gateway answered ${status}`);
    this.status = status;
  }
}

/** What keeps the token: this tab's session, and nothing beyond it. */
export const token = {
  get: () => sessionStorage.getItem("cloverleaf-token"),
  set: value => sessionStorage.setItem("cloverleaf-token", value),
  forget: () => sessionStorage.removeItem("cloverleaf-token"),
};

const headers = () => (token.get() ? { authorization: `Bearer ${token.get()}` } : {});

export async function ask(path) {
  const reply = await fetch(path, { headers: headers(), cache: "no-store" });
  if (!reply.ok) throw new Refused(reply.status);
  return reply.json();
}

/** Calls `on.event(name, data)` for each event, `on.lost(ms)` before a pause, `on.refused(status)` where a token is wanted. */
export function follow(on) {
  let stop = null,
    timer = null,
    failures = 0;

  async function run() {
    stop = new AbortController();
    let watchdog = null;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => stop.abort(), SILENCE);
    };
    const mine = stop;
    try {
      alive();
      const reply = await fetch("api/events", { headers: headers(), cache: "no-store", signal: mine.signal });
      if (!reply.ok) throw new Refused(reply.status);
      for await (const [name, data] of events(reply.body)) {
        alive();
        failures = 0;
        on.event(name, data);
      }
      throw new Error("the gateway ended the stream");
    } catch (error) {
      clearTimeout(watchdog);
      if (mine.left) return;
      if (error.status === 401) return on.refused(401);
      const pause = Math.min(LONGEST, 500 * 2 ** failures++) * (0.8 + 0.4 * Math.random());
      on.lost(
        pause,
        error.status === 503
          ? "too many consoles are open"
          : error.status
            ? error.message
            : "the gateway does not answer",
      );
      timer = setTimeout(run, pause);
    }
  }

  function leave() {
    clearTimeout(timer);
    if (stop) {
      stop.left = true;
      stop.abort();
    }
  }

  function begin() {
    leave();
    failures = 0;
    run();
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : begin())); // an unseen tab costs nothing
  return { begin, leave };
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    for (let cut; (cut = rest.indexOf("\n\n")) >= 0; rest = rest.slice(cut + 2)) {
      const lines = rest.slice(0, cut).split("\n");
      const find = field => lines.find(line => line.startsWith(`${field}: `))?.slice(field.length + 2);
      if (find("data")) yield [find("event"), JSON.parse(find("data"))];
    }
  }
}
