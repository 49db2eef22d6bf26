// The timeline: its canvas, and what pointers, wheels and keys do to it.

const KEYS = "Arrow left and right pan, plus and minus zoom, 0 shows all. Comma and full stop choose the item before and after. "
  + "N and P jump to the next and previous false positive, M and Shift M to the next and previous miss. "
  + "J and K change the recording. Enter brings the film to the chosen item, the space bar plays it.";

/** The item under a point of the canvas. */
function itemAt(plan, x, y, width, head, scroll) {
  if (y < head || x < GUTTER) {
    return null;
  }
  const scale = scaleOf(width);
  const time = scale.time(x);
  const slack = 3 / scale.perSecond;
  for (const { lanes } of plan.groups) {
    for (const lane of lanes) {
      const inside = y - head + scroll - lane.top;
      if (inside < 0 || inside >= lane.height) {
        continue;
      }
      const row = Math.floor(inside / (LANE.bar + LANE.gap));
      const [first, last] = inView(lane, time - slack, time + slack);
      for (let at = last - 1; at >= first; at--) {
        const index = lane.indices[at];
        if (lane.row[at] === row && lane.segments.end[index] >= time - slack) {
          return { detector: lane.detector, index };
        }
      }
    }
  }
  return null;
}

function zoomAround(time, factor) {
  const { from, to } = state.view;
  const length = Math.min((to - from) * factor, currentRecording().end);
  const share = (time - from) / (to - from);
  setView(time - share * length, time + (1 - share) * length);
}

function pan(share) {
  const step = share * (state.view.to - state.view.from);
  setView(state.view.from + step, state.view.to + step);
}

/** Brings a segment into view, with room around it if it does not fit. */
function reveal(start, end) {
  const { from, to } = state.view;
  if (start < from || end > to) {
    const length = Math.max(to - from, 1.5 * (end - start));
    const middle = (start + end) / 2;
    setView(middle - length / 2, middle + length / 2);
  }
}

function timelinePanel(tip) {
  const canvas = element("canvas", { class: "canvas", "aria-hidden": "true" });
  const spacer = element("div");
  const box = element("div", {
    class: "tracks", id: "tracks", tabindex: "0", role: "application", "aria-label": "Timeline",
    "aria-describedby": "keys",
  }, canvas, spacer);
  const context = canvas.getContext("2d");
  const panel = { box, plan: { groups: [], height: 0 }, width: 0, height: 0, scroll: 0 };
  let isDue = false;
  let isStale = true;

  /** Sizes follow from the lanes: as high as they are, up to a part of the window. The width is the observer's business,
   *  since to ask for it makes the browser lay out the page. */
  const arrange = () => {
    if (!isStale) {
      return;
    }
    isStale = false;
    panel.plan = layout(currentRecording());
    const head = headHeight(currentRecording());
    const wanted = head + panel.plan.height + 4;
    const most = Math.max(260, Math.round(window.innerHeight * 0.62));
    panel.height = Math.max(head + 60, Math.min(wanted, most));
    box.style.height = `${panel.height + 2}px`;
    canvas.style.width = `${panel.width}px`;
    canvas.style.height = `${panel.height}px`;
    spacer.style.height = `${Math.max(0, wanted - panel.height)}px`;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(panel.width * ratio), Math.round(panel.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) {
      [canvas.width, canvas.height] = [width, height];
    }
  };
  const draw = () => {
    isDue = false;
    arrange();
    if (panel.width > 0) {
      const ratio = window.devicePixelRatio || 1;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      drawTimeline(context, { ...panel, recording: currentRecording() });
      // For programs that look at the page.
      box.dataset.view = `${state.view.from} ${state.view.to}`;
      box.dataset.playhead = String(state.playhead ?? "");
    }
  };
  const redraw = () => {
    if (!isDue) {
      isDue = true;
      requestAnimationFrame(draw);
    }
  };
  const relayout = () => {
    isStale = true;
    redraw();
  };
  on("recording score shown detector", relayout);
  on("threshold view selection playhead", redraw);
  on("theme", () => {
    readColours();
    redraw();
  });
  on("recording", () => {
    box.scrollTop = 0;
    box.setAttribute("aria-label", `Timeline of ${currentRecording().id}`);
  });
  on("selection", () => {
    arrange();
    scrollToItem(panel);
  });
  // Kept, since to ask for it makes the browser lay out the page.
  box.addEventListener("scroll", () => {
    panel.scroll = box.scrollTop;
    redraw();
  });
  window.addEventListener("resize", relayout);
  new ResizeObserver(() => {
    if (panel.width !== box.clientWidth) {
      panel.width = box.clientWidth;
      relayout();
    }
  }).observe(box);
  listenToPointer(panel, tip);
  listenToWheel(panel);
  return panel;
}

/** Scrolls the lanes to the chosen item. */
function scrollToItem({ box, plan, height }) {
  if (state.selection === null) {
    return;
  }
  const { detector, index } = state.selection;
  const lanes = plan.groups.flatMap((group) => group.lanes);
  const lane = lanes.find((one) => one.detector === detector && one.indices.includes(index));
  const room = height - headHeight(currentRecording());
  if (lane && (lane.top < box.scrollTop || lane.top + lane.height > box.scrollTop + room)) {
    box.scrollTop = lane.top - room / 3;
  }
}

function listenToWheel({ box }) {
  box.addEventListener("wheel", (event) => {
    const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    // A page that scrolls by must not zoom what it passes: the wheel zooms only if the timeline has the focus.
    if (!isSideways && !event.ctrlKey && document.activeElement !== box) {
      return;
    }
    event.preventDefault();
    const amount = isSideways && event.deltaX !== 0 ? event.deltaX : event.deltaY;
    const size = event.deltaMode === 1 ? amount * 33 : amount;
    if (isSideways) {
      pan(size / box.clientWidth);
    } else {
      const left = box.getBoundingClientRect().left;
      zoomAround(scaleOf(box.clientWidth).time(Math.max(GUTTER, event.clientX - left)), Math.exp(size * 0.0016));
    }
  }, { passive: false });
}

function listenToPointer(panel, tip) {
  const { box } = panel;
  let drag = null;
  const place = (event) => {
    const frame = box.getBoundingClientRect();
    return { x: event.clientX - frame.left, y: event.clientY - frame.top };
  };
  const hit = ({ x, y }) => itemAt(panel.plan, x, y, panel.width, headHeight(currentRecording()), box.scrollTop);
  const toOverview = ({ x }) => {
    const length = state.view.to - state.view.from;
    const middle = (x - GUTTER) / (panel.width - GUTTER) * currentRecording().end;
    setView(middle - length / 2, middle + length / 2);
  };
  box.addEventListener("pointerdown", (event) => {
    const at = place(event);
    if (event.button !== 0 || at.x > box.clientWidth) {
      return;
    }
    drag = { ...at, view: { ...state.view }, isMoved: false, inOverview: at.y < HEAD.overview && at.x >= GUTTER };
    box.setPointerCapture(event.pointerId);
    if (drag.inOverview) {
      toOverview(at);
    }
  });
  box.addEventListener("pointermove", (event) => {
    const at = place(event);
    if (drag === null) {
      tip.show(hit(at), event);
      box.style.cursor = hit(at) ? "pointer" : "grab";
      return;
    }
    drag.isMoved ||= Math.abs(at.x - drag.x) > 3;
    if (drag.inOverview) {
      toOverview(at);
    } else if (drag.isMoved) {
      tip.hide();
      const shift = (drag.x - at.x) / scaleOf(panel.width).perSecond;
      setView(drag.view.from + shift, drag.view.to + shift);
    }
  });
  box.addEventListener("pointerup", (event) => {
    const at = place(event);
    if (drag && !drag.isMoved && !drag.inOverview && at.x >= GUTTER) {
      select(hit(at));
      setPlayhead(Math.max(0, scaleOf(panel.width).time(at.x)));
      emit("seek");
    }
    drag = null;
  });
  box.addEventListener("pointercancel", () => {
    drag = null;
  });
  box.addEventListener("pointerleave", tip.hide);
  box.addEventListener("dblclick", (event) => {
    const item = hit(place(event));
    if (item) {
      const { start, end } = segmentOf(item);
      setView(start - (end - start), end + (end - start));
    }
  });
}

/** What the keys do; `jump` and `play` come from other parts. */
function keyAction(event) {
  const middle = (state.view.from + state.view.to) / 2;
  const actions = {
    ArrowLeft: () => pan(-0.15),
    ArrowRight: () => pan(0.15),
    "+": () => zoomAround(middle, 0.7),
    "=": () => zoomAround(middle, 0.7),
    "-": () => zoomAround(middle, 1 / 0.7),
    0: () => setView(0, currentRecording().end),
    Home: () => setView(0, state.view.to - state.view.from),
    End: () => setView(currentRecording().end - (state.view.to - state.view.from), currentRecording().end),
    ",": () => step(-1),
    ".": () => step(1),
    n: () => jump("false", 1),
    p: () => jump("false", -1),
    m: () => jump("missed", 1),
    M: () => jump("missed", -1),
    j: () => changeRecording(1),
    k: () => changeRecording(-1),
    Enter: () => emit("seek"),
    " ": () => emit("play"),
  };
  return event.ctrlKey || event.metaKey || event.altKey ? undefined : actions[event.key];
}
