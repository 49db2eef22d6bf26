// Training curves of the runs.

/** Exponential moving average without its bias towards 0. */
function smoothed(points, weight) {
  let [mean, share] = [0, 0];
  return points.map(([x, y]) => {
    mean = weight * mean + (1 - weight) * y;
    share = weight * share + (1 - weight);
    return [x, mean / share];
  });
}

function pointsOf(course) {
  return course.x.map((x, at) => [x, course.y[at]]);
}

/** Names of the courses that any run has, in order of appearance. */
function courseNames(runs, part) {
  return [...new Set(runs.flatMap((run) => run[part].map((course) => course.name)))];
}

function courseSeries(runs, part, course, weight) {
  return runs.flatMap((run, colour) => {
    const found = run[part].find((one) => one.name === course);
    if (!found || found.x.length === 0) {
      return [];
    }
    const points = pointsOf(found);
    return [{ name: run.name, colour, points: weight > 0 ? smoothed(points, weight) : points, faint: weight > 0 ? points : null }];
  });
}

function trainingSection(model) {
  const { runs } = model;
  const place = element("div", { class: "charts" });
  const steps = courseNames(runs, "steps");
  const epochs = courseNames(runs, "epochs");
  const chosen = { step: 0, epoch: 0, weight: 0.9 };
  const draw = () => {
    const charts = [];
    if (steps.length > 0) {
      charts.push(lineChart({
        title: `${steps[chosen.step]} over the steps`, xLabel: "step", yLabel: steps[chosen.step],
        series: courseSeries(runs, "steps", steps[chosen.step], chosen.weight),
      }));
    }
    if (epochs.length > 0) {
      charts.push(lineChart({
        title: `${epochs[chosen.epoch]} over the epochs`, xLabel: "epoch", yLabel: epochs[chosen.epoch],
        series: courseSeries(runs, "epochs", epochs[chosen.epoch], 0),
      }));
    }
    place.replaceChildren(...charts);
  };
  draw();
  const slider = element("input", {
    type: "range", min: "0", max: "0.99", step: "0.01", value: String(chosen.weight),
    input: () => {
      chosen.weight = Number(slider.value);
      draw();
    },
  });
  const chooser = (label, names, key) => (names.length > 1
    ? choice(label, names, 0, (at) => {
      chosen[key] = at;
      draw();
    }) : null);
  return section("training", "Training",
    element("div", { class: "fields" },
      chooser("Figure of the steps", steps, "step"),
      element("label", { class: "field" }, element("span", {}, "Smoothing"), slider),
      chooser("Figure of the epochs", epochs, "epoch")),
    place,
    ...runs.map((run) => element("div", { class: "run" },
      element("h3", {}, name(run.name)), factList(run.facts),
      unfolding("Configuration", () => element("pre", { tabindex: "0" }, run.configuration)))));
}
