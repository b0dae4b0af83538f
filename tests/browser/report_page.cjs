// Opens a report in Chromium and prints, as JSON, what a reader finds there: see tests/test_report_html.py.
"use strict";
const { chromium } = require("playwright-core");
const axe = require("fs").readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [file, executablePath, pdf] = process.argv.slice(2);
const found = { errors: [], requests: [], axe: [], wide: [] };

async function opened(browser, width, colorScheme, javaScriptEnabled = true, fragment = "") {
  const page = await (await browser.newContext({ viewport: { width, height: 900 }, colorScheme, javaScriptEnabled })).newPage();
  page.on("console", (message) => found.errors.push(message.text()));
  page.on("pageerror", (error) => found.errors.push(error.message));
  page.on("request", (request) => found.requests.push(request.url()));
  page.on("dialog", (dialog) => {
    found.errors.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.goto(`file://${file}${fragment}`);
  return page;
}

async function looked(page, at) {
  await page.evaluate(`${axe};0`);
  const { violations, passes } = await page.evaluate(() => axe.run());
  found.axe.push({ at, passes: passes.length, violations: violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)}`) });
  if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) found.wide.push(at);
}

const names = (page) => page.locator("ol.rules > li:visible a.name").allTextContents();

(async () => {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 400]) {
      const page = await opened(browser, width, colorScheme);
      await looked(page, `overview ${colorScheme} ${width}`);
      await page.locator("ol.rules a.name").first().click();
      await page.waitForSelector("#rule:not([hidden])");
      await looked(page, `rule ${colorScheme} ${width}`);
      await page.context().close();
    }
  }
  const page = await opened(browser, 1280, "light");
  const long = page.locator(".folded > li");
  found.rows = [await long.count(), await long.filter({ visible: true }).count()];
  await page.emulateMedia({ media: "print" });
  found.rows.push(await long.filter({ visible: true }).count());
  await page.emulateMedia({ media: "screen" });
  await page.getByRole("button", { name: "Show all" }).press("Enter");
  found.unfolded = [await page.locator(".folded").count(), await page.getByRole("button", { name: "Show fewer" }).getAttribute("aria-expanded")];
  found.all = await names(page);
  await page.getByLabel("Search").fill("SIGNINLOGS");
  found.searched = await names(page);
  found.told = await page.locator("#found").textContent();
  await page.getByRole("button", { name: "Clear" }).click();
  await page.getByLabel("Verdict").selectOption("failed");
  found.failed = await names(page);
  await page.getByRole("button", { name: "Clear" }).click();
  await page.waitForFunction((n) => document.querySelectorAll("ol.rules > li:not([hidden])").length === n, found.all.length);
  await page.getByLabel("Order").selectOption("name");
  found.ordered = await names(page);

  await page.getByRole("link", { name: found.all[0], exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.waitForSelector("#rule:not([hidden])");
  found.title = await page.locator("#rule h2").textContent();
  await page.locator(".sides > .stays").waitFor();
  await page.setViewportSize({ width: 1280, height: 200 });
  found.stayed = await page.evaluate(() => {
    document.querySelector('[role="tabpanel"]:not([hidden])').scrollIntoView({ block: "end" });
    const at = document.querySelector(".sides > .stays").getBoundingClientRect();
    return at.bottom > 0;
  });
  await page.setViewportSize({ width: 1280, height: 900 });
  found.focused = await page.evaluate(() => document.activeElement.id);
  found.marked = await page.locator("mark").allTextContents();
  await page.locator(".ref").first().press("Enter");
  found.led = await page.evaluate(() => document.activeElement.id);
  const tab = () => page.locator('[role="tab"][aria-selected="true"]').textContent();
  await page.locator('[role="tab"][aria-selected="true"]').press("ArrowRight");
  found.next = await tab();
  await page.keyboard.press("Home");
  found.first = await tab();
  found.texts = await page.locator('[role="tabpanel"]:visible .text-block').allTextContents();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.locator('[role="tabpanel"]:visible .copy').first().press("Enter");
  await page.getByRole("button", { name: "Copied" }).waitFor();
  found.copied = await page.evaluate(() => navigator.clipboard.readText());
  found.events = await page.locator('[role="tabpanel"]:visible .events').count();
  await page.pdf({ path: pdf });
  await page.goBack();
  await page.waitForSelector("#overview:not([hidden])");
  found.back = await page.evaluate(() => document.activeElement.textContent);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#rule:not([hidden])");
  await page.keyboard.press("Escape");
  await page.waitForSelector("#overview:not([hidden])");
  found.closed = await page.evaluate(() => document.activeElement.textContent);
  await page.context().close();

  const first = await opened(browser, 1280, "light");
  await first.getByLabel("Search").fill("a broken");
  await first.getByLabel("Verdict").selectOption("failed");
  await first.getByLabel("Order").selectOption("name");
  found.address = await first.evaluate(() => location.hash);
  await first.locator("ol.rules > li:visible a.name").click();
  await first.getByRole("link", { name: "All rules" }).click();
  found.returned = await first.evaluate(() => location.hash);
  await first.context().close();
  const linked = await opened(browser, 1280, "light", true, found.address);
  found.linked = [await names(linked), await linked.getByLabel("Verdict").inputValue(), await linked.getByLabel("Order").inputValue()];
  await linked.getByRole("button", { name: "Clear" }).click();
  await linked.waitForFunction(() => location.hash === "#rules");
  await linked.evaluate(() => (location.hash = "#rules?verdict=never&order=name&text=sign-in"));
  await linked.waitForFunction(() => document.querySelectorAll("ol.rules > li:not([hidden])").length === 1);
  found.unknown = await names(linked);
  await linked.context().close();

  const plain = await opened(browser, 1280, "light", false);
  found.plain = await names(plain);
  found.form = await plain.locator("#filters").isVisible();
  await browser.close();
  console.log(JSON.stringify(found));
})();
