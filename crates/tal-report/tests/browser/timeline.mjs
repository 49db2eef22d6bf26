// Checks of the timeline: slider, zoom, pan, keys, search, jumps and the film.

/** The stretch of time in view. */
async function view(page) {
  // Two frames: one draws, one is sure to come later.
  await page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
  const text = await page.locator("#tracks").getAttribute("data-view");
  const [from, to] = text.split(" ").map(Number);
  return { from, to, length: to - from };
}

/** Counts of a detector by kind. */
async function counts(page, detector) {
  const cells = await page.locator(".counts tbody tr").nth(detector).locator("td[data-kind]").all();
  const pairs = await Promise.all(cells.map(async (cell) =>
    [Number(await cell.getAttribute("data-kind")), Number((await cell.textContent()).replaceAll(",", ""))]));
  return Object.fromEntries(pairs);
}

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

function leastScore(page, detector) {
  return page.locator(".counts tbody tr").nth(detector).locator("td[data-least]").textContent();
}

async function slider(page, check, figures) {
  const truth = figures[0].counts.num_ground_truth;
  await page.locator("#score").press("Home");
  const all = await counts(page, 0);
  const sum = [0, 1, 2, 3, 4, 5].reduce((total, kind) => total + all[kind], 0);
  check(sum === figures[0].counts.num_detections - figures[0].counts.num_ignored_detections,
    `slider at its start: ${sum} detections in all`);
  check(all[0] + all[7] === truth, `found and missed are all ${truth} annotations`);
  await page.locator("#score").press("End");
  const none = await counts(page, 0);
  check(none[0] < all[0] && none[0] + none[7] === truth, "slider at its end: annotations are missed instead");
  const other = await counts(page, 1);
  await page.locator("#score-number").fill("0.5");
  await page.locator("#score-number").press("Enter");
  check((await counts(page, 0))[0] > none[0], "a typed score counts at once");
  check(same(await counts(page, 1), other) && other[0] > 0, "the other detector keeps its own least score, that of its best F1");
  check(await leastScore(page, 0) === "0.500" && await leastScore(page, 1) !== "0.500", "the table tells both least scores");
  await page.locator("#common").check();
  const some = await counts(page, 1);
  check(await leastScore(page, 1) === "0.500" && !same(some, other), "one least score for all, if wanted");
  check(some[0] + some[7] === truth && some[0] > 0, "counts of the second detector are complete");
  await page.locator("#timeline select").first().selectOption({ label: "0.7" });
  check((await counts(page, 1))[0] < some[0], "a higher tIoU finds less");
  await page.locator("#timeline select").first().selectOption({ label: "0.5" });
}

async function moves(page, check) {
  const tracks = page.locator("#tracks");
  await tracks.scrollIntoViewIfNeeded();
  const box = await tracks.boundingBox();
  const middle = { x: box.x + box.width * 0.6, y: box.y + box.height / 2 };
  const whole = await view(page);
  await page.evaluate(() => document.activeElement.blur());
  await page.mouse.move(middle.x, middle.y);
  await page.mouse.wheel(0, -1);
  check((await view(page)).length === whole.length, "the wheel leaves a timeline without focus alone");
  await tracks.focus();
  const before = await tracks.boundingBox();
  await page.mouse.move(middle.x, before.y + before.height / 2);
  await page.mouse.wheel(0, -600);
  const zoomed = await view(page);
  check(zoomed.length < 0.8 * whole.length, `the wheel zooms: ${whole.length} s to ${zoomed.length.toFixed(1)} s`);
  const y = before.y + before.height - 6;
  await page.mouse.move(middle.x, y);
  await page.mouse.down();
  await page.mouse.move(middle.x - 150, y, { steps: 5 });
  await page.mouse.up();
  const dragged = await view(page);
  check(dragged.from > zoomed.from && Math.abs(dragged.length - zoomed.length) < 1e-6, "dragging pans");
  await page.keyboard.down("Shift");
  await page.mouse.wheel(0, -80);
  await page.keyboard.up("Shift");
  check((await view(page)).from < dragged.from, "Shift and the wheel pan");
  await page.keyboard.press("0");
  check((await view(page)).length === whole.length, "0 shows all");
  await page.keyboard.press("+");
  await page.keyboard.press("+");
  const near = await view(page);
  await page.keyboard.press("ArrowRight");
  check(near.length < whole.length && (await view(page)).from > near.from, "keys zoom and pan");
  await page.keyboard.press("Home");
  check((await view(page)).from === 0, "Home goes to the start");
  await page.keyboard.press("0");
}

async function jumps(page, check) {
  const title = page.locator(".details-title");
  await page.locator("#score-number").fill("0.2");
  await page.locator("#score-number").press("Enter");
  await page.locator("#tracks").focus();
  const seen = new Set();
  for (let i = 0; i < 6; i++) {
    await page.keyboard.press("n");
    seen.add(await page.locator(".details").textContent());
  }
  const kind = await title.textContent();
  check(seen.size >= 4 && /double|wrong|localization|confusion|background/.test(kind),
    `N jumps from one false positive to the next (${kind.slice(1)})`);
  await page.keyboard.press("m");
  const chosen = await page.locator(".details").textContent();
  check((await title.textContent()).includes("annotation") && chosen.includes("missed"), "M jumps to a miss");
  await page.keyboard.press(".");
  check(await page.locator(".details").textContent() !== chosen, "full stop chooses the next item");
  const name = await page.locator("#recording-name").textContent();
  await page.keyboard.press("j");
  check(await page.locator("#recording-name").textContent() !== name, "J shows another recording");
  await page.keyboard.press("k");
  check(await page.locator("#recording-name").textContent() === name, "K goes back");
}

async function search(page, check) {
  const items = page.locator(".list li");
  const all = await items.count();
  await page.locator("#search").fill("_0013");
  const found = await page.locator(".found").textContent();
  check(await items.count() === 1 && found === "1 recording", "search finds a recording by its name");
  await page.locator("#search").fill("nothing has this name");
  check(await items.count() === 0, "search can find nothing");
  await page.locator("#search").fill("");
  check(await items.count() === all, "an empty search lists all");
  const order = page.locator(".recordings select");
  await order.selectOption({ label: "name" });
  const first = await items.first().locator(".item-name").textContent();
  await order.selectOption({ label: "misses, most first" });
  await page.waitForTimeout(300);
  const missed = async (at) => Number(/(\d+) missed/.exec(await items.nth(at).locator(".item-counts").textContent())[1]);
  check(await missed(0) >= await missed(1) && first.endsWith("0001"), "the list can be ordered by name and by misses");
  await page.locator(".list").focus();
  const name = await page.locator("#recording-name").textContent();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  check(await page.locator("#recording-name").textContent() !== name, "arrow keys go through the list");
}

/** Whether the tab key reaches everything that one needs. */
async function tabs(page, check) {
  await page.evaluate(() => {
    document.activeElement.blur();
    window.scrollTo(0, 0);
  });
  await page.locator(".skip").focus();
  const reached = new Set();
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.className));
  }
  check(["score", "search", "tracks", "theme", "list"].every((id) => reached.has(id)),
    "the tab key reaches slider, search, list and timeline");
}

async function details(page, check) {
  await page.keyboard.press("Escape");
  const tracks = page.locator("#tracks");
  await tracks.focus();
  await page.keyboard.press("0");
  await page.keyboard.press(".");
  const table = page.locator("#timeline .stage > details").last();
  await table.locator("summary").click();
  await table.locator("tbody tr").first().waitFor();
  const rows = await table.locator("tbody tr").count();
  check(rows > 3, `the table has the ${rows} items of the timeline`);
  await table.locator("tbody button").first().click();
  check(await page.locator(".details .facts dt").count() >= 3, "a row of the table chooses its item");
  const box = await tracks.boundingBox();
  let isShown = false;
  for (let y = box.y + 140; y < box.y + box.height && !isShown; y += 7) {
    for (let x = box.x + 240; x < box.x + box.width && !isShown; x += 23) {
      await page.mouse.move(x, y);
      isShown = await page.locator(".tip.visible").count() > 0;
    }
  }
  check(isShown, "the pointer shows details of a bar");
}

async function film(page, check) {
  const video = page.locator("video");
  await page.locator("#tracks").focus();
  await page.keyboard.press("0");
  await page.waitForFunction(() => document.querySelector("video").readyState >= 1, null, { timeout: 20_000 });
  const tracks = page.locator("#tracks");
  await tracks.scrollIntoViewIfNeeded();
  const box = await tracks.boundingBox();
  await page.mouse.click(box.x + box.width * 0.7, box.y + 42);
  await page.waitForTimeout(600);
  const at = await video.evaluate((node) => node.currentTime);
  const wanted = Number(await tracks.getAttribute("data-playhead"));
  check(at > 5 && Math.abs(at - wanted) < 0.2, `a click brings the film to ${at.toFixed(2)} s`);
  await tracks.focus();
  await page.keyboard.press(" ");
  await page.waitForFunction((before) => document.querySelector("video").currentTime > before + 0.3, at, { timeout: 20_000 });
  await page.keyboard.press(" ");
  await page.waitForTimeout(200);
  const moved = Number(await tracks.getAttribute("data-playhead"));
  check(moved > at + 0.2, `the playhead follows the film to ${moved.toFixed(2)} s`);
}

/** All checks of the timeline of the demonstration. */
export async function timelineChecks(page, check, figures, hasFilm) {
  await slider(page, check, figures);
  await moves(page, check);
  await jumps(page, check);
  await search(page, check);
  await tabs(page, check);
  await details(page, check);
  if (hasFilm) {
    await film(page, check);
  } else {
    console.log("SKIPPED the film: there is no ffmpeg to make one");
  }
}
