// Precision-recall and reliability curves, of one class or over all.

const MAX_CURVES = 8;

/** The classes that a detector has curves of, worst AP first. */
function curvedClasses(model) {
  const ids = new Set(model.detectors.flatMap(({ curves }) => curves.map((one) => one.class)));
  return model.classes.filter(({ id }) => ids.has(id));
}

function precisionRecallSeries(model, detector, id, colour) {
  const curve = model.detectors[detector].curves.find((one) => one.class === id)?.curves[state.threshold];
  // The envelope is a stair: a precision holds from the recall before it.
  const points = (curve?.recall ?? []).flatMap((recall, at) =>
    [[at > 0 ? curve.recall[at - 1] : 0, curve.precision[at]], [recall, curve.precision[at]]]);
  return { points, colour, isPlain: true };
}

function reliabilitySeries(model, detector, id, colour) {
  const found = model.detectors[detector].reliability.find((one) => one.class === id);
  const curve = found?.curves[state.threshold];
  const points = (curve?.bins ?? []).filter(([, precision]) => precision !== null)
    .map(([score, precision]) => [score, precision]);
  return { points, colour, error: curve?.calibration_error };
}

/** Curves of the chosen class by detector, or of all classes of the detector in focus. */
function classCharts(model, chosen) {
  const classes = curvedClasses(model);
  const at = `tIoU ${thresholdName(model.thresholds[state.threshold])}`;
  let recallSeries;
  let reliability;
  let heading;
  if (chosen === 0) {
    const figures = model.detectors[state.detector].figures;
    const ap = (id) => figures.classes.find((one) => one.label === id)?.ap[state.threshold] ?? 0;
    const worst = [...classes].sort((a, b) => ap(a.id) - ap(b.id)).slice(0, MAX_CURVES);
    heading = classes.length > MAX_CURVES ? `the ${MAX_CURVES} classes of lowest AP` : "all classes";
    recallSeries = worst.map(({ id, name: label }, colour) =>
      ({ ...precisionRecallSeries(model, state.detector, id, colour), name: `${label} (AP ${percent(ap(id), 1)})` }));
    reliability = model.detectors.map(({ name: label }, d) => ({ ...reliabilitySeries(model, d, null, d), name: label }));
  } else {
    const { id, name: label } = classes[chosen - 1];
    heading = label;
    recallSeries = model.detectors.map((one, d) => ({ ...precisionRecallSeries(model, d, id, d), name: one.name }));
    reliability = model.detectors.map((one, d) => ({ ...reliabilitySeries(model, d, id, d), name: one.name }));
  }
  for (const one of reliability) {
    one.name += one.error === null || one.error === undefined ? "" : ` (error ${percent(one.error, 1)} %)`;
  }
  const tenths = (value) => percent(value, 0);
  const scale = { x: [0, 1], y: [0, 1], formatX: tenths, formatY: tenths };
  return element("div", { class: "charts" },
    lineChart({
      ...scale, title: `Precision over recall: ${heading}, ${at}`, xLabel: "recall (%)", yLabel: "precision (%)",
      series: recallSeries,
    }),
    lineChart({
      ...scale, title: `Reliability: ${chosen === 0 ? "all classes" : heading}, ${at}`, xLabel: "mean score (%)",
      yLabel: "precision (%)", series: reliability, diagonal: true,
    }));
}

function classSection(model) {
  const place = element("div");
  let chosen = 0;
  const draw = () => place.replaceChildren(classCharts(model, chosen));
  const options = ["all", ...curvedClasses(model).map(({ name: label }) => label)];
  draw();
  on("threshold detector", draw);
  return section("classes", "Precision, recall and reliability",
    element("p", { class: "lead" },
      "Precision is drawn as its envelope, from which AP is computed. Scores are reliable if the share of true positives ",
      "follows the diagonal; the error is the expected calibration error."),
    choice("Class", options, chosen, (at) => {
      chosen = at;
      draw();
    }), place);
}
