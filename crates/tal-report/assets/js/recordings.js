// The list of recordings: search, order, counts.

const MAX_LISTED = 1000;

const ORDERS = [
  { label: "mAP, lowest first", of: (at) => mapOf(at) ?? 2 },
  { label: "mAP, highest first", of: (at) => -(mapOf(at) ?? -1) },
  { label: "misses, most first", of: (at) => -countOf(at, MISSED) },
  { label: "false positives, most first", of: (at) => -falsePositives(state.counts, baseOf(at)) },
  { label: "annotations, most first", of: (at) => -state.model.recordings[at].truth.count },
  { label: "name", of: () => 0 },
];

function baseOf(recording) {
  return (recording * state.model.detectors.length + state.detector) * NUM_KINDS;
}

function mapOf(recording) {
  return state.model.recordings[recording].detectors[state.detector].map;
}

/** Positions of the listed recordings, in the order of the list. */
let listed = [];

/** The recording `step` places further in the list; `null` at its end. */
function neighbour(step, from = state.recording) {
  const place = listed.indexOf(from);
  return listed[place < 0 ? 0 : place + step] ?? null;
}

function listItem(at) {
  const recording = state.model.recordings[at];
  const counts = element("span", { class: "item-counts" });
  const bar = [TRUE_POSITIVE, BACKGROUND, MISSED].map((kind) => element("span", { class: `stack-part k${kind}` }));
  const item = element("li", { id: `recording-${at}`, role: "option", "aria-selected": "false", click: () => setRecording(at) },
    element("span", { class: "item-name" }, name(recording.id)),
    element("span", { class: "stack", "aria-hidden": "true" }, ...bar), counts);
  const update = () => {
    if (state.model.detectors.length === 0) {
      counts.textContent = plural(recording.truth.count, "annotation");
      return;
    }
    const [hits, misses] = [countOf(at, TRUE_POSITIVE), countOf(at, MISSED)];
    const wrong = falsePositives(state.counts, baseOf(at));
    const whole = Math.max(1, hits + wrong + misses);
    [hits, wrong, misses].forEach((count, part) => {
      bar[part].style.width = `${count / whole * 100}%`;
    });
    const map = mapOf(at);
    counts.textContent = `${map === null ? "" : `mAP ${percent(map, 0)} · `}${hits} true · ${wrong} false · ${misses} missed`;
  };
  return { at, item, update, isStale: true };
}

function recordingList(model) {
  const items = model.recordings.map((_, at) => listItem(at));
  const list = element("ul", { class: "list", role: "listbox", tabindex: "0", "aria-label": "Recordings" });
  const found = element("p", { class: "found", role: "status" });
  const chosen = { order: model.detectors.length > 0 ? 0 : ORDERS.length - 1, text: "" };
  // Only items in sight are brought up to date; the others wait until they are scrolled to.
  const inSight = new Set();
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const one = items[Number(target.id.split("-")[1])];
      inSight[isIntersecting ? "add" : "delete"](one);
      if (isIntersecting && one.isStale) {
        one.isStale = false;
        one.update();
      }
    }
  }, { root: list, rootMargin: "200px" });
  const update = () => {
    for (const one of items) {
      one.isStale = true;
    }
    for (const one of inSight) {
      one.isStale = false;
      one.update();
    }
  };
  const mark = () => {
    for (const { at, item } of items) {
      item.setAttribute("aria-selected", String(at === state.recording));
    }
    list.setAttribute("aria-activedescendant", `recording-${state.recording}`);
    const { item } = items[state.recording];
    if (item.isConnected) {
      const [top, bottom] = [item.offsetTop, item.offsetTop + item.offsetHeight];
      if (top < list.scrollTop || bottom > list.scrollTop + list.clientHeight) {
        list.scrollTop = top - list.clientHeight / 2;
      }
    }
  };
  const arrange = () => {
    const { of } = ORDERS[chosen.order];
    const wanted = chosen.text.toLocaleLowerCase();
    const classes = model.classes.map(({ name: label }) => label.toLocaleLowerCase().includes(wanted));
    const matches = (at) => model.recordings[at].id.toLocaleLowerCase().includes(wanted)
      || model.recordings[at].truth.cls.some((cls) => classes[cls]);
    const all = items.map(({ at }) => at).filter((at) => wanted === "" || matches(at));
    const keys = new Map(all.map((at) => [at, of(at)]));
    all.sort((a, b) => keys.get(a) - keys.get(b) || model.recordings[a].id.localeCompare(model.recordings[b].id));
    listed = all.slice(0, MAX_LISTED);
    observer.disconnect();
    inSight.clear();
    list.replaceChildren(...listed.map((at) => items[at].item));
    listed.forEach((at) => observer.observe(items[at].item));
    found.textContent = all.length > listed.length
      ? `${plural(all.length, "recording")}, the first ${listed.length} are listed` : plural(all.length, "recording");
    mark();
  };
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next = step && neighbour(step);
    if (next !== null && next !== undefined) {
      event.preventDefault();
      setRecording(next);
    }
  });
  on("recording", mark);
  on("score threshold", update);
  on("detector", () => {
    update();
    arrange();
  });
  on("settled threshold", arrange);
  arrange();
  if (listed.length > 0) {
    state.recording = listed[0];
    mark();
  }
  const search = element("input", {
    type: "search", id: "search", placeholder: "name or class", autocomplete: "off",
    input: () => {
      chosen.text = search.value;
      arrange();
    },
  });
  const orders = model.detectors.length > 0 ? ORDERS : ORDERS.slice(-2);
  return element("div", { class: "recordings" },
    element("label", { class: "field" }, element("span", {}, "Search"), search),
    choice("Order", orders.map(({ label }) => label), ORDERS.length > orders.length ? 1 : 0, (order) => {
      chosen.order = order + ORDERS.length - orders.length;
      arrange();
    }), found, list);
}
