// Empty, single, stale, failing, offline, below a prefix, full of traps: never blank, never wrong.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { accessibility, launch, open, settled, tableOf, visit } from "./browser.mjs";
import { ago, demo, serve, store, trends } from "./service.mjs";

const PAGES = [
  "",
  "threats",
  "threats?view=evolution",
  "threats?view=first",
  "threats/b402d4e0-4576-11e9-9173-0800277f0571",
  "vulnerabilities",
  "risks",
  "cartography",
  "compliance",
  "trends",
  "report",
  "about",
];
const ANR = "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01";
const THREAT = "b402d4e0-4576-11e9-9173-0800277f0571";

const threat = (date, label, count = 1) => ({
  anr: ANR,
  type: "threat",
  date,
  data: [{ uuid: THREAT, label2: label, count, maxRisk: 3, averageRate: "2.5" }],
});

describe("states", () => {
  let browser;
  before(async () => (browser = await launch()));
  after(() => browser?.close());

  async function withService(make, run) {
    const service = await make;
    const page = await open(browser, service);
    try {
      await run(service, page);
    } finally {
      await page.context().close();
      await service.stop();
    }
  }

  test("an empty store says what to do next", () =>
    withService(serve(), async (service, page) => {
      for (const path of PAGES) {
        await visit(page, service, path);
        assert.match(await page.locator(".notice.empty").first().innerText(), /no stats yet.*connect/s, path);
        assert.equal(await page.locator("figure").count(), 0, path);
        assert.deepEqual(await accessibility(page), [], path);
      }
      assert.deepEqual(page.noticed, []);
    }));

  test("one analysis is no average, and old stats are called old", () =>
    withService(serve(), async (service, page) => {
      await store(service, [threat(ago(9), "Fire")]);
      for (const path of PAGES) {
        await visit(page, service, path);
        assert.match(await page.locator(".notice.stale").innerText(), /9 days old/, path);
        assert.match(await page.locator(".notice.single").innerText(), /one analysis/, path);
        assert.match(await page.locator("footer").innerText(), /^Averages over all analyses of this instance/, path);
        const blank = await page
          .locator("figure")
          .evaluateAll((all) => all.filter((one) => !one.querySelector(".canvas, .ranking, .levels, .heat, .notice")).length);
        assert.equal(blank, 0, path);
        assert.deepEqual(await accessibility(page), [], path);
      }
      assert.deepEqual(page.noticed, []);
    }));

  test("a missing day is a gap, not a zero", () =>
    withService(serve(), async (service, page) => {
      await store(service, [threat(ago(5), "Fire", 4), threat(ago(3), "Fire", 6)]);
      await visit(page, service, "threats?view=evolution&days=30&period=day&by=count");
      const { rows } = await tableOf(page, "threats-evolution");
      assert.deepEqual(
        rows.map((row) => row[1]),
        [4, "–", 6],
      );
    }));

  test("labels are text, in pages and in spreadsheets", () =>
    withService(serve(), async (service, page) => {
      const label = '=HYPERLINK("http://evil.example","<img src=x onerror=alert(1)>")';
      await store(service, [threat(ago(0), label)]);
      await visit(page, service, "threats");
      assert.ok((await page.locator(".rank-name").innerText()).includes(label));
      const download = page.waitForEvent("download");
      await page.locator(".exports summary").click();
      await page.locator('button[data-form="spreadsheet"]').click();
      const text = await readFile(await (await download).path(), "utf8");
      assert.ok(text.includes(`"'=HYPERLINK(""http`), text);
      await visit(page, service, "threats?view=evolution");
      assert.deepEqual(page.noticed, []);
    }));

  test("labels that mean harm are text in every export", () =>
    withService(serve(), async (service, page) => {
      const labels = [
        "<script>alert(1)</script>",
        "]]><svg onload=alert(1)>",
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\uff1d1+1",
        "\t=1",
        "\n=1",
        "x;=1+1",
        "x\t=1+1",
        "\u202edesrever\u2066",
        "\u0000\u001b[2J\uffff",
        "😀",
        "long ".repeat(200),
      ];
      const data = labels.map((label2, n) => ({
        uuid: `b402d4e0-4576-11e9-9173-${String(n).padStart(12, "0")}`,
        label2,
        count: 1,
        maxRisk: 3,
        averageRate: "2.5",
      }));
      await store(service, [{ anr: ANR, type: "threat", date: ago(0), data }]);
      await visit(page, service, "threats?n=all");
      async function saved(form) {
        const download = page.waitForEvent("download");
        if ((await page.locator(".exports").getAttribute("open")) === null) await page.locator(".exports summary").click();
        await page.locator(`button[data-form="${form}"]`).click();
        return readFile(await (await download).path());
      }
      for (const form of ["spreadsheet", "data"]) {
        const text = (await saved(form)).toString().replace("\ufeff", "");
        // A cell begins a formula for one program or another, whatever separates its cells.
        const cells = [...text.matchAll(/(?:^|,|\r\n)("(?:[^"]|"")*"|[^",\r\n]*)/g)].map(([, cell]) => cell);
        assert.ok(
          labels.every((label) => cells.some((cell) => cell.replace(/^"|"$/g, "").replace(/^'/, "") === label)),
          form,
        );
        assert.deepEqual(
          cells.filter((cell) => /^"?[=+\-@\t\r\n＝＋－＠]/.test(cell)),
          [],
          form,
        );
        assert.deepEqual(
          cells.filter((cell) => /[;\t\n]/.test(cell) && !cell.startsWith('"')),
          [],
          form,
        );
      }
      const svg = (await saved("svg")).toString();
      const picture = await page.evaluate((text) => {
        const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
        const all = [...parsed.querySelectorAll("*")];
        return {
          names: [...new Set(all.map((one) => one.tagName))],
          texts: all.map((one) => one.textContent),
          handlers: all.filter((one) => [...one.attributes].some(({ name }) => name.startsWith("on"))).length,
        };
      }, svg);
      assert.ok(
        !picture.names.some((name) => ["parsererror", "script", "foreignObject", "image", "a"].includes(name)),
        picture.names.join(),
      );
      assert.equal(picture.handlers, 0);
      assert.ok(picture.texts.includes("<script>alert(1)</script>"));
      const png = await saved("png");
      assert.equal(png.toString("latin1", 1, 4), "PNG");
      // The policy of the page counts for the styles of a picture that is only parsed, too.
      assert.deepEqual(
        page.noticed.filter((one) => !/Content Security Policy/.test(one)),
        [],
      );
    }));

  for (const [name, answer] of [
    ["that is no JSON", { status: 200, contentType: "application/json", body: '{"current": {' }],
    ["that is of another shape", { status: 200, contentType: "application/json", body: '{"current": 5}' }],
    ["that is a failure", { status: 500, contentType: "application/json", body: '{"message": "Internal error"}' }],
  ]) {
    test(`an answer ${name} is told, and can be asked for again`, () =>
      withService(demo({}, 30), async (service, page) => {
        await page.route("**/stats/risks.json*", (route) => route.fulfill(answer));
        for (const path of ["risks", ""]) {
          await visit(page, service, path);
          assert.match(await page.locator(".notice.error").first().innerText(), /could not be loaded/, path);
          // What needs other requests is there.
          assert.ok((await page.locator("figure").count()) >= 2, path);
          assert.deepEqual(await accessibility(page), []);
        }
        await page.unroute("**/stats/risks.json*");
        await page.locator(".notice.error button").first().click();
        await settled(page);
        assert.equal(await page.locator(".notice.error").count(), 0);
        assert.ok((await page.locator("figure").count()) >= 6);
        assert.deepEqual(
          page.noticed.filter((one) => !/500|^debug/.test(one)),
          [],
        );
      }));
  }

  test("nothing but the origin is needed, and a lost connection is told", () =>
    withService(demo({}, 30), async (service, page) => {
      await page.route("**/*", (route) => (route.request().url().startsWith(service.address) ? route.continue() : route.abort()));
      for (const path of [...PAGES, "map", "api/v1/"]) await visit(page, service, path);
      assert.deepEqual(page.noticed, []);
      await visit(page, service, "threats");
      await page.context().setOffline(true);
      await page.locator('label:has(> input[name="days"][value="30"])').click();
      await settled(page);
      assert.match(await page.locator(".notice.error").innerText(), /could not be loaded/);
    }));

  test("everything works below a prefix", () =>
    withService(demo({ SCRIPT_NAME: "/monarc/stats" }, 30), async (service, page) => {
      const requested = [];
      page.on("request", (request) => requested.push(new URL(request.url()).pathname));
      for (const path of [...PAGES, "map", "help", "api/v1/"]) {
        await visit(page, service, `monarc/stats/${path}`);
        assert.equal(await page.locator(".notice.error").count(), 0, path);
        assert.ok((await page.locator("figure, .prose, .notice").count()) > 0, path);
      }
      await page.locator(".menu a").nth(3).click();
      await settled(page);
      assert.ok((await page.locator(".rank").count()) > 0);
      assert.deepEqual(
        requested.filter((path) => !path.startsWith("/monarc/stats")),
        [],
      );
      assert.deepEqual(page.noticed, []);
    }));

  test("the first visit is light, the next almost free", () =>
    withService(demo(), async (service, page) => {
      let bytes = 0;
      const session = await page.context().newCDPSession(page);
      await session.send("Network.enable");
      session.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
      // To the last answer: what is still on its way would count for the next visit.
      const drawn = async () => {
        await page.locator("canvas").nth(1).waitFor();
        await page.waitForLoadState("networkidle");
      };
      // Or else what moved is computed between the visits, and is another answer then.
      await trends(service);
      await visit(page, service, "");
      await drawn();
      const first = bytes;
      bytes = 0;
      await visit(page, service, "");
      await drawn();
      console.log(`overview: ${first} bytes on the first visit, ${bytes} on the next`);
      assert.ok(first > 10_000 && first <= 260_000, `${first} bytes`);
      assert.ok(bytes < 10_000, `${bytes} bytes`);
    }));

  test("charts are drawn whether their numbers or what draws them comes last", () =>
    withService(demo(), async (service, page) => {
      const frames = (count) =>
        page.evaluate(
          (left) =>
            new Promise((done) => {
              const next = () => (left-- ? requestAnimationFrame(next) : done(null));
              next();
            }),
          count,
        );
      for (const [late, early] of [
        [/type=vulnerability/, /assets\/draw-/],
        [/assets\/draw-/, /type=vulnerability/],
      ]) {
        let letGo = () => {};
        const held = new Promise((resolve) => (letGo = () => resolve(null)));
        await page.route(late, (route) => held.then(() => route.continue()));
        const came = page.waitForResponse(early);
        await page.goto(`${service.address}/`, { waitUntil: "commit" });
        await (await came).finished();
        await frames(10);
        assert.equal(await page.locator("canvas").count(), 0);
        letGo();
        await settled(page);
        assert.equal(await page.locator("canvas").count(), 2, String(late));
        await page.unroute(late);
      }
    }));
});
