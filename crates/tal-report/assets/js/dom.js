// Elements and words. Everything from the data becomes a text node or an attribute, never markup.

const SVG = "http://www.w3.org/2000/svg";

function filledElement(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) {
      continue;
    }
    if (typeof value === "function") {
      node.addEventListener(name, value);
    } else {
      node.setAttribute(name, value === true ? "" : value);
    }
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** An element; functions among the attributes listen to the event of that name. */
function element(tag, attributes = {}, ...children) {
  return filledElement(document.createElement(tag), attributes, children);
}

function svgElement(tag, attributes = {}, ...children) {
  return filledElement(document.createElementNS(SVG, tag), attributes, children);
}

/** Text from the data, whose direction of writing does not reach beyond it. */
function name(text) {
  return element("bdi", {}, text);
}

/** A section of the page with a heading. */
function section(id, heading, ...children) {
  return element("section", { id, "aria-labelledby": `${id}-heading` },
    element("h2", { id: `${id}-heading` }, heading), ...children);
}

/** A table from rows of cells; the first cell of a row is its heading. Cells are texts or nodes. */
function tableOf(caption, head, rows, className = "") {
  const cell = (tag, content, scope) => element(tag, { scope }, content);
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    element("table", { class: className },
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, ...head.map((text) => cell("th", text, "col")))),
      element("tbody", {}, ...rows.map(([first, ...others]) =>
        element("tr", {}, cell("th", first, "row"), ...others.map((text) => cell("td", text)))))));
}

/** A list of choices; `change` gets the position of the chosen one. */
function choice(label, options, chosen, change) {
  const select = element("select", { change: () => change(select.selectedIndex) },
    ...options.map((text, at) => element("option", { value: at, selected: at === chosen }, text)));
  return element("label", { class: "field" }, element("span", {}, label), select);
}

/** A part that is made when it is opened for the first time. */
function unfolding(label, make) {
  let isMade = false;
  const details = element("details", {
    toggle: () => {
      if (details.open && !isMade) {
        isMade = true;
        details.append(make());
      }
    },
  }, element("summary", {}, label));
  return details;
}

function percent(value, decimals = 2) {
  return value === null || value === undefined ? "–" : (100 * value).toFixed(decimals);
}

/** A number with about three digits that count. */
function short(value) {
  if (value === 0) {
    return "0";
  }
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) {
    return value.toExponential(1);
  }
  return String(Number(value.toPrecision(3)));
}

/** Seconds as minutes and seconds, with `decimals` of the second. */
function clock(seconds, decimals = 2) {
  const sign = seconds < 0 ? "−" : "";
  const rounded = Math.abs(seconds).toFixed(decimals);
  const minutes = Math.floor(rounded / 60);
  const rest = (rounded - 60 * minutes).toFixed(decimals);
  return `${sign}${minutes}:${rest.padStart(decimals ? decimals + 3 : 2, "0")}`;
}

function plural(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
