// Details of an item, jumps from item to item, and the same content as a table.

function segmentsFor(detector) {
  const recording = currentRecording();
  return { "-1": recording.truth, "-2": recording.unclear }[detector] ?? recording.detectors[detector];
}

function segmentOf({ detector, index }) {
  const segments = segmentsFor(detector);
  return { start: segments.start[index], end: segments.end[index], cls: segments.cls[index] };
}

function className(cls) {
  return state.model.classes[cls].name;
}

/** Names and values about an item; the first value is its verdict. */
function describe(item) {
  const { start, end, cls } = segmentOf(item);
  const model = state.model;
  const names = kindNames(model);
  const time = `${clock(start)} – ${clock(end)} (${(end - start).toFixed(2)} s)`;
  const rows = [["class", className(cls)], ["time", time]];
  if (item.detector < 0) {
    const missing = model.detectors.map((one, d) => {
      const detections = currentRecording().detectors[d];
      const finder = detections.foundBy[state.threshold][item.index];
      const isLost = isMissed(currentRecording(), d, item.index);
      const score = finder >= 0 ? ` (score ${detections.score[finder].toFixed(3)})` : "";
      return [one.name, isLost ? `missed${score && `, found only at a lower score${score}`}` : `found${score}`];
    });
    return { kind: item.detector === -2 ? IGNORED : null, title: item.detector === -2 ? "unclear passage" : "annotation",
      rows: item.detector === -2 ? rows : [...rows, ...missing] };
  }
  const detections = segmentsFor(item.detector);
  const kind = detections.verdicts[state.threshold][item.index];
  rows.push(["score", detections.score[item.index].toFixed(4)], ["detector", model.detectors[item.detector].name]);
  const best = detections.best[item.index];
  if (best >= 0) {
    const { truth } = currentRecording();
    rows.push(["best annotation", `${className(truth.cls[best])}, ${clock(truth.start[best])} – ${clock(truth.end[best])}`],
      ["tIoU with it", detections.tiou[item.index].toFixed(3)]);
  }
  return { kind, title: names[kind], rows };
}

/** The small panel at the pointer. */
function tooltip() {
  const node = element("div", { class: "tip", "aria-hidden": "true" });
  const hide = () => node.classList.remove("visible");
  const show = (item, event) => {
    if (item === null) {
      hide();
      return;
    }
    const { kind, title, rows } = describe(item);
    node.replaceChildren(
      element("strong", {}, kind === null ? title : keyed(kind, title)),
      ...rows.map(([label, value]) => element("div", {}, `${label}: `, name(value))));
    node.classList.add("visible");
    const { width, height } = node.getBoundingClientRect();
    node.style.left = `${Math.min(event.clientX + 14, window.innerWidth - width - 8)}px`;
    node.style.top = `${event.clientY + height + 24 > window.innerHeight ? event.clientY - height - 12 : event.clientY + 18}px`;
  };
  return { node, show, hide };
}

/** Items of the recording by start: those in sight that `matches`. */
function itemsOf(matches) {
  const recording = currentRecording();
  const items = [];
  for (let index = 0; index < recording.truth.count; index++) {
    items.push({ detector: -1, index });
  }
  recording.detectors.forEach((detections, detector) => {
    for (let index = 0; state.shown[detector] && index < detections.count; index++) {
      if (detections.score[index] >= state.scores[detector]) {
        items.push({ detector, index });
      }
    }
  });
  const start = (item) => segmentsFor(item.detector).start[item.index];
  return items.filter(matches).sort((a, b) => start(a) - start(b) || a.detector - b.detector || a.index - b.index);
}

function isSame(a, b) {
  return b !== null && a.detector === b.detector && a.index === b.index;
}

/** Position of the first item after (or before) the chosen one, or after the playhead. */
function nextPlace(items, direction) {
  const at = items.findIndex((item) => isSame(item, state.selection));
  if (at >= 0) {
    return at + direction;
  }
  const from = state.selection ? segmentOf(state.selection).start : state.playhead;
  if (from === null) {
    return direction > 0 ? 0 : items.length - 1;
  }
  const after = items.findIndex((item) => segmentOf(item).start > from);
  const place = after < 0 ? items.length : after;
  return direction > 0 ? place : place - 1;
}

function choose(item) {
  const { start, end } = segmentOf(item);
  reveal(start, end);
  setPlayhead(start);
  select(item);
  emit("cue");
}

/** Chooses the item before or after the chosen one. */
function step(direction) {
  const items = itemsOf(() => true);
  const item = items[nextPlace(items, direction)];
  if (item) {
    choose(item);
  }
}

function changeRecording(direction) {
  const next = neighbour(direction);
  if (next !== null) {
    setRecording(next);
  }
}

/** Goes to the next error of the detector in focus, in this recording or one further in the list. */
function jump(wanted, direction) {
  const { detector } = state;
  const isWanted = (item) => {
    if (wanted === "missed") {
      return item.detector === -1 && isMissed(currentRecording(), detector, item.index);
    }
    const verdict = item.detector === detector ? segmentsFor(detector).verdicts[state.threshold][item.index] : TRUE_POSITIVE;
    return verdict > TRUE_POSITIVE && verdict <= BACKGROUND;
  };
  const numOf = (at) => (wanted === "missed" ? countOf(at, MISSED) : falsePositives(state.counts, baseOf(at)));
  if (state.model.detectors.length === 0) {
    return;
  }
  let items = itemsOf(isWanted);
  let item = items[nextPlace(items, direction)];
  let at = state.recording;
  while (!item) {
    at = neighbour(direction, at);
    if (at === null) {
      emit("exhausted");
      return;
    }
    if (numOf(at) > 0) {
      setRecording(at);
      items = itemsOf(isWanted);
      item = items[direction > 0 ? 0 : items.length - 1];
    }
  }
  choose(item);
}

function detailsPanel() {
  const node = element("div", { class: "details", role: "status", "aria-live": "polite" });
  const update = () => {
    if (state.selection === null) {
      node.replaceChildren(element("p", { class: "empty" },
        "Choose a bar, or press N for the next false positive and M for the next miss."));
      return;
    }
    const { kind, title, rows } = describe(state.selection);
    node.replaceChildren(
      element("p", { class: "details-title" }, kind === null ? title : keyed(kind, title)),
      element("dl", { class: "facts" }, ...rows.map(([label, value]) =>
        element("div", {}, element("dt", {}, name(label)), element("dd", {}, name(value))))));
  };
  on("selection recording threshold score", update);
  on("exhausted", () => node.replaceChildren(element("p", { class: "empty" }, "No further one in the listed recordings.")));
  update();
  return node;
}

/** Annotations and detections of the recording in rows, for readers without eyes and for copying. */
function itemTable() {
  const place = element("div");
  const names = kindNames(state.model);
  const draw = () => {
    const rows = itemsOf(() => true).map((item) => {
      const { start, end, cls } = segmentOf(item);
      const segments = segmentsFor(item.detector);
      const kind = kindOf({ detector: item.detector, segments }, item.index);
      const show = element("button", { type: "button", class: "plain", click: () => choose(item) }, name(className(cls)));
      return [show, item.detector < 0 ? "annotation" : name(state.model.detectors[item.detector].name),
        start.toFixed(3), end.toFixed(3), item.detector < 0 ? "" : segments.score[item.index].toFixed(4),
        kind === null ? "" : keyed(kind, names[kind])];
    });
    place.replaceChildren(rows.length > 0
      ? tableOf(`Annotations and detections of ${currentRecording().id} from the least scores on`,
        ["class", "track", "start (s)", "end (s)", "score", "verdict"], rows, "numbers")
      : element("p", { class: "empty" }, "Nothing to list."));
  };
  const details = unfolding("The same as a table", () => {
    draw();
    return place;
  });
  on("recording settled threshold shown detector", () => {
    if (place.isConnected) {
      draw();
    }
  });
  return details;
}
