// Data of the page: unpacked, and turned from columns of whole numbers into arrays of seconds and scores.

const TRUE_POSITIVE = 0;
const BACKGROUND = 5;
const IGNORED = 6;
const MISSED = 7;
const NUM_KINDS = 8;

const SCORE_UNIT = 1e5;
const TIOU_UNIT = 1e3;

/** The packed data of the page, as an object. */
async function unpacked() {
  const letters = atob(document.getElementById("data").textContent.trim());
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) {
    bytes[i] = letters.charCodeAt(i);
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text());
}

/** Segments with their ends in seconds; `cls` is a position in the list of classes. */
function segmentsOf(columns, classIndex) {
  const count = columns.start.length;
  const start = new Float64Array(count);
  const end = new Float64Array(count);
  const cls = new Uint32Array(count);
  let at = 0;
  for (let i = 0; i < count; i++) {
    at += columns.start[i];
    start[i] = at / 1000;
    end[i] = (at + columns.length[i]) / 1000;
    cls[i] = classIndex.get(columns.class[i]);
  }
  return { count, start, end, cls };
}

function digits(text) {
  const values = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    values[i] = text.charCodeAt(i) - 48;
  }
  return values;
}

/** Whole numbers, each divided by `unit`. */
function scaled(column, unit) {
  const values = new Float64Array(column.length);
  for (let i = 0; i < column.length; i++) {
    values[i] = column[i] / unit;
  }
  return values;
}

function detectionsOf(columns, classIndex) {
  return {
    ...segmentsOf(columns, classIndex),
    score: scaled(columns.score, SCORE_UNIT),
    verdicts: columns.verdicts.map(digits),
    best: new Int32Array(columns.best),
    tiou: scaled(columns.tiou, TIOU_UNIT),
    foundBy: columns.found_by.map((found) => new Int32Array(found)),
    map: columns.map,
  };
}

function signalOf(signal) {
  return signal && { ...signal, start: signal.start / 1000, end: signal.end / 1000 };
}

/** The model of the page, from its data. */
function modelOf(data) {
  const classes = data.classes.map(([id, name]) => ({ id, name }));
  const classIndex = new Map(classes.map(({ id }, index) => [id, index]));
  const recordings = data.recordings.map((recording) => ({
    id: recording.id,
    end: recording.end / 1000,
    duration: recording.duration === null ? null : recording.duration / 1000,
    truth: segmentsOf(recording.annotations, classIndex),
    unclear: segmentsOf(recording.unclear, classIndex),
    detectors: recording.detectors.map((columns) => detectionsOf(columns, classIndex)),
    signal: signalOf(recording.signal),
    film: recording.film,
  }));
  return {
    title: data.title,
    program: data.program,
    isWhole: data.is_whole,
    facts: data.facts,
    classes,
    classIndex,
    thresholds: data.tiou_thresholds,
    errorNames: data.error_names,
    characteristicNames: data.characteristic_names,
    detectors: data.detectors,
    recordings,
    runs: data.runs,
  };
}
