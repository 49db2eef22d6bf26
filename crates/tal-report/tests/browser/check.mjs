// Checks of the report's pages in a browser: `node check.mjs FOLDER CHROMIUM`.
//
// FOLDER holds the pages of the example `report` of tal-report, film.webm if there is one, and real.json with pages of real
// recordings. Prints a line for each check,
// writes pictures into FOLDER and ends with 1 if a check fails.

import { readFileSync, existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { chromium } from "playwright-core";

import { timelineChecks } from "./timeline.mjs";

const [folder, program] = process.argv.slice(2).map((path) => resolve(path));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");
const hasFilm = existsSync(join(folder, "film.webm"));

let failures = 0;

/** Notes the outcome of a check. */
function check(isRight, text) {
  console.log(`${isRight ? "passed" : "FAILED"} ${text}`);
  failures += isRight ? 0 : 1;
}

/** Opens a page; messages and requests that it must not make are failures. */
async function opened(browser, name, colorScheme = "light") {
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, colorScheme });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) {
      complaints.push(message.text());
    }
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!/^(file|blob|data|about):/.test(request.url())) {
      complaints.push(`asked for ${request.url()}`);
    }
  });
  const start = Date.now();
  await page.goto(pathToFileURL(join(folder, name)).href, { waitUntil: "commit" });
  if (name !== "fragment.html") {
    await page.waitForSelector("html[data-state=ready]", { timeout: 60_000 });
  }
  page.seconds = (Date.now() - start) / 1000;
  page.silent = (what) =>
    check(complaints.length === 0, `${what}: no complaint in the console${complaints.map((c) => `\n  ${c}`)}`);
  return page;
}

/** Opens what unfolds, and lets axe look at everything. */
async function accessible(page, what) {
  await page.evaluate(() => document.querySelectorAll("details").forEach((one) => {
    one.open = true;
  }));
  await page.waitForTimeout(200);
  // By the debugger, which a content security policy does not concern.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const lines = violations.map(({ id, help, nodes }) => `\n  ${id}: ${help}: ${nodes[0].html} (${nodes.length})`);
  check(violations.length === 0, `${what}: axe finds no violation${lines.join("")}`);
}

/** The mAP table has the figures of the evaluation. */
async function figuresAreShown(page, figures) {
  const percent = (value) => (100 * value).toFixed(2);
  for (const [at, one] of figures.entries()) {
    const row = page.locator("#summary table.large tbody tr").nth(at);
    const shown = await row.locator("td .estimate > span:first-child").allTextContents();
    const expected = [one.average_map, ...one.map].map(percent);
    check(shown.join() === expected.join(), `detector ${at + 1}: mAP is ${expected.join(" ")}`);
    if (one.confidence) {
      const intervals = await row.locator(".interval").allTextContents();
      const { low, high } = one.confidence.average_map;
      check(intervals[0] === `${percent(low)} – ${percent(high)}`, `detector ${at + 1}: the interval is ${intervals[0]}`);
    }
  }
  await page.locator("#summary summary").click();
  await page.locator("#summary details tbody tr").first().waitFor();
  const names = await page.locator("#summary details tbody th").allTextContents();
  const shown = await page.locator("#summary details tbody tr td:nth-child(3)").allTextContents();
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const expected = names.map((label) => percent(mean(figures[0].ap[label])));
  const number = Object.keys(figures[0].ap).length;
  check(names.length === number && shown.join() === expected.join(), `AP of each of ${number} classes is that of the evaluation`);
}

async function demo(browser) {
  const page = await opened(browser, "demo.html");
  const figures = JSON.parse(readFileSync(join(folder, "figures.json"), "utf8"));
  await figuresAreShown(page, figures);
  await timelineChecks(page, check, figures, hasFilm);
  await accessible(page, "light");
  await page.emulateMedia({ media: "print" });
  const pdf = await page.pdf({ format: "A4" });
  check(pdf.length > 20_000, `prints ${Math.round(pdf.length / 1024)} kB`);
  page.silent("demo");
  await page.close();
  const dark = await opened(browser, "demo.html", "dark");
  await accessible(dark, "dark");
  dark.silent("dark");
  await dark.close();
}

async function pictures(browser) {
  for (const theme of ["light", "dark"]) {
    const page = await opened(browser, "demo.html", theme);
    await page.setViewportSize({ width: 1280, height: 1400 });
    await page.locator("#common").check();
    await page.locator("#score-number").fill("0.3");
    await page.locator("#score-number").press("Enter");
    await page.locator("#tracks").focus();
    await page.keyboard.press("n");
    await page.evaluate(() => {
      document.activeElement.blur();
      // A test pattern is no ornament, and the heading would lie over the picture.
      document.querySelector(".film").hidden = true;
      document.getElementById("top").style.position = "static";
    });
    await page.waitForTimeout(800);
    await page.locator("#timeline").screenshot({ path: join(folder, `report-${theme}.png`) });
    await page.close();
  }
}

/** Text of the data is text: no element comes from it, and no script of it runs. */
async function hostile(browser) {
  for (const theme of ["light", "dark"]) {
    const page = await opened(browser, "hostile.html", theme);
    await accessible(page, `hostile names, ${theme}`);
    const found = await page.evaluate(() => ({
      elements: document.querySelectorAll("main img, main b, main script, [onload], [onerror]").length,
      title: document.title,
      text: document.body.textContent,
    }));
    check(found.elements === 0, "hostile names make no element");
    check(found.title === "</script><img src=x onerror=document.title='broken'>", "hostile names run no script");
    const parts = ["\"'><svg/onload=document.title='broken'>", "\u202ereversed\u2066 & <b>bold</b>", "{{script}}"];
    check(parts.every((part) => found.text.includes(part)), "hostile names appear as text");
    page.silent("hostile names");
    await page.close();
  }
}

/** 500 recordings of 300 detections, two detectors. Times depend on the machine, so that they are printed only. */
async function large(browser) {
  const page = await opened(browser, "large.html");
  console.log(`figure large report: ready after ${page.seconds.toFixed(2)} s`);
  await page.locator("#common").check();
  await page.locator("#score").press("Home");
  await page.locator("#tracks").focus();
  const times = await page.evaluate(async () => {
    const tracks = document.getElementById("tracks");
    const press = (key) => tracks.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    for (let i = 0; i < 4; i++) {
      press("+");
    }
    const frame = () => new Promise((done) => { requestAnimationFrame(done); });
    await frame();
    const start = performance.now();
    for (let i = 0; i < 120; i++) {
      press(i % 20 < 10 ? "ArrowRight" : "ArrowLeft");
      await frame();
    }
    const panned = performance.now();
    const slider = document.getElementById("score");
    for (let i = 0; i < 30; i++) {
      slider.value = String(i * 20);
      slider.dispatchEvent(new Event("input"));
      await frame();
    }
    return { pan: 120_000 / (panned - start), slide: 30_000 / (performance.now() - panned) };
  });
  const [pan, slide] = [times.pan.toFixed(0), times.slide.toFixed(0)];
  console.log(`figure large report: ${pan} frames/s while panning, ${slide} while the slider moves`);
  check(await page.locator("#timeline .list li").count() === 500, "large report lists its recordings");
  page.silent("large");
  await page.close();
}

async function others(browser) {
  const empty = await opened(browser, "empty.html");
  await accessible(empty, "empty");
  check((await empty.locator("main").textContent()).includes("There is no recording"), "an empty report says so");
  empty.silent("empty");
  await empty.close();
  const page = await opened(browser, "fragment.html");
  const frame = page.frameLocator("iframe");
  await frame.locator("html[data-state=ready]").waitFor();
  check(await frame.locator("section").count() === 1, "the fragment has the timeline alone");
  await frame.locator("#tracks").focus();
  await page.keyboard.press("n");
  check(await frame.locator(".details-title").count() === 1, "the fragment has its keys");
  page.silent("fragment");
  await page.close();
}

/** Detectors on real recordings and on films, against what `tal evaluate --json` prints. */
async function real(browser) {
  for (const { page: name, figures } of JSON.parse(readFileSync(join(folder, "real.json"), "utf8"))) {
    console.log(`page ${name}`);
    const page = await opened(browser, name);
    await figuresAreShown(page, figures);
    const { num_recordings: recordings } = figures[0].counts;
    check(await page.locator("#timeline .list li").count() === recordings, `${recordings} recordings are listed`);
    await page.locator("#tracks").focus();
    await page.keyboard.press("n");
    check(await page.locator(".details-title").count() === 1, "the next false positive is found");
    await accessible(page, name);
    await page.screenshot({ path: join(folder, name.replace(".html", ".png")), fullPage: true });
    page.silent(name);
    await page.close();
  }
}

const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
try {
  for (const part of [demo, hostile, others, large, real, pictures]) {
    await part(browser);
  }
} finally {
  await browser.close();
}
if (failures > 0) {
  console.log(`${failures} checks failed`);
  process.exitCode = 1;
}
