// Drawing of the timeline on its canvas.

const GUTTER = 236;
const LANE_NAME = 84;
/** Steps of the time axis in seconds: parts of seconds, minutes and hours that people count in. */
const TIME_STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
const HEAD = { overview: 26, axis: 24, channel: 26, most: 6 };

/** Colours of the page's theme, read once per theme. */
let colours = null;

function readColours() {
  const style = getComputedStyle(document.documentElement);
  const value = (key) => style.getPropertyValue(`--${key}`).trim();
  colours = {
    text: value("text"), muted: value("muted"), line: value("line"), panel: value("panel"), stripe: value("stripe"),
    accent: value("accent"), truth: value("truth"), onTruth: value("on-truth"), page: value("page"),
    kinds: [...Array(NUM_KINDS).keys()].map((kind) => value(`k${kind}`)),
    onKinds: [...Array(NUM_KINDS).keys()].map((kind) => value(`on-k${kind}`)),
    series: [...Array(NUM_COLOURS).keys()].map((at) => value(`s${at}`)),
    font: style.getPropertyValue("--font").trim(),
  };
}

/** Stripes for what is missed, so that it differs from what is found without colour. */
function hatch(context, colour) {
  const tile = document.createElement("canvas");
  [tile.width, tile.height] = [6, 6];
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.lineWidth = 1.4;
  pen.beginPath();
  for (const shift of [-6, 0, 6]) {
    pen.moveTo(shift, 6);
    pen.lineTo(shift + 6, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

/** Text from the data in one direction of its own, cut to a width. */
function fitted(context, text, width) {
  if (context.measureText(text).width <= width) {
    return `\u2068${text}\u2069`;
  }
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    [low, high] = context.measureText(`${text.slice(0, middle)}…`).width <= width ? [middle, high] : [low, middle - 1];
  }
  return `\u2068${text.slice(0, low)}…\u2069`;
}

function headHeight({ signal }) {
  const channels = signal ? Math.min(HEAD.most, signal.channels.length) : 0;
  return HEAD.overview + HEAD.axis + channels * HEAD.channel;
}

/** A scale from seconds to pixels for the view. */
function scaleOf(width) {
  const { from, to } = state.view;
  const perSecond = (width - GUTTER) / (to - from);
  return { perSecond, x: (time) => GUTTER + (time - from) * perSecond, time: (x) => from + (x - GUTTER) / perSecond };
}

/** The whole recording in a strip, with the view as a window. */
function drawOverview(context, recording, width) {
  const scale = (time) => GUTTER + time / recording.end * (width - GUTTER);
  const mark = (start, end, top, height) =>
    context.fillRect(scale(start), top, Math.max(1, scale(end) - scale(start)), height);
  context.fillStyle = colours.stripe;
  context.fillRect(GUTTER, 0, width - GUTTER, HEAD.overview - 4);
  const { truth } = recording;
  const detections = recording.detectors[state.detector];
  for (let i = 0; i < truth.count; i++) {
    context.fillStyle = detections && isMissed(recording, state.detector, i) ? colours.kinds[MISSED] : colours.truth;
    mark(truth.start[i], truth.end[i], 3, 7);
  }
  if (detections) {
    const verdicts = detections.verdicts[state.threshold];
    for (let i = 0; i < detections.count; i++) {
      if (detections.score[i] >= state.scores[state.detector]) {
        context.fillStyle = colours.kinds[verdicts[i]];
        mark(detections.start[i], detections.end[i], 12, 7);
      }
    }
  }
  context.strokeStyle = colours.accent;
  context.lineWidth = 2;
  const [left, right] = [scale(state.view.from), scale(state.view.to)];
  context.strokeRect(left + 1, 1, Math.max(4, right - left - 2), HEAD.overview - 6);
}

function drawAxis(context, scale, top, width, bottom) {
  const { from, to } = state.view;
  const rough = (to - from) / Math.max(2, (width - GUTTER) / 90);
  const step = TIME_STEPS.find((size) => size >= rough) ?? Math.ceil(rough / 7200) * 7200;
  const all = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + 1e-9 * step; i++) {
    all.push(i * step);
  }
  const decimals = Math.max(0, Math.min(3, Math.ceil(-Math.log10(step) - 1e-9)));
  context.strokeStyle = colours.line;
  context.fillStyle = colours.muted;
  context.lineWidth = 1;
  context.textAlign = "center";
  for (const time of all) {
    const x = Math.round(scale.x(time)) + 0.5;
    context.beginPath();
    context.moveTo(x, top + HEAD.axis - 6);
    context.lineTo(x, bottom);
    context.stroke();
    context.fillText(clock(time, decimals), Math.min(Math.max(x, GUTTER + 18), width - 20), top + 11);
  }
}

/** One channel of the signal: a column from its least to its greatest value for each stretch of time. */
function drawChannel(context, signal, channel, scale, top) {
  const count = channel.low.length;
  const length = (signal.end - signal.start) / count;
  const first = Math.max(0, Math.floor((state.view.from - signal.start) / length));
  const last = Math.min(count, Math.ceil((state.view.to - signal.start) / length));
  const y = (value) => top + 2 + (1 - value / 255) * (HEAD.channel - 5);
  for (let i = first; i < last; i++) {
    if (channel.low[i] < 0) {
      continue;
    }
    // A column reaches to its neighbour, so that the line has no gaps.
    const hasBefore = i > 0 && channel.low[i - 1] >= 0;
    const high = hasBefore ? Math.max(channel.high[i], channel.low[i - 1]) : channel.high[i];
    const low = hasBefore ? Math.min(channel.low[i], channel.high[i - 1]) : channel.low[i];
    const left = Math.max(GUTTER, scale.x(signal.start + i * length));
    const right = scale.x(signal.start + (i + 1) * length);
    context.fillRect(left, y(high), Math.max(1, right - left), Math.max(1.2, y(low) - y(high)));
  }
}

function drawSignal(context, signal, scale, top) {
  signal.channels.slice(0, HEAD.most).forEach((channel, at) => {
    context.fillStyle = colours.series[at % NUM_COLOURS];
    drawChannel(context, signal, channel, scale, top + at * HEAD.channel);
    context.textAlign = "right";
    context.fillText(fitted(context, channel.name, GUTTER - 20), GUTTER - 8, top + at * HEAD.channel + 17);
  });
}

/** Bars of a lane that are in view; those narrower than a pixel that would cover each other are drawn once. */
function drawLane(context, lane, scale, top, pens) {
  const [first, last] = inView(lane, state.view.from, state.view.to);
  const drawn = new Float64Array(LANE.most).fill(-Infinity);
  const { segments } = lane;
  for (let at = first; at < last; at++) {
    const index = lane.indices[at];
    const left = scale.x(segments.start[index]);
    const right = Math.max(left + 2, scale.x(segments.end[index]));
    if (right <= GUTTER || (right - left <= 2 && right <= drawn[lane.row[at]])) {
      continue;
    }
    drawn[lane.row[at]] = right;
    const y = top + lane.row[at] * (LANE.bar + LANE.gap);
    const kind = kindOf(lane, index);
    const x = Math.max(left, GUTTER);
    const width = right - x;
    context.fillStyle = kind === null ? colours.truth : kind === MISSED ? pens.missed : colours.kinds[kind];
    context.fillRect(x, y, width - (width > 4 ? 1 : 0), LANE.bar);
    if (kind === MISSED) {
      context.strokeStyle = colours.kinds[MISSED];
      context.lineWidth = 1.5;
      context.strokeRect(x + 0.75, y + 0.75, Math.max(1, width - 2), LANE.bar - 1.5);
    } else if (kind !== null && width > 13) {
      context.fillStyle = colours.onKinds[kind];
      context.textAlign = "left";
      const score = width > 46 ? ` ${segments.score?.[index].toFixed(2) ?? ""}` : "";
      context.fillText(LETTERS[kind] + score, x + 3, y + 11.5);
    }
    if (state.selection && state.selection.detector === lane.detector && state.selection.index === index) {
      context.strokeStyle = colours.text;
      context.lineWidth = 2;
      context.strokeRect(x - 2, y - 2, width + 3, LANE.bar + 4);
    }
  }
}

function laneName(lane) {
  if (lane.detector >= 0) {
    return state.model.detectors[lane.detector].name;
  }
  return lane.detector === -1 ? "annotations" : "unclear";
}

function drawGroup(context, group, shift, width) {
  const top = group.top + shift;
  context.fillStyle = colours.line;
  context.fillRect(0, top - LANE.between / 2, width, 1);
  context.textAlign = "left";
  context.fillStyle = colours.text;
  context.font = `600 12px ${colours.font}`;
  context.fillText(fitted(context, state.model.classes[group.cls].name, GUTTER - LANE_NAME - 24), 8, top + 12);
  context.font = `11px ${colours.font}`;
  context.textAlign = "right";
  context.fillStyle = colours.muted;
  for (const lane of group.lanes) {
    context.fillText(fitted(context, laneName(lane), LANE_NAME), GUTTER - 8, lane.top + shift + 11.5);
  }
}

function drawPlayhead(context, scale, bottom) {
  if (state.playhead === null) {
    return;
  }
  const x = scale.x(state.playhead);
  if (x >= GUTTER) {
    context.fillStyle = colours.accent;
    context.fillRect(x - 1, HEAD.overview, 2, bottom - HEAD.overview);
    context.beginPath();
    context.moveTo(x - 6, HEAD.overview);
    context.lineTo(x + 6, HEAD.overview);
    context.lineTo(x, HEAD.overview + 8);
    context.fill();
  }
}

/** Everything: the overview, the axis and the signal stay, the lanes are shifted by `scroll`. */
function drawTimeline(context, { width, height, scroll, plan, recording }) {
  const head = headHeight(recording);
  const scale = scaleOf(width);
  context.font = `11px ${colours.font}`;
  context.fillStyle = colours.panel;
  context.fillRect(0, 0, width, height);
  drawAxis(context, scale, HEAD.overview, width, height);
  drawOverview(context, recording, width);
  if (recording.signal) {
    drawSignal(context, recording.signal, scale, HEAD.overview + HEAD.axis);
  }
  context.save();
  context.beginPath();
  context.rect(0, head, width, height - head);
  context.clip();
  const shift = head - scroll;
  const pens = { missed: hatch(context, colours.kinds[MISSED]) };
  for (const group of plan.groups) {
    if (group.top + group.height + shift < head || group.top + shift > height) {
      continue;
    }
    drawGroup(context, group, shift, width);
    for (const lane of group.lanes) {
      drawLane(context, lane, scale, lane.top + shift, pens);
    }
  }
  if (plan.groups.length === 0) {
    context.fillStyle = colours.muted;
    context.textAlign = "center";
    context.fillText("Nothing is annotated, and nothing is detected at this score.", width / 2, head + 30);
  }
  context.restore();
  drawPlayhead(context, scale, height);
}
