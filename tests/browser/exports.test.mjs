// Exports parse, are whole, and hold the numbers of the page.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { json, launch, open, visit } from "./browser.mjs";
import { demo } from "./service.mjs";

/** RFC 4180, with any separator. */
function parse(text, separator) {
  /** @type {string[][]} */
  const rows = [[]];
  for (const [, quoted, plain, end] of text.matchAll(
    new RegExp(`(?:"((?:[^"]|"")*)"|([^"\\r\\n${separator}]*))(${separator}|\\r\\n|$)`, "g"),
  )) {
    if (quoted === undefined && plain === "" && end === "") break;
    rows.at(-1)?.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === "\r\n") rows.push([]);
  }
  return rows.filter((row) => row.length);
}

describe("exports", () => {
  let service, browser, page, elsewhere;
  before(async () => {
    [service, browser] = await Promise.all([demo(), launch()]);
    page = await open(browser, service);
    elsewhere = await browser.newPage();
  });
  after(async () => {
    assert.deepEqual(page.noticed, []);
    await browser?.close();
    await service?.stop();
  });

  async function saved(id, form) {
    const figure = page.locator(`[id="${id}"]`);
    const download = page.waitForEvent("download");
    await figure.locator(".exports summary").click();
    await figure.locator(`button[data-form="${form}"]`).click();
    const file = await download;
    return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
  }

  const CHARTS = [
    ["?", "levels-informational"],
    ["?", "top-threats"],
    ["threats?view=evolution", "threats-evolution"],
    ["threats?n=all", "threats-ranking"],
    ["threats?view=first", "threats-first"],
    ["risks", "trend-operational"],
    ["cartography", "cartography-residual"],
    ["cartography", "cartography-change"],
    ["compliance", "FIRST"],
    ["compliance?view=evolution", "FIRST"],
    ["map", "clients"],
  ];
  for (const [path, named] of CHARTS) {
    test(`pictures of ${named} of ${path}`, async () => {
      await visit(page, service, path);
      const id = named === "FIRST" ? await page.locator("figure").first().getAttribute("id") : named;
      const title = await page.locator(`[id="${id}"] h2`).innerText();
      const svg = await saved(id, "svg");
      assert.equal(svg.name, `monarc-${id}.svg`);
      // Parsed elsewhere: the page's policy would count for the picture's own styles as well.
      const found = await elsewhere.evaluate((text) => {
        const document = new DOMParser().parseFromString(text, "image/svg+xml");
        const { documentElement: svg } = document;
        const texts = [...document.querySelectorAll("text")].map((one) => one.textContent);
        return { tagName: svg.tagName, width: svg.getAttribute("width"), height: Number(svg.getAttribute("height")), texts };
      }, svg.bytes.toString());
      assert.equal(found.tagName, "svg");
      assert.equal(found.width, "1200");
      assert.ok(found.height >= 675);
      for (const part of [title, service.address]) {
        assert.ok(
          found.texts.some((text) => text.includes(part)),
          `${part} in ${found.texts}`,
        );
      }
      const png = await saved(id, "png");
      assert.equal(png.bytes.toString("latin1", 1, 4), "PNG");
      assert.equal(png.bytes.readUInt32BE(16), 2400);
      assert.equal(png.bytes.readUInt32BE(20), 2 * found.height);
      const corner = await elsewhere.evaluate(async (base64) => {
        const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
        const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
        const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
        canvas?.drawImage(image, 0, 0);
        return [...(canvas?.getImageData(2, 2, 1, 1).data ?? [])];
      }, png.bytes.toString("base64"));
      assert.deepEqual(corner, [255, 255, 255, 255]);
    });
  }

  test("the picture of a legend has only what is shown", async () => {
    await visit(page, service, "threats?view=evolution&n=5");
    await page.locator(".chip").first().click();
    const hidden = await page.locator(".chip").first().innerText();
    const shown = await page.locator(".chip").nth(1).innerText();
    const { bytes } = await saved("threats-evolution", "svg");
    assert.ok(!bytes.includes(hidden) && bytes.includes(shown));
  });

  test("data is RFC 4180 and has the JSON's numbers", async () => {
    const all = await json(service, "stats/threats.json?days=365&period=month");
    await visit(page, service, "threats?n=all&days=365&few=1&lang=fr");
    const { name, bytes } = await saved("threats-ranking", "data");
    assert.equal(name, "monarc-threats-ranking-data.csv");
    const [head, ...rows] = parse(bytes.toString(), ",");
    assert.equal(head.length, 7);
    assert.equal(rows.length, all.length);
    for (const row of rows) {
      const { averages, labels } = all.find(({ object }) => object === row[6]);
      assert.equal(row[0], labels.label1);
      assert.deepEqual(row.slice(1, 4).map(Number), [averages.averageRate, averages.count, averages.maxRisk]);
    }
  });

  test("spreadsheets get a byte-order mark and the language's separators", async () => {
    const all = await json(service, "stats/threats.json?days=365&period=month");
    for (const [language, separator, comma] of [
      ["fr", ";", ","],
      ["en", ",", "."],
    ]) {
      await visit(page, service, `threats?n=all&days=365&few=1&lang=${language}`);
      const { bytes } = await saved("threats-ranking", "spreadsheet");
      assert.deepEqual([...bytes.subarray(0, 3)], [0xef, 0xbb, 0xbf]);
      const [, ...rows] = parse(bytes.toString().slice(1), separator);
      for (const row of rows) {
        const { averages } = all.find(({ object }) => object === row[6]);
        assert.equal(row[1], String(averages.averageRate).replace(".", comma));
      }
    }
  });
});
