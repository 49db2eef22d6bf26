// Summary: the data, mAP with its intervals, and AP per class.

function factList(facts) {
  return element("dl", { class: "facts" }, ...facts.map(([label, value]) =>
    element("div", {}, element("dt", {}, label), element("dd", {}, name(value)))));
}

function interval(found) {
  return found && element("span", { class: "interval" }, `${percent(found.low)} – ${percent(found.high)}`);
}

/** A figure in percent, and its interval below. */
function estimate(value, found) {
  return element("span", { class: "estimate" }, element("span", {}, percent(value)), interval(found));
}

function thresholdName(value) {
  return String(Number(value.toFixed(4)));
}

function mapTable(model) {
  const intervals = model.detectors.some(({ figures }) => figures.confidence);
  const level = model.detectors.find(({ figures }) => figures.confidence)?.figures.confidence.bootstrap.level;
  const caption = "mAP in percent, by tIoU threshold"
    + (intervals ? `; below it ${percent(level, 0)} % intervals over recordings` : "");
  const rows = model.detectors.map(({ name: detector, figures }) => [
    name(detector),
    estimate(figures.average_map, figures.confidence?.average_map),
    ...figures.map.map((value, at) => estimate(value, figures.confidence?.map[at])),
  ]);
  return tableOf(caption, ["detector", "average", ...model.thresholds.map(thresholdName)], rows, "numbers large");
}

const VERDICT_WORDS = {
  b_better: "is worse than",
  a_better: "is better than",
  undecided: "does not differ for certain from",
};

/** A sentence for each comparison with the first detector. */
function comparisons(model) {
  const sentences = model.detectors.filter(({ figures }) => figures.comparison).map((detector) => {
    const { verdict, average_map: average, bootstrap } = detector.figures.comparison;
    const { difference } = average;
    return element("p", {},
      name(detector.name), ` ${VERDICT_WORDS[verdict]} `, name(model.detectors[0].name),
      `: ${percent(-difference.estimate)} points of average mAP, ${percent(bootstrap.level, 0)} % interval `,
      `${percent(-difference.high)} to ${percent(-difference.low)}, p = ${short(average.p_value)}.`);
  });
  return sentences.length > 0 ? element("div", { class: "comparisons" }, ...sentences) : null;
}

/** A bar for a share from 0 to 1. */
function meter(value, series = 0) {
  const bar = element("span", { class: `meter-bar s${series % NUM_COLOURS}` });
  bar.style.width = `${Math.max(0, Math.min(1, value ?? 0)) * 100}%`;
  return element("span", { class: "meter" }, bar);
}

function classTable(model) {
  const truth = new Map();
  for (const { figures } of model.detectors) {
    for (const found of figures.classes) {
      truth.set(found.label, found.num_ground_truth);
    }
  }
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const rows = model.classes.filter(({ id }) => truth.has(id)).map(({ id, name: label }) => {
    const ap = model.detectors.map(({ figures }) => figures.classes.find((found) => found.label === id)?.ap);
    return { label, count: truth.get(id), ap, average: ap.map((values) => (values ? mean(values) : null)) };
  });
  const orders = {
    "class": (a, b) => a.label.localeCompare(b.label),
    "average AP, lowest first": (a, b) => (a.average[0] ?? 0) - (b.average[0] ?? 0),
    "average AP, highest first": (a, b) => (b.average[0] ?? 0) - (a.average[0] ?? 0),
    "annotations, most first": (a, b) => b.count - a.count,
  };
  const place = element("div");
  const draw = (order) => {
    rows.sort(Object.values(orders)[order]);
    const cells = ({ ap, average }) => model.detectors.flatMap((_, d) => [
      element("span", { class: "metered" }, percent(average[d]), meter(average[d], d)),
      percent(ap[d]?.[state.threshold]),
    ]);
    const at = thresholdName(model.thresholds[state.threshold]);
    const several = model.detectors.length > 1;
    const head = model.detectors.flatMap(({ name: detector }) => [
      element("span", {}, ...(several ? [name(detector), ", "] : []), "average"),
      element("span", {}, ...(several ? [name(detector), ", "] : []), `at ${at}`),
    ]);
    place.replaceChildren(tableOf("AP of each class in percent", ["class", "annotations", ...head],
      rows.map((row) => [name(row.label), String(row.count), ...cells(row)]), "numbers"));
  };
  let chosen = 0;
  draw(chosen);
  on("threshold", () => draw(chosen));
  return element("div", {},
    choice("Order", Object.keys(orders), chosen, (order) => {
      chosen = order;
      draw(order);
    }), place);
}

function summarySection(model) {
  return section("summary", "Summary",
    factList(model.facts),
    model.detectors.length > 0 ? mapTable(model) : element("p", { class: "empty" }, "No detector was measured."),
    comparisons(model),
    model.detectors.length > 0 ? unfolding("AP of each class", () => classTable(model)) : null);
}
