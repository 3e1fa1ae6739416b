// Opening pages, waiting for them, pictures of them, and what axe-core says. No journey and no expectation lives here.
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

const modules = createRequire(path.join(process.env.WARD_MODULES, "package.json"));
const puppeteer = modules("puppeteer-core");
const axe = await readFile(modules.resolve("axe-core/axe.min.js"), "utf8");

export const WIDE = { width: 1440, height: 900 };
export const NARROW = { width: 390, height: 844 };

export async function browser() {
  const options = ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb", "--font-render-hinting=none", "--lang=en-GB"];
  return puppeteer.launch({ executablePath: process.env.WARD_CHROMIUM ?? "/usr/bin/chromium", args: options });
}

/** A page that remembers what went wrong in it: script errors, refused resources, failed requests. */
export async function open(chromium, base, { size = WIDE, dark = false } = {}) {
  const page = await chromium.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`script: ${error.message}`));
  page.on("console", (said) => { if (said.type() === "error") wrong.push(`console: ${said.text()}`); });
  page.on("response", (response) => { if (response.status() >= 500) wrong.push(`${response.status()} ${response.url()}`); });
  await page.setViewport(size);
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }, { name: "prefers-reduced-motion", value: "reduce" }]);
  return Object.assign(page, { base, wrong });
}

export async function go(page, where) {
  const response = await page.goto(new URL(where, page.base), { waitUntil: "load" });
  await page.waitForSelector("main");
  return response.status();
}

export const text = (page, selector) => page.$eval(selector, (found) => found.innerText);
export const here = (page) => page.evaluate(() => location.pathname + location.search);

/** Clicks, and waits until the page that comes of it is there, whether it was loaded or swapped in. */
export async function click(page, selector) {
  const before = await here(page);
  await page.waitForSelector(selector, { visible: true, timeout: 10_000 });
  await page.click(selector);
  await settled(page, before);
}

/** Presses keys one after the other; `then` is a path that must come of it. */
export async function press(page, keys, then) {
  for (const key of keys) await page.keyboard.press(key);
  if (then) await page.waitForFunction((path) => location.pathname === path && document.querySelector("main"), { timeout: 10_000 }, then);
  await quiet(page);
}

/** Tab until what has the focus matches; fails after `most` steps: then it cannot be reached by keyboard. */
export async function tabTo(page, selector, most = 200) {
  for (let step = 0; step < most; step += 1) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`${selector} cannot be reached with Tab in ${most} steps on ${await here(page)}`);
}

async function settled(page, before) {
  await page.waitForFunction((was) => location.pathname + location.search !== was || document.readyState === "complete", { timeout: 10_000 }, before);
  await quiet(page);
}

/** Nothing is being fetched but the stream. */
export async function quiet(page) {
  await page.waitForNetworkIdle({ idleTime: 150, concurrency: 1, timeout: 10_000 });
  await page.waitForSelector("main");
}

export async function shot(page, name, { whole = false } = {}) {
  await mkdir(process.env.WARD_SHOTS, { recursive: true });
  await page.screenshot({ path: path.join(process.env.WARD_SHOTS, `${name}.png`), fullPage: whole });
}

/** What axe-core finds wrong, one line each. */
export async function violations(page) {
  // Our policy lets no foreign script in; the checker comes from outside of the page.
  const client = await page.createCDPSession();
  await client.send("Runtime.evaluate", { expression: axe });
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await page.evaluate((values) => globalThis.axe.run({ runOnly: { type: "tag", values } }), tags);
  await client.detach();
  return found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${rule.help}: ${node.target.join(" ")}: ${node.failureSummary?.split("\n")[1]?.trim() ?? ""}`));
}
