// Exports parse, are whole, and hold the numbers of the page.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { accessibility, json, launch, open, settled, tableOf, trends, visit } from "./browser.mjs";
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
      const chosen = path.includes("?")
        ? path
            .split("?")[1]
            .split("&")
            .filter(Boolean)
            .map((pair) => `-${pair.replace("=", "-")}`)
            .join("")
        : "";
      assert.equal(svg.name, `monarc-${id}${chosen}.svg`);
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
      // Whoever has the picture finds it again as it was.
      for (const part of [title, `${page.url().replace(/\?$/, "")}#${id}`]) {
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

  /** The lines of a table for programs, by its columns. */
  async function programs(address) {
    const response = await fetch(address);
    assert.equal(response.status, 200, address);
    const [head, ...rows] = parse(await response.text(), ",");
    return rows.map((row) => Object.fromEntries(head.map((name, index) => [name, row[index]])));
  }

  /** @type {[string, string, (row: any, rows: any[]) => any][]} */
  const checks = [
    [
      "threats?n=all&days=90&few=1",
      "threats-ranking",
      (row, rows) =>
        [row[1], row[2], row[3]].join() ===
        ["average_rate", "count", "max_risk"].map((name) => Number(rows.find(({ object }) => object === row[6])[name])).join(),
    ],
    ["threats", "threats-ranking", (row, rows) => row[1] === Number(rows.find(({ object }) => object === row[6]).average_rate)],
    [
      "risks?days=90&period=week",
      "trend-operational",
      (row, rows) =>
        rows.some(
          ({ kind, state, level, risks }) => kind === "operational" && state === "current" && level === "high" && Number(risks) === row[3],
        ),
    ],
    [
      "risks",
      "levels-informational",
      (row, rows) => rows.some(({ kind, level, risks }) => kind === "informational" && level === "high" && Number(risks) === row[3]),
    ],
    [
      "compliance",
      "FIRST",
      (row, rows) =>
        rows.some((one) => one.label_en === row[0] && Number(one.current) === row[1] && Math.abs(Number(one.gap) - row[3]) < 1e-9),
    ],
    [
      "cartography?risk=operational",
      "cartography-current",
      (row, rows) =>
        row[2] === 0 || rows.some((one) => one.kind === "operational" && one.state === "current" && Number(one.risks) === row[2]),
    ],
    [
      "trends?period=year&n=all",
      "movers-threat",
      (row, rows) => rows.some((one) => one.label_en === row[0] && Number(one.change) === row[4]),
    ],
    ["map", "clients", (row, rows) => rows.some((one) => Number(one.latitude) === Number(row[0]))],
  ];
  for (const [path, id, check] of checks) {
    test(`the table for programs of ${path} ${id} has the numbers of the page`, async () => {
      await trends(service);
      await visit(page, service, `${path}${path.includes("?") ? "&" : "?"}lang=en`);
      const found = id === "FIRST" ? await page.locator("figure").first().getAttribute("id") : id;
      const link = (form) => page.locator(`[id="${found}"] a[data-form="${form}"]`).evaluate((one) => one.href);
      const rows = await programs(await link("address"));
      const table = await tableOf(page, found);
      assert.ok(table.rows.length > 0);
      for (const row of table.rows) assert.ok(check(row, rows), `${row}`);
      const about = await (await fetch(await link("metadata"))).json();
      assert.deepEqual(
        about.columns.map(({ name }) => name),
        Object.keys(rows[0]),
      );
      assert.ok(new URL(about.url, await link("metadata")).href === (await link("address")), about.url);
    });
  }

  test("a link is copied that shows the chart again", async () => {
    await visit(page, service, "threats?by=count&lang=de");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.locator(".exports summary").click();
    await page.locator('button[data-form="link"]').click();
    await page.locator(".copied", { hasText: "Kopiert." }).waitFor();
    const address = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(address, `${service.address}/threats?by=count&lang=de#threats-ranking`);
    // What the operator does not allow is not offered, and does nothing.
    assert.equal(await page.locator('button[data-form="embed"]').count(), 0);
    await visit(page, service, "threats?embed=1&chart=threats-ranking&lang=en");
    assert.ok(await page.locator(".top").isVisible());
    await page.setViewportSize({ width: 1280, height: 400 });
    await page.goto(`${service.address}/risks?lang=en#trend-operational`);
    await page.waitForFunction(() => scrollY > 200);
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  test("a chart is alone in a frame where the operator allows it", async () => {
    const other = await demo({ FRAME_ANCESTORS: "'self'" }, 30);
    const own = await open(browser, other, { permissions: ["clipboard-read", "clipboard-write"] });
    try {
      await visit(own, other, "risks?lang=en");
      await own.locator("#levels-operational .exports summary").click();
      await own.locator('#levels-operational button[data-form="embed"]').click();
      await own.locator("#levels-operational .copied", { hasText: "Copied." }).waitFor();
      const html = await own.evaluate(() => navigator.clipboard.readText());
      const [, address] = /^<iframe src="([^"]*)" title="Risks by level: Operational"/.exec(html) ?? [];
      await visit(own, other, address.replaceAll("&amp;", "&").slice(other.address.length + 1));
      assert.deepEqual(await own.locator("figure:visible").evaluateAll((all) => all.map((one) => one.id)), ["levels-operational"]);
      for (const part of [".top", "footer", ".controls"]) assert.ok(await own.locator(part).isHidden(), part);
      assert.equal(await own.locator(".origin a").evaluate((one) => one.href), `${other.address}/risks?lang=en#levels-operational`);
      assert.deepEqual(await accessibility(own), []);
      assert.deepEqual(own.noticed, []);
    } finally {
      await own.context().close();
      await other.stop();
    }
  });

  test("the picture of a legend has only what is shown", async () => {
    await visit(page, service, "threats?view=evolution&n=5");
    await page.locator(".chip").first().click();
    // The figure is made anew: what is opened before that is gone.
    await settled(page);
    const hidden = await page.locator(".chip").first().innerText();
    const shown = await page.locator(".chip").nth(1).innerText();
    const { bytes } = await saved("threats-evolution", "svg");
    assert.ok(!bytes.includes(hidden) && bytes.includes(shown));
  });

  test("data is RFC 4180 and has the JSON's numbers", async () => {
    const all = await json(service, "stats/threats.json?days=365&period=month");
    await visit(page, service, "threats?n=all&days=365&few=1&lang=fr");
    const { name, bytes } = await saved("threats-ranking", "data");
    assert.equal(name, "monarc-threats-ranking-days-365-few-1-n-all-data.csv");
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
