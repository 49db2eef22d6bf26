// Line charts as SVG, with a readout under the pointer and the same figures as a table.

const CHART = { width: 560, height: 300, left: 52, right: 14, top: 12, bottom: 44 };
const NUM_COLOURS = 8;

/** Round numbers that divide a range into about `count` parts. */
function ticks(from, to, count) {
  const rough = (to - from) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const all = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + 1e-9 * step; i++) {
    all.push(i * step);
  }
  return all;
}

function extent(values) {
  let [least, greatest] = [Infinity, -Infinity];
  for (const value of values) {
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
  }
  if (least > greatest) {
    return [0, 1];
  }
  return greatest > least ? [least, greatest] : [least - 0.5, greatest + 0.5];
}

/** The class of the colour and dashes of a series. */
function look(index) {
  return `s${index % NUM_COLOURS}${index >= NUM_COLOURS ? " dashed" : ""}`;
}

function axes(chart, x, y) {
  const { width, height, left, right, top, bottom } = CHART;
  const group = svgElement("g", { class: "axes" });
  for (const value of ticks(...chart.x, 6)) {
    group.append(
      svgElement("line", { x1: x(value), x2: x(value), y1: top, y2: height - bottom }),
      svgElement("text", { x: x(value), y: height - bottom + 16, "text-anchor": "middle" }, chart.formatX(value)));
  }
  for (const value of ticks(...chart.y, 5)) {
    group.append(
      svgElement("line", { x1: left, x2: width - right, y1: y(value), y2: y(value) }),
      svgElement("text", { x: left - 7, y: y(value) + 4, "text-anchor": "end" }, chart.formatY(value)));
  }
  group.append(
    svgElement("text", { x: (left + width - right) / 2, y: height - 8, "text-anchor": "middle" }, chart.xLabel),
    svgElement("text", {
      x: 14, y: (top + height - bottom) / 2, "text-anchor": "middle",
      transform: `rotate(-90 14 ${(top + height - bottom) / 2})`,
    }, chart.yLabel));
  return group;
}

function pathOf(points, x, y) {
  return points.map(([px, py], at) => `${at ? "L" : "M"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`).join("");
}

function drawSeries(one, x, y) {
  const group = svgElement("g", { class: `series ${one.look}` });
  if (one.faint) {
    group.append(svgElement("path", { class: "faint", d: pathOf(one.faint, x, y) }));
  }
  group.append(svgElement("path", { d: pathOf(one.points, x, y) }));
  if (one.points.length <= 20 && !one.isPlain) {
    group.append(...one.points.map(([px, py]) => svgElement("circle", { cx: x(px), cy: y(py), r: 3.5 })));
  }
  return group;
}

/** The point of a series that is nearest to a value of x; points are sorted. */
function nearest(points, value) {
  let [low, high] = [0, points.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    [low, high] = points[middle][0] < value ? [middle, high] : [low, middle];
  }
  return Math.abs(points[low][0] - value) <= Math.abs(points[high][0] - value) ? points[low] : points[high];
}

/** The values of all series at the pointer, in words. */
function readout(chart, svg, x) {
  const line = svgElement("line", { class: "cursor", y1: CHART.top, y2: CHART.height - CHART.bottom });
  const text = element("p", { class: "readout", "aria-hidden": "true" }, "\u00a0");
  svg.append(line);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const at = (event.clientX - box.left) / box.width * CHART.width;
    const inner = (at - CHART.left) / (CHART.width - CHART.left - CHART.right);
    const value = chart.x[0] + inner * (chart.x[1] - chart.x[0]);
    const found = chart.series.filter(({ points }) => points.length > 0).slice(0, 6);
    if (found.length === 0) {
      return;
    }
    const first = nearest(found[0].points, value);
    line.setAttribute("x1", x(first[0]));
    line.setAttribute("x2", x(first[0]));
    line.classList.add("visible");
    text.replaceChildren(`${chart.formatX(first[0])}: `, ...found.flatMap((one, at) =>
      [at ? ", " : "", name(one.name), ` ${chart.formatY(nearest(one.points, first[0])[1])}`]));
  });
  svg.addEventListener("pointerleave", () => line.classList.remove("visible"));
  return text;
}

function seriesTable(chart) {
  const rows = chart.series.flatMap((one) => {
    const step = Math.max(1, Math.ceil(one.points.length / 25));
    return one.points
      .filter((_, at) => at % step === 0 || at === one.points.length - 1)
      .map(([px, py]) => [name(one.name), chart.formatX(px), chart.formatY(py)]);
  });
  return tableOf(`${chart.title}, at most 26 points of each curve`, ["curve", chart.xLabel, chart.yLabel], rows);
}

/**
 * A figure with lines. `chart` has title, xLabel, yLabel, series (name, points, faint, isPlain) and, at will, x and y (ranges),
 * formatX, formatY, diagonal and, within a series, colour (its position among the colours).
 */
function lineChart(given) {
  const chart = { formatX: short, formatY: short, ...given };
  chart.series = chart.series.map((one, at) => ({ ...one, look: look(one.colour ?? at) }));
  const all = chart.series.flatMap(({ points }) => points);
  chart.x ??= extent(all.map(([px]) => px));
  chart.y ??= extent(all.map(([, py]) => py));
  const { width, height, left, right, top, bottom } = CHART;
  const x = (value) => left + (value - chart.x[0]) / (chart.x[1] - chart.x[0]) * (width - left - right);
  const y = (value) => height - bottom - (value - chart.y[0]) / (chart.y[1] - chart.y[0]) * (height - top - bottom);
  const svg = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": chart.title },
    axes(chart, x, y));
  if (chart.diagonal) {
    svg.append(svgElement("line", {
      class: "diagonal", x1: x(chart.x[0]), y1: y(chart.y[0]), x2: x(chart.x[1]), y2: y(chart.y[1]),
    }));
  }
  svg.append(...chart.series.map((one) => drawSeries(one, x, y)));
  if (all.length === 0) {
    svg.append(svgElement("text", { class: "empty", x: width / 2, y: height / 2, "text-anchor": "middle" }, "no values"));
  }
  const legend = element("ul", { class: "legend" }, ...chart.series.map((one) =>
    element("li", {}, element("span", { class: `swatch ${one.look}` }), name(one.name))));
  return element("figure", { class: "chart" },
    element("figcaption", {}, chart.title), svg, readout(chart, svg, x), legend,
    unfolding("As a table", () => seriesTable(chart)));
}
