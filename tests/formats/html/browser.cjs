// What Chromium makes of pages: node browser.cjs CHROMIUM FILE..., as JSON to the standard output, an object a page.
// With WIDTHS and both colour schemes: what axe-core objects to, what is too wide, what the console says; then what the
// script does that sorts and filters, by keyboard; and what there is without it.
const fs = require("fs");
const { pathToFileURL } = require("url");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const puppeteer = require("puppeteer-core");

const WIDTHS = [1280, 400];

// Runs in the page: what reaches beyond the window although nobody scrolled, of the page and of the columns of sizes.
function tooWide() {
  const beyond = [];
  if (document.documentElement.scrollWidth > innerWidth) beyond.push(`page ${document.documentElement.scrollWidth}`);
  for (const table of document.querySelectorAll("table:not(.stacked)")) {
    const heads = Array.from(table.tHead.rows[0].cells);
    const at = heads.findIndex((head) => /^Size$/.test(head.textContent));
    if (at < 0) continue;
    const group = table.closest("details");
    const wasOpen = group?.open;
    if (group) group.open = true;
    const right = Math.max(...Array.from(table.rows, (row) => row.cells[at].getBoundingClientRect().right));
    const edge = table.parentElement.getBoundingClientRect().right;
    if (right > edge + 1) beyond.push(`${table.closest("section").id} ${right} of ${edge}`);
    if (group) group.open = wasOpen;
  }
  return beyond;
}

// Runs in the page: the texts of a column of the first table in a section.
function column(section, head) {
  const table = document.querySelector(`#${section} table`);
  const at = Array.from(table.tHead.rows[0].cells).findIndex((cell) => cell.textContent === head);
  return {
    sort: table.tHead.rows[0].cells[at].getAttribute("aria-sort"),
    cells: Array.from(table.tBodies[0].rows, (row) => row.cells[at].textContent),
  };
}

// Runs in the page: the names of the groups of models that are open, and how many rows are not hidden.
function groups() {
  const all = Array.from(document.querySelectorAll("#models details"));
  return {
    open: all.filter((group) => group.open && !group.hidden).map((group) => group.querySelector("b").textContent),
    rows: all.flatMap((group) => Array.from(group.querySelectorAll("tbody tr"))).filter((row) => !row.hidden).length,
    shown: document.querySelector("#models output").textContent,
  };
}

async function pressed(page, section, head) {
  const button = await page.evaluateHandle(
    (id, text) => Array.from(document.querySelectorAll(`#${id} th button`)).find((it) => it.textContent === text),
    section,
    head,
  );
  await button.focus();
  await page.keyboard.press("Enter");
  return page.evaluate(column, section, head);
}

async function look(browser, url) {
  const page = await browser.newPage();
  const seen = { console: [], violations: [], wide: [] };
  page.on("console", (message) => seen.console.push(message.text()));
  page.on("pageerror", (error) => seen.console.push(String(error)));
  for (const width of WIDTHS) {
    for (const value of ["light", "dark"]) {
      await page.setViewport({ width, height: 900 });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value }]);
      await page.goto(url);
      seen.wide.push(...(await page.evaluate(tooWide)).map((text) => `${width}: ${text}`));
      // Chromium's own door, which the page's policy does not close.
      await page.evaluate(axe);
      const result = await page.evaluate(() => axe.run());
      seen.violations.push(
        ...result.violations.map((it) => `${width} ${value} ${it.id}: ${it.nodes.map((node) => node.html).slice(0, 3)}`),
      );
    }
  }
  await page.setViewport({ width: 1280, height: 900 });
  await page.goto(url);
  if (await page.$("#models .filter")) {
    seen.before = await page.evaluate(groups);
    seen.largestFirst = await pressed(page, "models", "Size");
    seen.smallestFirst = await pressed(page, "models", "Size");
    seen.params = await pressed(page, "models", "Params");
    seen.names = await pressed(page, "models", "Model");
    await page.focus("#models input");
    await page.keyboard.type("qwen q4_k");
    seen.filtered = await page.evaluate(groups);
    await page.$eval("#models input", (field) => field.select());
    await page.keyboard.press("Backspace");
    seen.after = await page.evaluate(groups);
  }
  await page.setJavaScriptEnabled(false);
  await page.goto(url);
  seen.plain = await page.$$eval("button, input", (all) => all.filter((it) => it.checkVisibility()).length);
  await page.close();
  return seen;
}

(async () => {
  const [executablePath, ...paths] = process.argv.slice(2);
  const browser = await puppeteer.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  const seen = [];
  for (const path of paths) seen.push(await look(browser, pathToFileURL(path).href));
  await browser.close();
  process.stdout.write(JSON.stringify(seen, null, 1));
})();
