// Legend, period, order, language, keyboard: what is chosen is shown, and stays in the address.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch, open, settled, visit } from "./browser.mjs";
import { demo } from "./service.mjs";

describe("choices", () => {
  let service, browser, page;
  before(async () => {
    [service, browser] = await Promise.all([demo(), launch()]);
    page = await open(browser, service);
  });
  after(async () => {
    assert.deepEqual(page.noticed, []);
    await browser?.close();
    await service?.stop();
  });

  const query = () => Object.fromEntries(new URL(page.url()).searchParams);
  const choose = async (name, value) => {
    await page.locator(`label:has(> input[name="${name}"][value="${value}"])`).click();
    await settled(page);
  };
  const pressed = () => page.locator(".chip").evaluateAll((all) => all.map((one) => one.getAttribute("aria-pressed") === "true"));

  test("a choice changes the address, the usual one leaves it", async () => {
    await visit(page, service, "threats");
    await choose("n", "5");
    await choose("by", "count");
    await choose("order", "lowest");
    assert.deepEqual(query(), { n: "5", by: "count", order: "lowest" });
    assert.equal(await page.locator(".rank").count(), 5);
    await choose("order", "highest");
    assert.deepEqual(query(), { n: "5", by: "count" });
  });

  test("the view changes without losing the choice, and a link shows it again", async () => {
    const first = await page.locator(".rank-name").allInnerTexts();
    await choose("view", "evolution");
    const names = await page.locator(".chip").allInnerTexts();
    assert.deepEqual(names, first.map((name) => name.replace(/^\d+\. /, "")));
    await page.locator(".chip").nth(1).click();
    await settled(page);
    await choose("period", "week");
    assert.equal(Object.keys(query()).length, 5);
    const other = await open(browser, service);
    await other.goto(page.url(), { waitUntil: "networkidle" });
    assert.deepEqual(await other.locator(".chip").allInnerTexts(), names);
    assert.equal(await other.locator('.chip[aria-pressed="false"]').count(), 1);
    await other.context().close();
  });

  test("the legend hides, inverts and shows all, by keyboard too", async () => {
    assert.deepEqual(await pressed(), [true, false, true, true, true]);
    await page.locator('[data-action="invert"]').click();
    await settled(page);
    assert.deepEqual(await pressed(), [false, true, false, false, false]);
    await page.locator(".chip").first().focus();
    await page.keyboard.press("Space");
    await settled(page);
    assert.deepEqual(await pressed(), [true, true, false, false, false]);
    assert.equal(await page.evaluate(() => document.activeElement.className), "chip");
    await page.locator('[data-action="all"]').click();
    await settled(page);
    assert.deepEqual(await pressed(), [true, true, true, true, true]);
    assert.equal(query().hide, undefined);
  });

  test("the language switch keeps the choices", async () => {
    const before = query();
    await page.locator('.languages a[lang="fr"]').click();
    await settled(page);
    assert.deepEqual(query(), { ...before, lang: "fr" });
    assert.equal(await page.locator("h1").innerText(), "Menaces");
    const menu = await page.locator(".menu a").evaluateAll((all) => all.map((one) => new URL(one.href).search));
    assert.ok(menu.every((search) => search === "?lang=fr"), String(menu));
  });

  test("numbers and dates are written in the language", async () => {
    await visit(page, service, "?lang=de");
    const text = await page.locator("main").innerText();
    assert.match(text, /\d,\d/);
    assert.match(text, /\d{1,2}\. \p{L}+\.? 20\d\d/u);
    assert.match(text, /\d\.\d{3} Statistiken/);
  });

  test("a threat tells its names and numbers", async () => {
    await visit(page, service, "threats");
    await page.locator(".rank").first().focus();
    await page.keyboard.press("Enter");
    const dialog = page.locator("dialog[open]");
    await dialog.waitFor();
    assert.deepEqual(await dialog.locator("dd[lang]").evaluateAll((all) => all.map((one) => one.lang)), ["fr", "en", "de", "nl"]);
    assert.match(await dialog.innerText(), /UUID [0-9a-f-]{36}/);
    assert.equal(await dialog.locator("a").count(), 0);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert.equal(await page.evaluate(() => document.activeElement.className), "rank");
  });

  test("a threat that is on MOSP has a link to it", async () => {
    const url = "https://mosp.example/object/1";
    await page.route("**/mosp/*.json", (route) => route.fulfill({ json: { published: true, url, objects: [] } }));
    await visit(page, service, "threats");
    await page.locator(".rank").first().click();
    await page.locator(`dialog a[href="${url}"]`).waitFor();
    await page.unroute("**/mosp/*.json");
    await page.locator("dialog button").click();
  });

  test("the theme that was chosen stays", async () => {
    await page.locator("#theme").click();
    assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
    await visit(page, service, "risks");
    assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  });

  test("the addresses of the reference work", async () => {
    await visit(page, service, "evolution");
    assert.ok((await page.locator(".chip").count()) > 0);
    await visit(page, service, "about/more");
    assert.ok((await page.locator(".licence").count()) > 50);
    const licence = page.locator(".licence", { hasText: "serde_json" });
    await licence.locator("summary").click();
    await licence.locator("pre", { hasText: "Permission is hereby granted" }).waitFor();
  });

  test("a request can be tried on the page of the API", async () => {
    await visit(page, service, "api/v1/");
    const one = page.locator("details.operation", { hasText: "/stats/summary.json" });
    await one.locator("summary").click();
    await one.locator("form button").click();
    await page.waitForFunction(() => document.querySelector("details[open] .answer").textContent.includes("analyses"));
    assert.match(await one.locator(".answer").innerText(), /^200 OK/);
  });
});
