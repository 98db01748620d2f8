// The main ways through the dashboard in the other engines: pages, choices, languages, exports, and the report on paper.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { filled } from "../analyses.mjs";
import { demo, json, PAGES, trends } from "../service.mjs";
import { printed, printedByFirefox, printedByWebkit } from "./paper.mjs";
import { watched } from "./watched.mjs";
import { firefox, webkit } from "./webdriver.mjs";

const LANGUAGES = ["en", "fr", "de", "nl"];
const EVERY = [...PAGES, "cartography?risk=operational", "map", "api/v1/"];

const ENGINES = /** @type {const} */ ([
  ["Firefox", firefox, printedByFirefox],
  ["WebKitGTK", webkit, printedByWebkit],
]);

for (const [engine, start, print] of ENGINES) {
  describe(engine, () => {
    let service, proxy, browser;
    before(async () => {
      service = await demo();
      await trends(service);
      proxy = await watched(service);
      browser = await start();
    });
    after(async () => {
      await browser?.end();
      proxy?.stop();
      await service?.stop();
      // What the last page had to tell has come by now.
      assert.deepEqual(proxy?.noticed, []);
    });

    const visit = (path) => browser.visit(`${proxy.address}/${path}`);
    const query = async () => Object.fromEntries(new URL(await browser.run(() => location.href)).searchParams);
    const choose = async (name, value) => {
      await browser.click(`label:has(> input[name="${name}"][value="${value}"])`);
      await browser.until((name, value) => new URLSearchParams(location.search).get(name) === value, name, value);
    };
    const first = async (css, property) => (await browser.read(css, property))[0];
    const chosen = (name) => first(`input[name="${name}"]:checked`, "value");
    const title = () => first("h1", "innerText");

    async function everyPage(language) {
      const [{ object }] = await json(service, "stats/threats.json");
      for (const path of EVERY) {
        await visit(`${path.replace("OBJECT", object)}${path.includes("?") ? "&" : "?"}lang=${language}`);
        const seen = await browser.run(() => ({
          language: document.documentElement.lang,
          titles: document.querySelectorAll("h1").length,
          problems: document.querySelectorAll(".problem").length,
          beyond: document.documentElement.scrollWidth > innerWidth,
          blank: [...document.querySelectorAll(".canvas")].filter((one) => !one.querySelector("canvas")).length,
        }));
        assert.deepEqual(seen, { language, titles: 1, problems: 0, beyond: false, blank: 0 }, path);
        assert.deepEqual(proxy.noticed, [], path);
      }
    }

    for (const language of LANGUAGES) test(`every page in ${language}`, () => everyPage(language));

    test("the links of the menu lead to every page", async () => {
      await visit("?lang=en");
      const links = await browser.read(".menu a", "href");
      assert.ok(links.length >= 8, String(links));
      for (const [index, href] of links.entries()) {
        await browser.click(`.menu li:nth-child(${index + 1}) a`);
        await browser.until((href) => location.href === href, href);
        assert.deepEqual(await browser.read('.menu a[aria-current="page"]', "href"), [href]);
        assert.ok(await title());
      }
    });

    test("a choice is in the address, and Back undoes it", async () => {
      await visit("risks?lang=en");
      await choose("days", "90");
      assert.deepEqual(await query(), { lang: "en", days: "90" });
      assert.equal(await chosen("period"), "week");
      await choose("period", "day");
      await browser.back();
      await browser.until(() => document.querySelector('input[name="period"][value="week"]:checked'));
      assert.deepEqual(await query(), { lang: "en", days: "90" });
      await browser.click('.menu a[href*="cartography"]');
      await browser.until(() => location.pathname === "/cartography");
      assert.deepEqual(await query(), { lang: "en", days: "90" });
    });

    test("a language that was chosen stays", async () => {
      await visit("threats?lang=en");
      for (const [language, name] of [
        ["fr", "Menaces"],
        ["nl", "Dreigingen"],
      ]) {
        await browser.click(`.languages a[lang="${language}"]`);
        await browser.until((language) => document.documentElement.lang === language, language);
        assert.equal(await title(), name);
        await visit("help");
        assert.equal(await browser.run(() => document.documentElement.lang), language);
        await visit("threats");
      }
    });

    test("a theme that was chosen stays", async () => {
      const theme = () => browser.run(() => document.documentElement.dataset.theme);
      await visit("risks?lang=en");
      const before = await theme();
      await browser.click("#theme");
      const other = await theme();
      assert.notEqual(other, before);
      await visit("threats?lang=en");
      assert.equal(await theme(), other);
      await browser.click("#theme");
    });

    test("the page of a threat, and back to the ranking", async () => {
      await visit("threats?lang=en");
      const name = await first(".rank-name", "innerText");
      await browser.click(".rank");
      await browser.until(() => /^\/threats\/[0-9a-f-]{36}$/.test(location.pathname));
      assert.equal(await title(), name.replace(/^\d+\. /, ""));
      assert.match(await first("main", "innerText"), /rank 1 of \d+/);
      await browser.back();
      await browser.until(() => location.pathname === "/threats" && document.querySelectorAll(".rank").length > 1);
    });

    test("a legend hides a line", async () => {
      await visit("threats?view=evolution&n=5&lang=en");
      await browser.click(".chip");
      await browser.until(() => new URLSearchParams(location.search).has("hide"));
      assert.equal(await first(".chip", "ariaPressed"), "false");
    });

    for (const [path, id] of [
      ["threats", "threats-ranking"],
      ["risks", "trend-operational"],
      ["map", "clients"],
    ]) {
      test(`pictures and tables of ${id} are saved, and the link to its numbers answers`, async () => {
        await visit(`${path}?lang=en`);
        const saved = (form, ending) =>
          browser.saved(`monarc-${id}${ending}`, async () => {
            await browser.click(`[id="${id}"] .exports summary`);
            await browser.click(`[id="${id}"] button[data-form="${form}"]`);
          });
        const png = await saved("png", ".png");
        assert.equal(png.toString("latin1", 1, 4), "PNG");
        assert.equal(png.readUInt32BE(16), 2400);
        assert.match(String(await saved("svg", ".svg")), /^<svg [^]*<\/svg>$/);
        const [head, ...rows] = String(await saved("data", "-data.csv")).trim().split("\r\n");
        const table = await saved("spreadsheet", ".csv");
        assert.deepEqual([...table.subarray(0, 3)], [0xef, 0xbb, 0xbf]);
        assert.equal(String(table).trim().split("\r\n").length, 1 + rows.length);
        assert.ok(rows.length && head.includes(","));
        const address = await first(`[id="${id}"] a[data-form="address"]`, "href");
        const response = await fetch(address);
        assert.match(`${response.status} ${response.headers.get("content-type")}`, /^200 text\/csv/);
      });
    }

    test("every page in a window as narrow as a phone", async () => {
      const before = await browser.ask("GET", "/window/rect");
      await browser.narrow();
      await everyPage("de");
      const width = await browser.run(() => innerWidth);
      assert.ok(width < 544, `${width}`);
      await browser.ask("POST", "/window/rect", before);
    });

    /** The report is one sheet of A4, and what stands in it from its first line to its last is on that sheet. */
    async function isOnePage(address, about) {
      await browser.visit(address);
      const lines = await browser.read(".sheet :is(h2, .report-scope, .report-made, .report-sentences li, .report-method)", "textContent");
      const footer = await first("footer", "textContent");
      const { pages, width, height, text, left, top, right, bottom } = await printed(print, browser, address, `${engine}: ${about}`);
      assert.equal(pages, 1, about);
      assert.ok(Math.abs(width - 595) < 2 && Math.abs(height - 842) < 2, `${about}: ${width} × ${height}`);
      // Five millimetres are what the worst of printers leaves white.
      assert.ok(left > 14 && top > 14 && right < width - 14 && bottom < height - 14, `${about}: ${[left, top, right, bottom]}`);
      const bare = (words) => words.normalize("NFKC").replaceAll(/\s/g, "");
      assert.deepEqual(
        lines.filter((line) => !bare(text).includes(bare(line))),
        [],
        about,
      );
      assert.ok(lines.length > 9 && !bare(text).includes(bare(footer)), about);
    }

    for (const [about, make] of /** @type {const} */ ([
      ["a year of seven analyses", demo],
      ["one analysis of one day", () => filled(1, [0])],
      ["forty analyses with the longest names there are", () => filled(40)],
    ])) {
      test(`the report of ${about} is one page of A4 in every language`, async () => {
        const own = await make();
        try {
          await trends(own);
          for (const language of LANGUAGES) await isOnePage(`${own.address}/report?lang=${language}`, `${about} ${language}`);
        } finally {
          await own.stop();
        }
      });
    }
  });
}
