// State of the page, its listeners, and the counts that follow from it.

const state = {
  model: null,
  /** Position of the tIoU threshold. */
  threshold: 0,
  /** Detections below the score of their detector are hidden. */
  scores: [],
  /** Whether all detectors have the same least score. */
  isCommon: false,
  scoreRange: [0, 1],
  /** Position of the detector whose errors the jumps and the list follow. */
  detector: 0,
  /** Whether each detector has tracks. */
  shown: [],
  /** Position of the recording. */
  recording: 0,
  /** Chosen annotation or detection: { detector: -1 for annotations, index }. */
  selection: null,
  /** Stretch of time in view, in seconds. */
  view: { from: 0, to: 1 },
  /** Time of the film or of the last click. */
  playhead: null,
  /** Counts by recording, detector and kind. */
  counts: null,
  /** Sums over the recordings, per detector. */
  totals: [],
};

const listeners = new Map();

/** Calls `listener` whenever one of the named parts of the state has changed. */
function on(names, listener) {
  for (const part of names.split(" ")) {
    listeners.set(part, [...(listeners.get(part) ?? []), listener]);
  }
}

function emit(part) {
  for (const listener of listeners.get(part) ?? []) {
    listener();
  }
}

function currentRecording() {
  return state.model.recordings[state.recording];
}

/** Whether an annotation of a recording is missed by a detector's detections in sight. */
function isMissed(recording, detector, annotation) {
  const detections = recording.detectors[detector];
  const finder = detections.foundBy[state.threshold][annotation];
  return finder < 0 || detections.score[finder] < state.scores[detector];
}

/** Counts verdicts of all recordings anew. */
function recount() {
  const { recordings, detectors } = state.model;
  const counts = new Int32Array(recordings.length * detectors.length * NUM_KINDS);
  const totals = detectors.map(() => new Int32Array(NUM_KINDS));
  const { threshold } = state;
  let base = 0;
  for (const recording of recordings) {
    recording.detectors.forEach((detections, d) => {
      const verdicts = detections.verdicts[threshold];
      const scores = detections.score;
      const least = state.scores[d];
      for (let i = 0; i < scores.length; i++) {
        if (scores[i] >= least) {
          counts[base + verdicts[i]]++;
        }
      }
      for (const finder of detections.foundBy[threshold]) {
        if (finder < 0 || scores[finder] < least) {
          counts[base + MISSED]++;
        }
      }
      for (let kind = 0; kind < NUM_KINDS; kind++) {
        totals[d][kind] += counts[base + kind];
      }
      base += NUM_KINDS;
    });
  }
  state.counts = counts;
  state.totals = totals;
}

/** Count of one kind for a recording and the detector in focus. */
function countOf(recording, kind, detector = state.detector) {
  return state.counts[(recording * state.model.detectors.length + detector) * NUM_KINDS + kind];
}

/** Number of false positives in counts, which may be a part of a longer array. */
function falsePositives(counts, base = 0) {
  let sum = 0;
  for (let kind = TRUE_POSITIVE + 1; kind <= BACKGROUND; kind++) {
    sum += counts[base + kind];
  }
  return sum;
}

/** Precision, recall and F1 of counts. */
function rates(counts) {
  const hits = counts[TRUE_POSITIVE];
  const share = (whole) => (whole > 0 ? hits / whole : null);
  return {
    precision: share(hits + falsePositives(counts)),
    recall: share(hits + counts[MISSED]),
    f1: share(hits + 0.5 * (falsePositives(counts) + counts[MISSED])),
  };
}

/** The range of all scores, which begins at 0 unless some are negative. */
function rangeOfScores() {
  let [least, greatest] = [0, 0];
  for (const { detectors } of state.model.recordings) {
    for (const { score } of detectors) {
      for (let i = 0; i < score.length; i++) {
        if (score[i] > greatest) {
          greatest = score[i];
        } else if (score[i] < least) {
          least = score[i];
        }
      }
    }
  }
  return [least, greatest > least ? greatest : least + 1];
}

/** The score at which F1 of a detector is best, to a thousandth of the range. */
function bestScore(detector) {
  const [least, greatest] = state.scoreRange;
  const bins = 1000;
  const hits = new Int32Array(bins + 1);
  const wrong = new Int32Array(bins + 1);
  let annotations = 0;
  for (const { truth, detectors } of state.model.recordings) {
    annotations += truth.count;
    const { score, verdicts } = detectors[detector];
    score.forEach((value, i) => {
      const bin = Math.floor(bins * (value - least) / (greatest - least));
      const verdict = verdicts[state.threshold][i];
      if (verdict !== IGNORED) {
        (verdict === TRUE_POSITIVE ? hits : wrong)[bin]++;
      }
    });
  }
  let [found, errors, best, at] = [0, 0, 0, 0];
  for (let bin = bins; bin >= 0; bin--) {
    found += hits[bin];
    errors += wrong[bin];
    const f1 = found / (0.5 * (found + errors + annotations));
    if (f1 > best) {
      [best, at] = [f1, bin];
    }
  }
  return least + at / bins * (greatest - least);
}

/** Sets the least score of the detector in focus, or of all. */
function setScore(score) {
  setScores(state.scores.map((old, detector) => (state.isCommon || detector === state.detector ? score : old)));
}

function setScores(scores) {
  state.scores = scores;
  recount();
  emit("score");
}

/** Sets each detector to the score of its best F1, or all to that of the detector in focus. */
function setBestScores() {
  const { detectors } = state.model;
  setScores(detectors.map((_, detector) => bestScore(state.isCommon ? state.detector : detector)));
}

/** Says whether all detectors have the same least score, which is then that of the detector in focus. */
function setCommon(isCommon) {
  state.isCommon = isCommon;
  setScore(state.scores[state.detector]);
}

function setThreshold(threshold) {
  state.threshold = threshold;
  recount();
  emit("threshold");
}

function setDetector(detector) {
  state.detector = detector;
  state.shown[detector] = true;
  emit("detector");
}

function setRecording(recording) {
  state.recording = recording;
  state.selection = null;
  state.playhead = null;
  state.view = { from: 0, to: state.model.recordings[recording].end };
  emit("recording");
}

function select(selection) {
  state.selection = selection;
  emit("selection");
}

/** Shows a stretch of time; it stays within the recording, and at least a hundredth of a second long. */
function setView(from, to) {
  const { end } = currentRecording();
  const length = Math.min(Math.max(to - from, 0.01), end);
  const start = Math.min(Math.max(from, 0), end - length);
  state.view = { from: start, to: start + length };
  emit("view");
}

function setPlayhead(time) {
  state.playhead = time;
  emit("playhead");
}

/** Starts with the middle threshold and each detector at its best F1: equal scores of two detectors mean different things. */
function initialState(model) {
  state.model = model;
  state.shown = model.detectors.map(() => true);
  const nearest = model.thresholds.map((value) => Math.abs(value - 0.5));
  state.threshold = Math.max(0, nearest.indexOf(Math.min(...nearest)));
  state.scoreRange = rangeOfScores();
  state.scores = model.detectors.map((_, detector) => bestScore(detector));
  if (model.recordings.length > 0) {
    state.view = { from: 0, to: model.recordings[0].end };
  }
  recount();
}
