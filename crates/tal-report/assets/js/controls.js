// Controls of the timeline: detectors, thresholds, and the counts that follow at once.

/** Letters that tell verdicts apart without colour, in the order of the digits. */
const LETTERS = ["T", "D", "W", "L", "C", "B", "–", "M"];

/** A verdict's mark with its name. */
function keyed(kind, label) {
  return element("span", { class: "key" },
    element("span", { class: `mark k${kind}`, "aria-hidden": "true" }, LETTERS[kind]), label);
}

function kindNames(model) {
  return ["true positive", ...model.errorNames, "not counted", "missed"];
}

/** Counts of one detector as a row of a table that is updated in place. */
function countRow(model, detector) {
  const counts = [...Array(NUM_KINDS).keys()].filter((kind) => kind !== IGNORED)
    .map((kind) => ({ kind, cell: element("td", { "data-kind": kind }) }));
  const measures = ["precision", "recall", "f1"].map((key) => ({ key, cell: element("td", { "data-rate": key }) }));
  const least = element("td", { "data-least": "" });
  const box = element("input", {
    type: "checkbox", checked: true, "aria-label": `Show the tracks of ${model.detectors[detector].name}`,
    change: () => {
      state.shown[detector] = box.checked;
      emit("shown");
    },
  });
  on("detector", () => {
    box.checked = state.shown[detector];
  });
  const update = () => {
    const totals = state.totals[detector];
    counts.forEach(({ kind, cell }) => cell.replaceChildren(totals[kind].toLocaleString("en")));
    const found = rates(totals);
    measures.forEach(({ key, cell }) => cell.replaceChildren(percent(found[key], 1)));
    least.replaceChildren(state.scores[detector].toFixed(3));
  };
  const row = element("tr", {},
    element("th", { scope: "row" }, element("label", {}, box, " ", name(model.detectors[detector].name))),
    least, ...counts.map(({ cell }) => cell), ...measures.map(({ cell }) => cell));
  return { row, update };
}

function countTable(model) {
  const names = kindNames(model);
  const rows = model.detectors.map((_, detector) => countRow(model, detector));
  const update = () => rows.forEach((row) => row.update());
  update();
  on("score threshold", update);
  const kinds = names.map((label, kind) => keyed(kind, label)).filter((_, kind) => kind !== IGNORED);
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Counts over all recordings" },
    element("table", { class: "numbers counts" },
      element("caption", {}, "Counts over all recordings at these thresholds"),
      element("thead", {}, element("tr", {},
        element("th", { scope: "col" }, "detector"),
        element("th", { scope: "col" }, "score ≥"),
        ...kinds.map((kind) => element("th", { scope: "col" }, kind)),
        ...["precision", "recall", "F1"].map((label) => element("th", { scope: "col" }, label)))),
      element("tbody", {}, ...rows.map(({ row }) => row))));
}

/** The slider of the least score with a field for an exact number. */
function scoreSlider(model) {
  const [least, greatest] = state.scoreRange;
  const step = (greatest - least) / 1000;
  const slider = element("input", {
    type: "range", id: "score", min: "0", max: "1000", step: "1",
    input: () => setScore(least + Number(slider.value) * step),
    change: () => emit("settled"),
  });
  const number = element("input", {
    type: "number", id: "score-number", step: "any", "aria-label": "Least score as a number",
    change: () => {
      setScore(Number(number.value) || 0);
      emit("settled");
    },
  });
  const best = element("button", {
    type: "button", click: () => {
      setBestScores();
      emit("settled");
    },
  }, "Best F1");
  const show = () => {
    const score = state.scores[state.detector];
    slider.value = String(Math.round((score - least) / step));
    slider.setAttribute("aria-valuetext", score.toFixed(3));
    if (document.activeElement !== number) {
      number.value = score.toFixed(3);
    }
  };
  show();
  on("score detector", show);
  const common = element("input", {
    type: "checkbox", id: "common", change: () => {
      setCommon(common.checked);
      emit("settled");
    },
  });
  return element("div", { class: "field score" },
    element("label", { for: "score" }, "Least score"), slider, number, best,
    model.detectors.length > 1 ? element("label", {}, common, " same for all") : null);
}

function controls(model) {
  if (model.detectors.length === 0) {
    return null;
  }
  const detectors = model.detectors.map(({ name: label }) => label);
  const focus = choice("Errors of", detectors, state.detector, setDetector);
  on("detector", () => {
    focus.querySelector("select").selectedIndex = state.detector;
  });
  return element("div", { class: "controls" },
    element("div", { class: "fields" },
      scoreSlider(model),
      choice("tIoU", model.thresholds.map(thresholdName), state.threshold, setThreshold),
      detectors.length > 1 ? focus : null),
    countTable(model));
}
