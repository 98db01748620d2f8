// Legend, period, order, language, keyboard: what is chosen is shown, and stays in the address.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { json, launch, open, settled, visit } from "./browser.mjs";
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
    await choose("days", "365");
    const first = await page.locator(".rank-name").allInnerTexts();
    await choose("view", "evolution");
    // The order is that of the year; now it may be another one.
    const names = await page.locator(".chip").allInnerTexts();
    assert.deepEqual(
      names,
      first.map((name) => name.replace(/^\d+\. /, "")),
    );
    await page.locator(".chip").nth(1).click();
    await settled(page);
    await choose("period", "week");
    assert.deepEqual(Object.keys(query()).sort(), ["by", "days", "hide", "n", "period", "view"]);
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
    assert.equal(await page.evaluate(() => document.activeElement?.className), "chip");
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
    assert.ok(
      menu.every((search) => new URLSearchParams(search).get("lang") === "fr"),
      String(menu),
    );
  });

  test("numbers and dates are written in the language", async () => {
    await visit(page, service, "?lang=de");
    const text = await page.locator("main").innerText();
    assert.match(text, /\d,\d/);
    assert.match(text, /\d{1,2}\. \p{L}+\.? 20\d\d/u);
    assert.match(text, /\d\.\d{3} Statistiken/);
    assert.match(text, /7 Analysen/);
  });

  test("a threat has a page with its numbers, its rank, its names and its line", async () => {
    await visit(page, service, "threats?lang=en");
    const [first] = await page.locator(".rank-name").allInnerTexts();
    await page.locator(".rank").first().focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/threats\/[0-9a-f-]{36}\?lang=en$/);
    await settled(page);
    assert.equal(await page.locator("h1").innerText(), first.replace(/^\d+\. /, ""));
    assert.deepEqual(await page.locator("dd[lang]").evaluateAll((all) => all.map((one) => one.lang)), ["fr", "en", "de", "nl"]);
    const text = await page.locator("main").innerText();
    assert.match(text, /rank 1 of \d+/);
    assert.match(text, /in \d of 7 analyses/);
    assert.match(text, /UUID\s+[0-9a-f-]{36}/);
    assert.equal(await page.locator("#object-evolution canvas").count(), 1);
    await page.goBack();
    await settled(page);
    assert.ok((await page.locator(".rank").count()) > 0);
  });

  test("a threat says whether it is on MOSP, and how to add it", async () => {
    const url = "https://mosp.example/object/1";
    const object = await page.locator(".rank").first().getAttribute("data-object");
    for (const [answer, link] of [
      [{ published: true, url, objects: [] }, url],
      [{ published: false, url: null, objects: [] }, "https://objects.monarc.lu"],
    ]) {
      await page.route("**/mosp/*.json", (route) => route.fulfill({ json: answer }));
      await visit(page, service, `threats/${object}`);
      await page.locator(`main a[href="${link}"]`).waitFor();
      await page.unroute("**/mosp/*.json");
    }
  });

  test("Back undoes a choice, and the choice of time goes along to the next page", async () => {
    await visit(page, service, "risks?lang=en");
    await choose("days", "90");
    assert.deepEqual(query(), { lang: "en", days: "90" });
    assert.equal(await page.locator('input[name="period"]:checked').inputValue(), "week");
    await choose("period", "day");
    await page.goBack();
    await settled(page);
    assert.deepEqual(query(), { lang: "en", days: "90" });
    assert.equal(await page.locator('input[name="period"]:checked').inputValue(), "week");
    await page.locator('.menu a[href*="cartography"]').click();
    await settled(page);
    assert.deepEqual(query(), { lang: "en", days: "90" });
  });

  test("a table can be sorted and searched, and stays open", async () => {
    await visit(page, service, "threats?n=15");
    await page.locator("button[aria-expanded]").click();
    await choose("by", "count");
    const counts = () =>
      page.locator(".numbers tbody tr td:nth-child(3)").evaluateAll((all) => all.map((one) => Number(one.dataset.value)));
    assert.equal((await counts()).length, 15);
    await page.locator(".numbers .sort").nth(2).click();
    await page.locator(".numbers .sort").nth(2).click();
    const sorted = await counts();
    assert.deepEqual(
      sorted,
      [...sorted].sort((a, b) => a - b),
    );
    const name = await page.locator(".numbers tbody th").nth(4).innerText();
    await page.locator(".numbers .search").fill(name.toUpperCase());
    assert.deepEqual(await page.locator(".numbers tbody th").allInnerTexts(), [name]);
  });

  test("all lines of an evolution are there, and can be found", async () => {
    const all = await json(service, "stats/threats.json?days=365&period=month");
    await visit(page, service, "threats?view=evolution&n=all&few=1");
    assert.equal(await page.locator(".chip").count(), all.length);
    const name = await page.locator(".chip").nth(30).innerText();
    await page.locator(".legend .search").fill(name);
    assert.deepEqual(await page.locator(".chip:visible").allInnerTexts(), [name]);
  });

  test("what few analyses have is left out unless somebody asks for it", async () => {
    const { objects } = await json(service, "stats/compared.json?type=threat");
    await visit(page, service, "threats?n=all");
    const shown = await page.locator(".rank").evaluateAll((all) => all.map((one) => one.dataset.object));
    assert.deepEqual(
      shown.sort(),
      Object.keys(objects)
        .filter((one) => objects[one] >= 3)
        .sort(),
    );
    await choose("few", "1");
    assert.equal(await page.locator(".rank").count(), Object.keys(objects).length);
  });

  test("a chosen language is kept for the next visit", async () => {
    await visit(page, service, "threats");
    await page.locator('.languages a[lang="nl"]').click();
    await settled(page);
    await visit(page, service, "help");
    assert.equal(await page.locator("html").getAttribute("lang"), "nl");
    await page.locator('.languages a[lang="en"]').click();
    await settled(page);
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
    await page.waitForFunction(() => document.querySelector("details[open] .answer")?.textContent.includes("analyses"));
    assert.match(await one.locator(".answer").innerText(), /^200 OK/);
  });
});
