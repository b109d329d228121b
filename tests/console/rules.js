// What a page must keep to, by the letter of WCAG 2.2 AA as far as a program can tell. Returns the faults, in words.
() => {
  const faults = [];
  const visible = element =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && element.getClientRects().length > 0;
  const name = element => {
    const by = (element.getAttribute("aria-labelledby") || "")
      .split(/\s+/)
      .filter(Boolean)
      .map(id => document.getElementById(id)?.textContent ?? "")
      .join(" ");
    const label = element.labels?.length ? [...element.labels].map(each => each.textContent).join(" ") : "";
    return (
      by ||
      element.getAttribute("aria-label") ||
      label ||
      element.getAttribute("alt") ||
      element.textContent ||
      ""
    ).trim();
  };
  const tell = (element, fault) =>
    faults.push(
      `${element.tagName.toLowerCase()}${element.id ? `#${element.id}` : ""}.${element.getAttribute("class") ?? ""}: ${fault}: ${element.textContent.trim().slice(0, 40)}`,
    );

  // Names, roles, references
  for (const each of document.querySelectorAll(
    "button, a, input, dialog[open], [role=tabpanel], [role=region], [role=img], [role=tablist], section[aria-labelledby], nav",
  ))
    if (visible(each) && !name(each)) tell(each, "has no name");
  for (const each of document.querySelectorAll("input"))
    if (visible(each) && !each.labels.length) tell(each, "has no label");
  for (const each of document.querySelectorAll("img")) if (!each.hasAttribute("alt")) tell(each, "has no alt");
  for (const each of document.querySelectorAll("svg"))
    if (each.getAttribute("aria-hidden") !== "true" && !each.closest("[role=img]"))
      tell(each, "is neither hidden nor named");
  for (const attribute of ["aria-labelledby", "aria-controls", "aria-describedby"])
    for (const each of document.querySelectorAll(`[${attribute}]`))
      for (const id of each.getAttribute(attribute).split(/\s+/))
        if (!document.getElementById(id)) tell(each, `${attribute} names nothing: ${id}`);
  const ids = [...document.querySelectorAll("[id]")].map(each => each.id);
  ids.filter((id, at) => ids.indexOf(id) !== at).forEach(id => faults.push(`two elements are #${id}`));

  // Structure
  if (!document.documentElement.lang) faults.push("the page has no language");
  if (!document.title) faults.push("the page has no title");
  for (const landmark of ["header", "main"])
    if (document.querySelectorAll(landmark).length !== 1) faults.push(`not one ${landmark}`);
  let level = 0;
  for (const each of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    if (!visible(each) || each.closest("dialog")) continue;
    const next = Number(each.tagName[1]);
    if (next > level + 1) tell(each, `a heading of level ${next} follows one of level ${level}`);
    level = next;
  }
  for (const table of document.querySelectorAll("table")) {
    if (!table.querySelector("caption")) tell(table, "has no caption");
    for (const each of table.querySelectorAll("th")) if (!each.hasAttribute("scope")) tell(each, "has no scope");
    const wide = table.querySelectorAll("thead th").length;
    for (const row of table.querySelectorAll("tbody tr"))
      if (row.children.length !== wide) tell(row, "has another width than the head");
    for (const [selector, role] of [
      ["table", "table"],
      ["tr", "row"],
      ["td", "cell"],
    ])
      for (const each of [table, ...table.querySelectorAll(selector)])
        if (each.matches(selector) && each.getAttribute("role") !== role)
          tell(each, `is not a ${role} where tables are cards`);
  }
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const panel = document.getElementById(tab.getAttribute("aria-controls"));
    const chosen = tab.getAttribute("aria-selected") === "true";
    if (panel?.getAttribute("role") !== "tabpanel") tell(tab, "controls no panel");
    if (panel && panel.hidden === chosen) tell(tab, "says another panel is shown than is");
    if (tab.tabIndex !== (chosen ? 0 : -1)) tell(tab, "is in the wrong place of the order");
  }
  for (const live of document.querySelectorAll("[aria-live]"))
    if (live.getAttribute("aria-live") !== "polite") tell(live, "interrupts");
  for (const each of document.querySelectorAll("[tabindex]")) if (each.tabIndex > 0) tell(each, "jumps the order");

  // What can be touched is large enough (24 by 24, or at least that far from others: here, of that height)
  for (const each of document.querySelectorAll("button, input[type=search], input[type=password]"))
    if (visible(each) && each.getBoundingClientRect().height < 24)
      tell(each, `is ${each.getBoundingClientRect().height} px high`);

  // What scrolls can be reached
  for (const each of document.querySelectorAll("pre, .scroll"))
    if (
      visible(each) &&
      (each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 1) &&
      getComputedStyle(each).overflow !== "visible" &&
      each.tabIndex < 0 &&
      !each.querySelector("button")
    )
      tell(each, "scrolls, but not by keyboard");

  // Contrast
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = color => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, bottom) => top.slice(0, 3).map((part, at) => part * top[3] + bottom[at] * (1 - top[3]));
  const light = rgb =>
    rgb
      .map(part => part / 255)
      .map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
      .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = element => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      const color = rgba(getComputedStyle(each).backgroundColor);
      if (color[3] > 0) layers.push(color);
      if (color[3] === 1) break;
      if (each.matches?.("dialog")) break;
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !visible(element) || element.closest(".unseen, script, noscript, svg"))
      continue;
    if (document.querySelector("dialog[open]") && !element.closest("dialog")) continue;
    const style = getComputedStyle(element),
      ground = behind(element);
    const [a, b] = [light(over(rgba(style.color), ground)), light(ground)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize),
      large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) tell(element, `contrast ${ratio.toFixed(2)}`);
  }
  for (const each of document.querySelectorAll(".trace, .swatch")) {
    if (!visible(each)) continue;
    const style = getComputedStyle(each),
      ground = behind(each.parentElement);
    const [a, b] = [
      light(over(rgba(each.matches(".trace") ? style.stroke : style.backgroundColor), ground)),
      light(ground),
    ];
    if ((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 3) tell(each, "a line's contrast is below 3");
  }
  return faults;
};
