// A Chromium that notices whatever must not happen: messages, errors, requests that leave the origin.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export { json, trends } from "./service.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

/** A page whose misdeeds are collected in `page.noticed`. */
export async function open(browser, service, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en", ...options });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  page.noticed = [];
  page.on("console", (message) => page.noticed.push(`${message.type()}: ${message.text()}`));
  // Errors that are no exceptions, such as those of a ResizeObserver, reach the window alone.
  await page.addInitScript(() => addEventListener("error", ({ message }) => message && console.error(message)));
  page.on("pageerror", (error) => page.noticed.push(`error: ${error.message}`));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${service.address}/`) && !/^(data|blob):/.test(url)) page.noticed.push(`leaves: ${url}`);
  });
  return page;
}

/** Goes to a path and waits until everything on it has come. */
export async function visit(page, service, path) {
  // Modules run before the page counts as loaded, so by then it has said what it waits for.
  await page.goto(`${service.address}/${path}`, { waitUntil: "load" });
  await settled(page);
}

/** Waits until nothing is on its way any more. */
export async function settled(page) {
  await page.waitForFunction(() => !document.querySelector("[aria-busy], .loading"));
}

/** What axe-core finds wrong, a line each. */
export async function accessibility(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => /** @type {any} */ (window).axe.run(document, { resultTypes: ["violations"] }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
}

/** The table view of a figure: its header and its rows, numbers as numbers. */
export async function tableOf(page, id) {
  const figure = page.locator(`[id="${id}"]`);
  const button = figure.locator("button[aria-expanded]");
  if ((await button.getAttribute("aria-expanded")) === "false") await button.click();
  return figure.locator(".numbers table").evaluate((table) => ({
    head: [...table.tHead.rows[0].cells].map((cell) => cell.textContent),
    rows: [...table.tBodies[0].rows].map((row) =>
      [...row.cells].map((cell) => ("value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent)),
    ),
  }));
}
