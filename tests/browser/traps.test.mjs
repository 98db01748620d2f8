// Names and numbers that break charts, narrow screens, forced colours, parts that do not come: what was wrong once.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { accessibility, json, launch, open, settled, tableOf, visit } from "./browser.mjs";
import { ago, demo, serve } from "./service.mjs";

const ANR = "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01";
const today = new Date().toISOString().slice(0, 10);
const uuid = (n) => `${String(n).padStart(8, "0")}-4576-11e9-9173-0800277f0571`;
const rated = (labels) => labels.map((label2, n) => ({ uuid: uuid(n), label2, count: n + 1, maxRisk: 10, averageRate: "2" }));

async function store(service, type, data, date = today) {
  const response = await fetch(`${service.address}/api/v1/stats/`, {
    method: "POST",
    headers: { "X-API-KEY": "admin-token-of-a-test", "Content-Type": "application/json" },
    body: JSON.stringify([{ anr: ANR, type, date, data }]),
  });
  assert.equal(response.status, 201, await response.text());
}

describe("traps", () => {
  let browser;
  before(async () => (browser = await launch()));
  after(() => browser?.close());

  async function withService(make, run, options) {
    const service = await make;
    const page = await open(browser, service, options);
    try {
      await run(service, page);
    } finally {
      await page.context().close();
      await service.stop();
    }
  }

  async function saved(page, form) {
    const download = page.waitForEvent("download");
    await page.locator(".exports summary").first().click();
    await page.locator(`button[data-form="${form}"]`).first().click();
    return readFile(await (await download).path());
  }

  /** The texts of a picture, read where the page's policy does not count. */
  const textsOf = async (svg) => {
    const elsewhere = await browser.newPage();
    const found = await elsewhere.evaluate((text) => {
      const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
      return { tag: parsed.documentElement.tagName, texts: [...parsed.querySelectorAll("text")].map((one) => one.textContent) };
    }, svg.toString());
    await elsewhere.close();
    assert.equal(found.tag, "svg");
    return found.texts;
  };

  test("names that programs take for their own are only names", () =>
    withService(serve(), async (service, page) => {
      await store(service, "threat", rated(["__proto__", "constructor", "Same name", "Same name", "{a|b} curly"]));
      for (const path of ["threats", "threats?view=evolution", "threats?view=first"]) {
        await visit(page, service, path);
        const texts = (await textsOf(await saved(page, "svg"))).join("\n");
        assert.match(texts, /__proto__/, path);
        assert.match(texts, /\{a\|b\} curly/, path);
        assert.equal(texts.match(/Same name/g).length >= 2, true, `${path}: ${texts}`);
      }
      assert.deepEqual(page.noticed, []);
    }));

  test("braces in a name are not eaten by a tip", () =>
    withService(serve(), async (service, page) => {
      await page.addInitScript(() => {
        const drawn = Object.assign(window, { drawn: [] }).drawn;
        const fill = CanvasRenderingContext2D.prototype.fillText;
        CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
          drawn.push(text);
          return fill.call(this, text, ...rest);
        };
      });
      await store(service, "threat", rated(["{a|b} curly"]));
      await visit(page, service, "threats?view=evolution");
      const canvas = page.locator(".canvas canvas").first();
      await canvas.scrollIntoViewIfNeeded();
      const box = await canvas.boundingBox();
      await page.mouse.move(box.x + box.width / 2 - 90, box.y + box.height / 2);
      await page.mouse.move(box.x + box.width / 2 - 40, box.y + box.height / 2, { steps: 5 });
      await page.waitForFunction(() =>
        /** @type {any} */ (window).drawn.some((text) => text.replaceAll("\u2060", "").includes("{a|b} curly")),
      );
    }));

  test("a picture of a long ranking is made, and says what it leaves out", () =>
    withService(serve(), async (service, page) => {
      await store(service, "threat", rated(Array.from({ length: 1200 }, (_, n) => `Threat ${n}`)));
      await visit(page, service, "threats?n=all");
      assert.equal(await page.locator(".rank").count(), 1200);
      const png = await saved(page, "png");
      assert.equal(png.toString("latin1", 1, 4), "PNG");
      assert.ok(png.readUInt32BE(20) > 10_000 && png.readUInt32BE(20) < 16_384);
      assert.ok((await textsOf(await saved(page, "svg"))).some((text) => text.includes("the first 200 of 1200")));
    }));

  test("compliance above 100 % is drawn where it is", () =>
    withService(serve(), async (service, page) => {
      const side = (value) => [{ label2: "Policies", controls: [], value }];
      await store(service, "compliance", [{ referential: uuid(1), label2: "ISO", current: side("1.80"), target: side("1.00") }]);
      await visit(page, service, "compliance");
      const place = (which) => page.locator(`.gap-track .dot.${which}`).evaluate((dot) => Number.parseFloat(dot.style.left));
      assert.ok(Math.abs((await place("current")) - 100) < 0.1);
      assert.ok(Math.abs((await place("target")) - 100 / 1.8) < 0.1);
      assert.match(await page.locator(".gap").innerText(), /180%/);
    }));

  test("one long word is broken, at every width, on every page and on paper", () =>
    withService(serve(), async (service, page) => {
      const word = "Unbreakable".repeat(19).slice(0, 200);
      await store(service, "threat", rated([word, "Fire", "Flood"]));
      await store(service, "vulnerability", rated([word]));
      await store(service, "compliance", [
        {
          referential: uuid(1),
          label2: word,
          current: [{ label2: word, controls: [], value: "0.5" }],
          target: [{ label2: word, controls: [], value: "1" }],
        },
      ]);
      const paths = [
        "",
        "threats",
        "threats?view=first",
        "threats?view=evolution",
        `threats/${uuid(0)}`,
        "vulnerabilities",
        "compliance",
        "compliance?view=evolution",
        "report",
      ];
      for (const width of [320, 390, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        for (const path of paths) {
          await visit(page, service, path);
          await page.evaluate(() =>
            document.querySelectorAll("button[aria-expanded=false]").forEach((/** @type {any} */ button) => button.click()),
          );
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(overflow <= 0, `/${path} is ${overflow} pixels too wide at ${width}`);
        }
      }
      await visit(page, service, "report");
      await page.emulateMedia({ media: "print" });
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0);
    }));

  test("headlines are those of now, as computed by hand", () =>
    withService(serve(), async (service, page) => {
      const levels = (high) => ({ "Low risks": 1, "Medium risks": 1, "High risks": high });
      const one = (high, after) => ({
        current: { informational: levels(high), operational: levels(1) },
        residual: { informational: levels(after), operational: levels(0) },
      });
      const risks = (high, after) => {
        const tree = one(high, after);
        const list = (kind, state) => Object.entries(tree[state][kind]).map(([level, value]) => ({ level, value }));
        const both = (state) => ({ informational: list("informational", state), operational: list("operational", state) });
        return { risks: { current: both("current"), residual: both("residual") } };
      };
      // Eight days with stats: the oldest, with a hundred high risks, is not part of now.
      await store(service, "risk", risks(100, 100), ago(40));
      for (const [days, high] of [
        [30, 2],
        [25, 2],
        [20, 4],
        [15, 4],
        [10, 6],
        [5, 6],
        [0, 11],
      ])
        await store(service, "risk", risks(high, 1), ago(days));
      await visit(page, service, "");
      const [now, after] = (await page.locator(".figure dd:not(.more)").allInnerTexts()).map((text) => text.trim());
      // (2 + 2 + 4 + 4 + 6 + 6 + 11) / 7 + 1 = 6; after treatment 1 + 0.
      assert.deepEqual([now, after], ["6", "1"]);
    }));

  test("a part that does not come is told, and comes with the next try", () =>
    withService(demo({}, 10), async (service, page) => {
      await visit(page, service, "threats");
      await page.route("**/assets/exports-*", (route) => route.abort());
      await page.locator(".exports summary").first().click();
      await page.locator('button[data-form="data"]').first().click();
      await page.locator(".problem").waitFor();
      await page.unroute("**/assets/exports-*");
      const download = page.waitForEvent("download");
      await page.locator(".problem button").click();
      await download;
      assert.equal(await page.locator(".problem").count(), 0);
    }));

  test("pages without lines draw nothing with ECharts, and no page is heavy", () =>
    withService(demo(), async (service) => {
      for (const [path, most] of Object.entries({
        threats: 60_000,
        vulnerabilities: 60_000,
        compliance: 60_000,
        trends: 60_000,
        "trends?period=year&n=all": 60_000,
        "": 260_000,
        report: 100_000,
      })) {
        const page = await open(browser, service);
        const session = await page.context().newCDPSession(page);
        let bytes = 0;
        await session.send("Network.enable");
        session.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
        let scripts = 0;
        page.on("request", (request) => (scripts += request.resourceType() === "script" ? 1 : 0));
        await visit(page, service, path);
        if (most > 100_000) await page.locator("canvas").first().waitFor();
        console.log(`/${path}: ${bytes} bytes, ${scripts} scripts`);
        assert.ok(bytes < most, `/${path}: ${bytes} bytes`);
        assert.ok(scripts <= 8, `/${path}: ${scripts} scripts`);
        await page.context().close();
      }
    }));

  test("nothing on a page moves while it loads", () =>
    withService(demo(), async (service) => {
      const [{ object }] = await json(service, "stats/threats.json");
      for (const path of [
        "",
        "threats",
        "threats?view=evolution",
        `threats/${object}`,
        "risks",
        "cartography",
        "compliance",
        "trends",
        "map",
        "report",
        "about",
        "api/v1/",
      ]) {
        for (const width of [390, 1280]) {
          const page = await open(browser, service, { viewport: { width, height: 800 } });
          await page.addInitScript(() => {
            const moved = Object.assign(window, { shift: 0 });
            const seen = (/** @type {any} */ one) => (moved.shift += one.hadRecentInput ? 0 : one.value);
            new PerformanceObserver((list) => list.getEntries().forEach(seen)).observe({ type: "layout-shift", buffered: true });
          });
          await visit(page, service, path);
          const shift = await page.evaluate(
            () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(/** @type {any} */ (window).shift)))),
          );
          assert.ok(shift < 0.1, `/${path} at ${width}: ${shift}`);
          await page.context().close();
        }
      }
    }));

  test("forced colours leave bars and swatches", () =>
    withService(
      demo(),
      async (service, page) => {
        for (const [path, part] of [
          ["threats", ".rank-bar"],
          ["", ".level-bar .swatch.high"],
          ["cartography", ".heat-table .shade-5"],
          ["compliance", ".dot.current"],
        ]) {
          await visit(page, service, path);
          const [colour, around] = await page
            .locator(part)
            .first()
            .evaluate((one) => {
              const of = (element) => getComputedStyle(element).backgroundColor + getComputedStyle(element).backgroundImage;
              return [of(one), of(document.body)];
            });
          assert.notEqual(colour, around, path);
          assert.deepEqual(await accessibility(page), [], path);
        }
      },
      { forcedColors: "active" },
    ));

  test("the map leaves the wheel to the page, and moves by buttons and keys", () =>
    withService(demo(), async (service, page) => {
      await visit(page, service, "map");
      await page.setViewportSize({ width: 1280, height: 500 });
      const canvas = page.locator(".canvas canvas").first();
      await canvas.waitFor();
      await canvas.hover();
      await page.mouse.wheel(0, 200);
      await page.waitForFunction(() => scrollY > 0);
      const picture = () => canvas.evaluate((/** @type {HTMLCanvasElement} */ one) => one.toDataURL());
      const changed = (old) => page.waitForFunction((was) => document.querySelector("canvas")?.toDataURL() !== was, old);
      const before = await picture();
      await page.locator(".steering button").first().click();
      await changed(before);
      const closer = await picture();
      await page.keyboard.press("ArrowLeft");
      await changed(closer);
    }));

  test("nothing that is built needs more than the promised browsers have", () =>
    withService(serve(), async (service) => {
      // chrome109, firefox115 and safari16: the bundler lowers syntax, not what a browser must bring along.
      const missing = [
        /color-mix\(/,
        /:has\(/,
        /light-dark\(/,
        /@starting-style/,
        /text-wrap/,
        /\.toSorted\(/,
        /\.toReversed\(/,
        /\.toSpliced\(/,
        /Object\.groupBy/,
        /Map\.groupBy/,
        /Promise\.withResolvers/,
        /Promise\.try/,
        /Array\.fromAsync/,
        /URL\.canParse/,
        /\.isSubsetOf\(/,
        /\.symmetricDifference\(/,
        /Iterator\.from/,
        /structuredClone\(.*transfer/,
        /searchParams\.size/,
        /popover/,
        /RegExp\.escape/,
      ];
      const seen = new Set();
      const look = async (name) => {
        if (seen.has(name)) return;
        seen.add(name);
        const text = await (await fetch(`${service.address}/assets/${name}`)).text();
        for (const one of missing) assert.ok(!one.test(text), `${name} has ${one}`);
        for (const [, file] of text.matchAll(/"\.\/([\w-]+\.js)"/g)) await look(file);
      };
      for (const path of ["", "threats", "compliance", "risks", "cartography", "map", "help", "about", "api/v1/", `threats/${uuid(0)}`]) {
        const html = await (await fetch(`${service.address}/${path}`)).text();
        const names = [...html.matchAll(/assets\/([\w-]+\.(?:js|css))/g), ...html.matchAll(/data-(?:draw|exports)="([\w-]+\.js)"/g)];
        for (const [, name] of names) await look(name);
      }
      assert.ok(seen.size > 12, [...seen].join());
    }));

  test("one table of one day", () =>
    withService(serve(), async (service, page) => {
      await store(service, "threat", rated(["Fire"]));
      await visit(page, service, "threats");
      const { rows } = await tableOf(page, "threats-ranking");
      assert.deepEqual(rows[0].slice(0, 6), ["Fire", 2, 1, 10, 1, 1]);
      assert.match(await page.locator(".rank-basis").innerText(), /in 1 of 1 analysis$/);
      await settled(page);
    }));
});
