// Lanes of the timeline: for each class the annotations and, aligned below them, the detections of each detector.

const LANE = { bar: 15, gap: 2, between: 9, most: 3 };

/** Least position whose value is at least `wanted`, in rising values. */
function lowerBound(values, wanted, count = values.length) {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    [low, high] = values[middle] < wanted ? [middle + 1, high] : [low, middle];
  }
  return low;
}

/**
 * A lane: the chosen segments by start, each in one of a few rows so that neighbours do not hide each other.
 *
 * `reach` is the greatest end so far; it rises, so the first segment in view is found by halving.
 */
function laneOf(detector, segments, indices) {
  const ends = new Array(LANE.most).fill(-Infinity);
  const starts = new Float64Array(indices.length);
  const reach = new Float64Array(indices.length);
  const row = new Uint8Array(indices.length);
  let rows = 1;
  let greatest = -Infinity;
  indices.forEach((index, at) => {
    const [start, end] = [segments.start[index], segments.end[index]];
    let free = ends.findIndex((before) => before <= start + 1e-9);
    if (free < 0) {
      free = ends.indexOf(Math.min(...ends));
    }
    ends[free] = Math.max(ends[free], end);
    greatest = Math.max(greatest, end);
    starts[at] = start;
    reach[at] = greatest;
    row[at] = free;
    rows = Math.max(rows, free + 1);
  });
  return { detector, segments, indices, starts, reach, row, rows, height: rows * (LANE.bar + LANE.gap), top: 0 };
}

/** Positions in a lane of the segments that may overlap a stretch of time: from the first to before the last. */
function inView(lane, from, to) {
  return [lowerBound(lane.reach, from), lowerBound(lane.starts, to)];
}

/** Segments of each class, those that `isShown`. */
function byClass(segments, isShown) {
  const all = new Map();
  for (let i = 0; i < segments.count; i++) {
    if (isShown(i)) {
      const cls = segments.cls[i];
      if (!all.has(cls)) {
        all.set(cls, []);
      }
      all.get(cls).push(i);
    }
  }
  return all;
}

/** The classes of a recording that have something to show, with their lanes and places from the top. */
function layout(recording) {
  const shown = state.model.detectors.map((_, d) => d).filter((d) => state.shown[d]);
  const truth = byClass(recording.truth, () => true);
  const unclear = byClass(recording.unclear, () => true);
  const found = shown.map((d) => {
    const detections = recording.detectors[d];
    return byClass(detections, (i) => detections.score[i] >= state.scores[d]);
  });
  const present = new Set([...truth.keys(), ...unclear.keys(), ...found.flatMap((classes) => [...classes.keys()])]);
  const groups = [];
  let top = LANE.between / 2;
  for (const cls of [...present].sort((a, b) => a - b)) {
    const lanes = [laneOf(-1, recording.truth, truth.get(cls) ?? [])];
    if (unclear.has(cls)) {
      lanes[0] = laneOf(-2, recording.unclear, unclear.get(cls));
    }
    shown.forEach((d, at) => lanes.push(laneOf(d, recording.detectors[d], found[at].get(cls) ?? [])));
    const group = { cls, top, lanes, height: 0 };
    for (const lane of lanes) {
      lane.top = top;
      top += lane.height;
    }
    group.height = top - group.top;
    top += LANE.between;
    groups.push(group);
  }
  return { groups, height: top };
}

/** Kind of an item of a lane: a digit of the verdicts; annotations are `null`, or missed by the detector in focus. */
function kindOf(lane, index) {
  if (lane.detector >= 0) {
    return lane.segments.verdicts[state.threshold][index];
  }
  if (lane.detector === -2) {
    return IGNORED;
  }
  const recording = currentRecording();
  return recording.detectors[state.detector] && isMissed(recording, state.detector, index) ? MISSED : null;
}
