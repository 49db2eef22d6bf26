// The page, put together.

function heading() {
  const { recordings } = state.model;
  const node = element("h3", { class: "recording-name", id: "recording-name" });
  const update = () => {
    const recording = currentRecording();
    const place = listed.indexOf(state.recording);
    node.replaceChildren(name(recording.id), element("span", { class: "recording-facts" },
      `${recording.duration === null ? "length unknown" : clock(recording.duration)} · `
      + `${plural(recording.truth.count, "annotation")} · ${place < 0 ? "not listed" : `${place + 1} of ${listed.length}`}`
      + (listed.length < recordings.length ? ` (${recordings.length} in all)` : "")));
  };
  on("recording settled detector threshold", update);
  update();
  return node;
}

function buttons() {
  const button = (label, key, act) => element("button",
    { type: "button", title: `Key: ${key}`, "aria-keyshortcuts": key, click: act },
    label, element("kbd", { "aria-hidden": "true" }, key));
  const middle = () => (state.view.from + state.view.to) / 2;
  const hasErrors = state.model.detectors.length > 0;
  return element("div", { class: "buttons", role: "group", "aria-label": "Moves" },
    button("Previous recording", "K", () => changeRecording(-1)),
    button("Next recording", "J", () => changeRecording(1)),
    hasErrors ? button("Next false positive", "N", () => jump("false", 1)) : null,
    hasErrors ? button("Next miss", "M", () => jump("missed", 1)) : null,
    button("Zoom in", "+", () => zoomAround(middle(), 0.5)),
    button("Zoom out", "-", () => zoomAround(middle(), 2)),
    button("Show all", "0", () => setView(0, currentRecording().end)));
}

function timelineSection(model) {
  if (model.recordings.length === 0) {
    return section("timeline", "Timeline", element("p", { class: "empty" }, "There is no recording."));
  }
  const list = recordingList(model);
  state.view = { from: 0, to: currentRecording().end };
  readColours();
  const tip = tooltip();
  const panel = timelinePanel(tip);
  const stage = element("div", { class: "stage" },
    heading(), buttons(), panel.box,
    element("p", { class: "hint", id: "keys" }, "Drag to pan. Click, then turn the wheel to zoom; Shift and the wheel pan. ",
      element("span", { class: "unseen" }, KEYS)),
    element("div", { class: "below" }, filmPanel(), detailsPanel()),
    element("details", { class: "keys" }, element("summary", {}, "Keys"), element("p", {}, KEYS)),
    itemTable());
  stage.addEventListener("keydown", (event) => {
    const isTyping = /^(INPUT|SELECT|TEXTAREA|VIDEO)$/.test(event.target.tagName);
    const isPressing = /^(BUTTON|SUMMARY)$/.test(event.target.tagName) && (event.key === " " || event.key === "Enter");
    const action = isTyping || isPressing ? undefined : keyAction(event);
    if (action) {
      event.preventDefault();
      action();
    }
  });
  return section("timeline", "Timeline", controls(model), element("div", { class: "desk" }, list, stage), tip.node);
}

/** A button that goes from the system's theme to the other one and back. */
function themeButton() {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const button = element("button", { type: "button", id: "theme" });
  const update = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", `Change to the ${isDark() ? "light" : "dark"} theme`);
    emit("theme");
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    update();
  });
  system.addEventListener("change", update);
  // Paper is white.
  window.matchMedia("print").addEventListener("change", () => emit("theme"));
  update();
  return button;
}

function page(model) {
  initialState(model);
  const sections = [timelineSection(model)];
  if (model.isWhole) {
    sections.unshift(summarySection(model));
    if (model.detectors.length > 0) {
      sections.push(classSection(model), errorSection(model));
    }
    if (model.runs.length > 0) {
      sections.push(trainingSection(model));
    }
  }
  const links = sections.map((one) => element("a", { href: `#${one.id}` }, one.querySelector("h2").textContent));
  document.getElementById("top").append(
    element("h1", {}, name(model.title)),
    element("nav", { "aria-label": "Sections" }, ...(sections.length > 1 ? links : [])), themeButton());
  document.getElementById("main").replaceChildren(...sections,
    element("footer", {}, `Made by ${model.program}.`));
  document.documentElement.classList.toggle("part", !model.isWhole);
  document.documentElement.dataset.state = "ready";
}

async function start() {
  const notice = document.getElementById("notice");
  if (typeof DecompressionStream === "undefined") {
    notice.textContent = "This browser cannot unpack the report. Chrome 103, Firefox 113, Safari 16.4 and later ones can.";
    return;
  }
  try {
    page(modelOf(await unpacked()));
  } catch (error) {
    notice.textContent = `The report could not be shown: ${error}`;
    document.documentElement.dataset.state = "failed";
    throw error;
  }
}

start();
