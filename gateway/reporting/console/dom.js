// Elements. Rule: what comes from outside becomes text, never markup; the page is changed in place, so focus stays.

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = new Set(["svg", "path", "line", "rect", "circle", "g"]);

/** An element with attributes (`style` is an object, `on…` a listener) and children; false and null are left out. */
export function h(name, attributes = {}, ...children) {
  const made = DRAWN.has(name) ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key === "style") for (const [property, of] of Object.entries(value)) made.style.setProperty(property, of);
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter(child => child !== null && child !== false && child !== undefined));
  return made;
}

/** Make `old` look like `fresh`, with as few changes as that takes. */
export function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) return void old.replaceWith(fresh);
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes])
    if (!fresh.hasAttribute(name) && name !== "style") old.removeAttribute(name);
  for (const { name, value } of fresh.attributes)
    if (name !== "style" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  if (old.style.cssText !== fresh.style.cssText) old.style.cssText = fresh.style.cssText;
  const [had, has] = [[...old.childNodes], [...fresh.childNodes]];
  has.forEach((child, at) => (at < had.length ? morph(had[at], child) : old.append(child)));
  had.slice(has.length).forEach(child => child.remove());
}

/** Replace what `parent` holds. */
export function fill(parent, ...children) {
  const fresh = parent.cloneNode(false);
  fresh.append(...children.flat(Infinity).filter(Boolean));
  morph(parent, fresh);
}

/** A table that stays one for screen readers where narrow windows show its rows as cards. A column is
    [title, class]; a row is [attributes, cells]. */
export function table(caption, columns, rows) {
  const head = columns.map(([title, kind]) => h("th", { role: "columnheader", scope: "col", class: kind }, title));
  const body = rows.map(([attributes, cells]) =>
    h(
      "tr",
      { role: "row", ...attributes },
      cells.map((cell, at) =>
        h(
          at ? "td" : "th",
          {
            role: at ? "cell" : "rowheader",
            scope: at ? null : "row",
            class: columns[at][1],
            "data-label": columns[at][0],
          },
          cell,
        ),
      ),
    ),
  );
  return h(
    "table",
    { role: "table" },
    h("caption", { class: "unseen" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, head)),
    h("tbody", { role: "rowgroup" }, body),
  );
}

/** What scrolls sideways where it does not fit, by keyboard too. */
export const scroller = made =>
  h(
    "div",
    { class: "scroll", role: "region", tabindex: 0, "aria-label": made.querySelector("caption").textContent },
    made,
  );

let said = "";
/** Tell a screen reader, when it has nothing better to say. */
export function announce(text) {
  if (text && text !== said) document.getElementById("announce").textContent = text;
  said = text;
}
