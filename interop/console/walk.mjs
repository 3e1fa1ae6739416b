// The journeys: Now → device → evidence → network → ledger verify → time travel → export, by mouse and by keyboard alone;
// then every page in four looks, each with axe-core. Output is one line a check: `ok …` or `not ok …`.
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { NARROW, WIDE, browser, click, go, here, open, press, quiet, shot, tabTo, text, violations } from "./visit.mjs";

const base = process.argv[2];
let failed = 0;

async function check(name, act) {
  try {
    await act();
    console.log(`ok ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok ${name}: ${String(error.message ?? error).replaceAll("\n", " | ")}`);
  }
}

function must(holds, what) {
  if (!holds) throw new Error(what);
}

/** The job has ended, the page was drawn anew, and it says that every row holds. */
async function verified(page) {
  await page.waitForFunction(() => !document.querySelector("[data-job]") && /rows and .* entries verified: every row/i.test(document.querySelector("main")?.innerText ?? ""), { timeout: 60_000 });
  await quiet(page);
}

const chromium = await browser();

// What a newcomer sees first: a sentence that answers, and no failure in the page.
const mouse = await open(chromium, base);
let device = "";
await check("now: the page opens with what needs me", async () => {
  must((await go(mouse, "/")) === 200, "no page");
  const answer = await text(mouse, "p.answer");
  must(/\b104\b.*devices/.test(answer), `the answer does not count the devices: ${answer}`);
  must((await text(mouse, ".notice")).includes("simulated"), "what is simulated is not said");
});
await check("mouse: now → devices → device", async () => {
  await click(mouse, 'nav a[href="/devices"]');
  must((await here(mouse)).startsWith("/devices"), await here(mouse));
  await click(mouse, 'table.data tbody a[href^="/devices/d-"]');
  device = await mouse.evaluate(() => location.pathname);
  must(/^\/devices\/d-[0-9a-f]{16}$/.test(device), device);
});
await check("mouse: a value opens into its evidence", async () => {
  await mouse.click("details.why > summary");
  must(await mouse.$eval("details.why", (why) => why.open && why.innerText.length > 20), "no evidence");
});
await check("mouse: network, matrix and map", async () => {
  await click(mouse, 'nav a[href="/network"]');
  must(await mouse.$("svg.chart"), "no picture");
  must(await mouse.$("table"), "no table of the same data");
});
await check("mouse: the ledger is verified, with progress, and is whole", async () => {
  await click(mouse, 'nav a[href="/prove"]');
  await mouse.click("form[data-verify] button, button[data-verify]");
  await verified(mouse);
});
await check("mouse: the inventory as it was two weeks ago", async () => {
  const then = new Date(Date.now() - 14 * 86_400_000).toISOString().slice(0, 10);
  must((await go(mouse, `/devices?at=${then}`)) === 200, "no page");
  const answer = await text(mouse, "main");
  must(/as it was/i.test(answer), "the page does not say that it shows the past");
  const count = Number(/(\d+) devices?/.exec(await text(mouse, "p.answer"))?.[1]);
  must(count > 60 && count < 104, `${count} devices two weeks ago`);
});
await check("mouse: export", async () => {
  await go(mouse, "/devices");
  const where = await mouse.$eval('a[href*="/api/v1/devices.csv"]', (link) => link.href);
  const csv = await mouse.evaluate(async (url) => (await fetch(url)).text(), where);
  must(csv.trim().split("\n").length >= 105, `${csv.split("\n").length} lines`);
});

// The same without a mouse.
const keys = await open(chromium, base);
await check("keyboard: g d goes to the devices, / searches, Enter opens", async () => {
  await go(keys, "/");
  await press(keys, ["g", "d"], "/devices");
  await keys.keyboard.press("/");
  must(await keys.evaluate(() => document.activeElement?.matches("input[name=q]")), "/ does not lead to the search");
  await keys.keyboard.type("ventilator 00409d5a1207");
  await keys.keyboard.press("Escape");
  await tabTo(keys, 'main table.data a[href^="/devices/d-"]');
  await press(keys, ["Enter"]);
  must(/^\/devices\/d-/.test(await here(keys)), await here(keys));
});
await check("keyboard: evidence opens with Enter", async () => {
  await tabTo(keys, "details.why > summary");
  await keys.keyboard.press("Enter");
  must(await keys.evaluate(() => document.activeElement.parentElement.open), "closed");
});
await check("keyboard: network, prove, verify", async () => {
  await press(keys, ["g", "w"], "/network");
  await press(keys, ["g", "p"], "/prove");
  await tabTo(keys, "form[data-verify] button, button[data-verify]");
  await keys.keyboard.press("Enter");
  await verified(keys);
});
await check("keyboard: the palette finds a device by its address", async () => {
  await go(keys, "/");
  await keys.keyboard.down("Control");
  await keys.keyboard.press("k");
  await keys.keyboard.up("Control");
  await keys.keyboard.type("10.20.10.11");
  // The first that is offered is the device; "Search all devices for …" has the address in it, too, and is there at once.
  await keys.waitForFunction(() => {
    const first = document.querySelector("dialog[open] li");
    return /10\.20\.10\.11/.test(first?.innerText ?? "") && /device$/.test(first.innerText.trim());
  }, { timeout: 5_000 });
  await keys.keyboard.press("ArrowDown");
  await keys.keyboard.press("Enter");
  await keys.waitForFunction(() => location.pathname.startsWith("/devices/d-"), { timeout: 5_000 });
});
await check("keyboard: ? shows what the keys do", async () => {
  await keys.keyboard.press("?");
  await keys.waitForFunction(() => /search/i.test(document.querySelector("dialog[open]")?.innerText ?? ""), { timeout: 5_000 });
  await keys.keyboard.press("Escape");
});
await check("keyboard: time travel and export are reached with Tab", async () => {
  await go(keys, "/devices");
  await tabTo(keys, "details:has(input[name=at]) > summary");
  await keys.keyboard.press("Enter");
  await tabTo(keys, "input[name=at]");
  await tabTo(keys, 'a[href*="/api/v1/devices.csv"]');
});

// Without script: what can be read can be read.
await check("without script every room can be read", async () => {
  const plain = await open(chromium, base);
  await plain.setJavaScriptEnabled(false);
  for (const where of ["/", "/devices", device, "/network", "/prove", "/settings"]) {
    must((await go(plain, where)) === 200, where);
    must((await plain.$$("main h1")).length === 1, `${where} has no title`);
  }
  await plain.close();
});

// Every page in four looks; axe-core in each. The device is a ventilator: much is said of it, and by it.
const found = await (await fetch(new URL("/api/v1/devices?q=vela500&limit=1", base))).json();
device = `/devices/${found.items[0].id}`;
const PAGES = [
  ["now", "/"], ["devices", "/devices"], ["device", device], ["findings", "/findings"], ["network", "/network"], ["tasks", "/tasks"],
  ["reports", "/reports"], ["edits", "/edits"], ["prove", "/prove"], ["settings", "/settings"], ["zones", "/settings/zones"], ["mirror", "/help/mirror"],
];
for (const [size, width] of [[WIDE, 1440], [NARROW, 390]]) {
  for (const dark of [false, true]) {
    const page = await open(chromium, base, { size, dark });
    for (const [name, where] of PAGES) {
      const look = `${name}-${width}-${dark ? "dark" : "light"}`;
      await check(`${look}: fits, and axe-core finds nothing`, async () => {
        must((await go(page, where)) === 200, `status of ${where}`);
        await quiet(page);
        await shot(page, look);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        must(over <= 0, `the page is ${over} px wider than the screen`);
        const found = await violations(page);
        must(found.length === 0, `${found.length} violations: ${found.slice(0, 5).join(" ; ")}`);
      });
    }
    await check(`no script failed at ${width} px ${dark ? "dark" : "light"}`, async () => must(page.wrong.length === 0, page.wrong.slice(0, 3).join("; ")));
    await page.close();
  }
}
await check("no script failed on the way", async () => must(mouse.wrong.concat(keys.wrong).length === 0, mouse.wrong.concat(keys.wrong).slice(0, 3).join("; ")));

// Pictures of the console that guides show are those that were just made; other pictures are only there.
await check("the guides show pictures that this walk makes", async () => {
  const made = new Set(await readdir(process.env.WARD_SHOTS));
  const kept = await readdir(path.join(process.env.WARD_DOCS, "images")).catch(() => []);
  for (const name of kept) if (!PAGES.some(([page]) => name.startsWith(`${page}-`))) made.add(name);
  const pages = (await readdir(process.env.WARD_DOCS, { recursive: true })).filter((name) => name.endsWith(".md"));
  for (const name of [...pages.map((page) => path.join(process.env.WARD_DOCS, page)), path.join(process.env.WARD_DOCS, "../README.md")]) {
    for (const [, shown] of (await readFile(name, "utf8")).matchAll(/images\/([\w-]+\.png)/g)) must(made.has(shown), `${path.basename(name)} shows ${shown}`);
  }
});

await chromium.close();
process.exitCode = failed === 0 ? 0 : 1;
