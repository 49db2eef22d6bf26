// Types of errors after DETAD, their impact, sensitivity to the annotations, and confusion between classes.

const KIND_NAMES = ["true positive"];

/** Parts of a row as one bar, with the same shares in words. */
function stackedBar(parts) {
  const whole = parts.reduce((sum, { count }) => sum + count, 0);
  const words = parts.map(({ label, count }) => `${label} ${count}`).join(", ");
  return element("span", { class: "stack", role: "img", "aria-label": words, title: words },
    ...parts.filter(({ count }) => count > 0).map(({ kind, count }) => {
      const part = element("span", { class: `stack-part k${kind}` });
      part.style.width = `${count / whole * 100}%`;
      return part;
    }));
}

const PROFILE_KEYS = ["true_positive", "double_detection", "wrong_label", "localization", "confusion", "background"];

function profileTable(model, diagnosis) {
  const profile = diagnosis.profile.thresholds[state.threshold];
  const names = [...KIND_NAMES, ...model.errorNames];
  const parts = (counts) => PROFILE_KEYS.map((key, kind) => ({ label: names[kind], kind, count: counts[key] }));
  const rows = profile.groups
    .map((counts, group) => ({ counts, label: `${group + 1}` }))
    .filter(({ counts }) => PROFILE_KEYS.some((key) => counts[key] > 0));
  const row = ({ counts, label }) => [label, stackedBar(parts(counts)), ...PROFILE_KEYS.map((key) => String(counts[key]))];
  return tableOf(
    "Detections by falling score, in groups as large as the number of annotations of the class",
    ["group", "shares", ...names],
    [...rows.map(row), row({ counts: profile.total, label: "all" })], "numbers profile");
}

function impactTable(model, diagnosis) {
  const errors = diagnosis.impact.errors;
  const greatest = Math.max(...errors.map(({ gain }) => gain), 1e-9);
  return tableOf(
    "Impact: gain in average normalised mAP, in points, if the errors of a type were absent",
    ["type", "gain", "share of the greatest"],
    errors.map(({ gain }, at) => {
      const bar = element("span", { class: `meter-bar k${at + 1}` });
      bar.style.width = `${Math.max(0, gain) / greatest * 100}%`;
      return [keyed(at + 1, model.errorNames[at]), percent(gain), element("span", { class: "meter wide" }, bar)];
    }), "numbers");
}

function bucketRange({ above, max }, characteristic) {
  const unit = characteristic === "length" ? " s" : "";
  return max === null ? `above ${short(above)}${unit}` : `${short(above)} – ${short(max)}${unit}`;
}

function sensitivityTable(model, diagnosis) {
  const base = diagnosis.normalized_map.average_map;
  const rows = diagnosis.characteristics.flatMap(({ characteristic, buckets }, at) => buckets
    .filter(({ num_instances: count }) => count > 0)
    .map((bucket) => [
      `${model.characteristicNames[at]} ${bucket.name}`,
      bucketRange(bucket, characteristic),
      String(bucket.num_instances),
      element("span", { class: "metered" }, percent(bucket.normalized_map?.average_map), meter(bucket.normalized_map?.average_map)),
      percent(bucket.false_negative_rate),
    ]));
  return tableOf(
    `Sensitivity: normalised mAP on the annotations of a kind (all: ${percent(base)}), and the share of them that is missed`,
    ["kind", "range", "annotations", "mAP_N (%)", "missed (%)"], rows, "numbers");
}

const MAX_CONFUSED = 24;

/** Counts of (class of the annotation, class of the detection) at the chosen thresholds; the last row is background. */
function confusion(model) {
  const size = model.classes.length;
  const cells = new Map();
  const add = (annotated, detected) => {
    const key = annotated * (size + 1) + detected;
    cells.set(key, (cells.get(key) ?? 0) + 1);
  };
  const limit = model.thresholds[state.threshold];
  for (const { truth, detectors } of model.recordings) {
    const detections = detectors[state.detector];
    const isMatched = new Uint8Array(truth.count);
    for (let i = 0; i < detections.count; i++) {
      if (detections.score[i] < state.scores[state.detector] || detections.verdicts[state.threshold][i] === IGNORED) {
        continue;
      }
      const best = detections.tiou[i] >= limit ? detections.best[i] : -1;
      if (best >= 0) {
        isMatched[best] = 1;
      }
      add(best < 0 ? size : truth.cls[best], detections.cls[i]);
    }
    isMatched.forEach((matched, at) => {
      if (!matched) {
        add(truth.cls[at], size);
      }
    });
  }
  return (annotated, detected) => cells.get(annotated * (size + 1) + detected) ?? 0;
}

function confusionTable(model) {
  const size = model.classes.length;
  const count = confusion(model);
  const mistakes = model.classes.map((_, at) => {
    let sum = 0;
    for (let other = 0; other < size; other++) {
      sum += other === at ? 0 : count(at, other) + count(other, at);
    }
    return { at, sum, present: sum + count(at, at) + count(at, size) + count(size, at) };
  });
  const shown = mistakes.filter(({ present }) => present > 0).sort((a, b) => b.sum - a.sum)
    .slice(0, MAX_CONFUSED).map(({ at }) => at).sort((a, b) => a - b);
  const label = (at, rest) => (at === size ? element("span", {}, rest) : name(model.classes[at].name));
  const columns = [...shown, size];
  const rows = columns.map((annotated) => {
    const counts = columns.map((detected) => (annotated === size && detected === size ? null : count(annotated, detected)));
    const whole = counts.reduce((sum, value) => sum + (value ?? 0), 0);
    const cell = (value, at) => {
      const content = element("span", { class: "heat" }, value === null ? "" : String(value));
      const share = value === null || whole === 0 ? 0 : value / whole;
      content.dataset.kind = columns[at] === annotated ? "right" : "wrong";
      content.style.setProperty("--share", `${Math.round(share * 100)}%`);
      return content;
    };
    return [label(annotated, "background"), ...counts.map(cell)];
  });
  const cut = shown.length === MAX_CONFUSED ? `; the ${MAX_CONFUSED} classes that are confused most` : "";
  const limits = [thresholdName(model.thresholds[state.threshold]), state.scores[state.detector].toFixed(3)];
  return tableOf(
    `Confusion at tIoU ${limits[0]} and scores from ${limits[1]}${cut}: `
      + "rows are annotations, columns detections",
    ["annotation", ...columns.map((at) => label(at, "not detected"))], rows, "numbers confusion");
}

function errorSection(model) {
  const place = element("div");
  const confused = element("div");
  let isDue = false;
  const drawConfusion = () => confused.replaceChildren(confusionTable(model));
  const draw = () => {
    const { figures } = model.detectors[state.detector];
    place.replaceChildren(...(figures.diagnosis
      ? [profileTable(model, figures.diagnosis),
        element("div", { class: "pair" }, impactTable(model, figures.diagnosis), sensitivityTable(model, figures.diagnosis))]
      : [element("p", { class: "empty" }, "There is no diagnosis.")]));
    drawConfusion();
  };
  draw();
  on("threshold detector", draw);
  // The slider moves many times a second; a table of many cells can wait.
  on("score", () => {
    if (!isDue) {
      isDue = true;
      setTimeout(() => {
        isDue = false;
        drawConfusion();
      }, 250);
    }
  });
  const detectors = model.detectors.map(({ name: label }) => label);
  const field = choice("Detector", detectors, 0, setDetector);
  on("detector", () => {
    field.querySelector("select").selectedIndex = state.detector;
  });
  return section("errors", "Errors",
    element("p", { class: "lead" },
      "Types of errors, their impact and the sensitivity follow DETAD (Alwassel et al., 2018). Confusion takes each detection ",
      "to the annotation that it overlaps most."),
    detectors.length > 1 ? field : null, place, confused);
}
