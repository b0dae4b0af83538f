// Uses the page of `kql2sigma serve` in Chromium and prints, as JSON, what somebody finds there: see tests/test_serve_page.py.
"use strict";
const { chromium } = require("playwright-core");
const fs = require("fs");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [url, executablePath, given, pictures] = process.argv.slice(2);
const { typed, hostile, mapped, mapping, file, other, archive, saved } = JSON.parse(given);
const found = { errors: [], requests: [], axe: [], wide: [] };

async function opened(browser) {
  const page = await (await browser.newContext({ acceptDownloads: true })).newPage();
  page.on("console", (message) => found.errors.push(message.text()));
  page.on("pageerror", (error) => found.errors.push(error.message));
  page.on("request", (request) => found.requests.push(request.url()));
  page.on("dialog", (dialog) => {
    found.errors.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.goto(url);
  return page;
}

const idle = (page) => page.waitForFunction(() => document.getElementById("outputs").getAttribute("aria-busy") === "false" && /(converted|failed)\.|Not |Nothing|Refused/.test(document.getElementById("state").textContent), undefined, { timeout: 120_000 }).catch(async (error) => {
  throw new Error(`${error.message} The page says: ${await page.locator("#state").textContent()}`);
});

async function looked(page, what, colorScheme, width) {
  const at = `${what} ${colorScheme} ${width}`;
  await page.setViewportSize({ width, height: 1000 });
  await page.emulateMedia({ colorScheme });
  await page.evaluate(`${axe};0`);
  const { violations, passes } = await page.evaluate(() => axe.run());
  found.axe.push({ at, passes: passes.length, violations: violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)} ${v.nodes[0].failureSummary}`) });
  if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) found.wide.push(at);
  if (pictures) await page.screenshot({ path: `${pictures}/${at.replaceAll(" ", "-")}.png`, fullPage: true });
}

const texts = (page) => page.locator('[role="tabpanel"]:visible .text-block').allTextContents();
const tabs = (page) => page.locator('[role="tab"]').allTextContents();

async function fill(page, selector, text) {
  await page.locator(selector).fill(text);
  await page.waitForFunction(() => document.getElementById("outputs").getAttribute("aria-busy") === "true");
  await idle(page);
}

async function dropped(page, ...paths) {
  const files = paths.map((path) => [path.split("/").pop(), fs.readFileSync(path).toString("base64")]);
  await page.evaluate((files) => {
    const transfer = new DataTransfer();
    for (const [name, data] of files) transfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name));
    dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }, files);
  await page.waitForFunction((name) => document.getElementById("name").textContent === name, files.length > 1 ? "files.zip" : files[0][0]);
  await idle(page);
}

(async () => {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const page = await opened(browser);
  await idle(page);
  for (const colorScheme of ["dark", "light"]) for (const width of [400, 1280]) await looked(page, "example", colorScheme, width);
  found.example = await tabs(page);
  await page.getByLabel("Try on events").uncheck();
  await idle(page);
  found.untried = await tabs(page);

  await page.locator("#source").fill("SigninLogs | whe");
  await page.locator("#source").fill(typed);
  await idle(page);
  found.tabs = await tabs(page);
  await page.getByRole("tab", { name: "Splunk" }).click();
  found.chosen = await page.locator('[role="tab"][aria-selected="true"]').textContent();
  found.texts = await texts(page);
  await page.locator('[role="tab"][aria-selected="true"]').press("End");
  found.last = await page.locator('[role="tab"][aria-selected="true"]').textContent();
  await page.keyboard.press("Home");
  found.sigma = await texts(page);

  // a deviation in the text, and beside it
  found.marked = await page.locator("#marks mark").allTextContents();
  const mark = page.locator("#marks mark").first();
  const box = await mark.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  found.hovered = await page.locator(".said > li.on").count();
  found.here = await page.locator("#here").textContent();
  await page.mouse.move(0, 0);
  await page.locator("#said li button").first().hover();
  found.lit = await page.locator("#marks mark.on").count();
  await page.locator("#said li button").first().press("Enter");
  found.selected = await page.evaluate(() => document.getElementById("source").value.slice(document.getElementById("source").selectionStart, document.getElementById("source").selectionEnd));
  found.focused = await page.evaluate(() => document.activeElement.id);
  await page.keyboard.press("ArrowLeft");
  await page.waitForFunction(() => document.querySelector(".said > li.on"));

  // the mapping
  await fill(page, "#source", mapped);
  found.before = await texts(page);
  await page.getByRole("tab", { name: "Splunk" }).click();
  await page.locator("#site > summary").click();
  await page.getByRole("button", { name: "Add what Splunk lacks" }).click();
  await idle(page);
  found.template = await page.locator("#mapping").inputValue();
  await fill(page, "#mapping", mapping.replace("index", "indx"));
  await fill(page, "#mapping", "splunk:\n  Gate_CL: 1\n");
  found.wrong = await page.locator("#mapping-says").textContent();
  await looked(page, "mapping", "light", 400);
  await page.setViewportSize({ width: 1280, height: 1000 });
  found.without = await page.locator('[role="tab"]').count();
  await fill(page, "#mapping", mapping);
  found.mapped = await texts(page);

  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#download").click()]);
  found.download = download.suggestedFilename();
  await download.saveAs(saved);
  await fill(page, "#mapping", "");

  await page.locator("#fields").selectOption("source");
  await idle(page);
  found.source = [await tabs(page), await texts(page)];
  await page.locator("#fields").selectOption("target");
  await idle(page);

  // files, and texts that would be markup
  await page.getByRole("tab", { name: "Sigma" }).click();
  await dropped(page, file);
  found.dropped = await page.locator("#title").textContent();
  found.name = await page.locator("#name").textContent();
  found.marks = await page.locator("#marks mark").allTextContents();
  await dropped(page, archive);
  found.archived = await page.locator("#rule option").allTextContents();
  await page.locator("#rule").selectOption("1");
  found.second = await page.locator("#title").textContent();
  await looked(page, "archive", "light", 1280);
  await dropped(page, file, other);
  found.several = await page.locator("#rule option").allTextContents();
  await page.locator("#close").click();
  await idle(page);
  found.nothing = await page.locator("#state").textContent();
  await fill(page, "#source", hostile);
  found.hostile = await page.locator("#title").textContent();
  found.scripts = await page.locator("script").count();

  await fill(page, "#source", "SigninLogs\n| where (");
  found.failed = await page.locator("#outputs").textContent();
  found.faults = await page.locator("#marks mark.k-error").allTextContents();
  await looked(page, "failed", "light", 1280);
  // a server that has others first, refuses, or is gone
  await page.context().close();
  const refusing = await browser.newPage();
  await refusing.route("**/convert", (route) => route.fulfill({ status: 503, json: { problem: "32 others wait already" } }));
  await refusing.goto(url);
  await refusing.locator("#again").waitFor();
  found.refused = await refusing.locator("#state").textContent();
  await refusing.unroute("**/convert");
  const waited = { status: 503, headers: { "Retry-After": "0" }, json: { problem: "32 others wait already" } };
  let busy = 2; // counted here: a request sent while Playwright takes an expired handler away may never be answered
  await refusing.route("**/convert", (route) => (busy-- > 0 ? route.fulfill(waited) : route.continue()));
  await refusing.locator("#again").click();
  await idle(refusing);
  found.waited = await refusing.locator("#state").textContent();
  await refusing.route("**/convert", (route) => route.abort());
  await refusing.locator("#source").press("End");
  await refusing.locator("#source").pressSequentially(" ");
  await refusing.locator("#again").click();
  await refusing.waitForFunction(() => /answer/.test(document.getElementById("state").textContent));
  found.gone = await refusing.locator("#state").textContent();
  await refusing.unroute("**/convert");
  await refusing.locator("#again").click();
  await idle(refusing);
  found.again = [await refusing.locator("#state").textContent(), await refusing.locator("#again").isVisible()];
  await browser.close();
  console.log(JSON.stringify(found));
})();
