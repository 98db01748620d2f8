// The report: one page of A4 whatever it has to say, nothing cut at its border, and sentences that the numbers bear out.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { accessibility, json, launch, open, trends, visit } from "./browser.mjs";
import { demo, serve } from "./service.mjs";

const LANGUAGES = ["en", "fr", "de", "nl"];
const WORD = "Unbreakable".repeat(19).slice(0, 200);
const ago = (days) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
const uuid = (n) => `${String(n).padStart(8, "0")}-4576-11e9-9173-0800277f0571`;

async function store(service, items) {
  const response = await fetch(`${service.address}/api/v1/stats/`, {
    method: "POST",
    headers: { "X-API-KEY": "admin-token-of-a-test", "Content-Type": "application/json" },
    body: JSON.stringify(items),
  });
  assert.equal(response.status, 201, await response.text());
}

/** What an analysis sends on a day, with this many high risks and names like these. */
function stats(anr, date, high, name) {
  const rated = (label2, rate) => ({
    uuid: uuid(label2.length + rate.charCodeAt(0)),
    label2,
    count: 2,
    maxRisk: 10 + high,
    averageRate: rate,
  });
  const objects = Array.from({ length: 12 }, (_, n) => ({ ...rated(`${name(n)}`, String((n + high) % 5)), uuid: uuid(n + 1) }));
  const levels = [
    { level: "Low risks", value: 10 },
    { level: "Medium risks", value: 5 },
    { level: "High risks", value: high },
  ];
  const side = { informational: levels, operational: levels };
  const categories = (value) => Array.from({ length: 8 }, (_, n) => ({ label2: `${name(n)}`, controls: [], value: String(value) }));
  const referential = (n) => ({ referential: uuid(n), label2: name(n), current: categories(0.2), target: categories(0.9) });
  return [
    { anr, date, type: "threat", data: objects },
    { anr, date, type: "vulnerability", data: objects },
    { anr, date, type: "risk", data: { risks: { current: side, residual: side } } },
    { anr, date, type: "compliance", data: [1, 2, 3].map(referential) },
  ];
}

/** Pages of a PDF, and whether anything reaches beyond the sheet while it is laid out for paper. */
async function printed(page) {
  const pdf = (await page.pdf({ preferCSSPageSize: true, printBackground: true })).toString("latin1");
  assert.match(pdf, /MediaBox \[\s*0 0 59[45][.0-9]* 84[12][.0-9]*\s*\]/, "it is A4");
  await page.emulateMedia({ media: "print" });
  const beyond = await page.evaluate(() => {
    dispatchEvent(new Event("beforeprint"));
    const sheet = /** @type {HTMLElement} */ (document.getElementById("charts"));
    const { right, height } = sheet.getBoundingClientRect();
    const found = [...sheet.querySelectorAll("*")]
      .filter((one) => one.getClientRects().length && one.getBoundingClientRect().right > right + 1)
      .map((one) => one.className || one.tagName);
    const size = Number.parseFloat(sheet.style.fontSize);
    dispatchEvent(new Event("afterprint"));
    return { found, height, size };
  });
  await page.emulateMedia({ media: null });
  return { pages: pdf.match(/\/Type\s*\/Page\b/g).length, ...beyond };
}

/** A service with so many analyses, started when they are stored: what moved is computed at its start. */
async function filled(analyses) {
  const directory = await mkdtemp(join(tmpdir(), "monarc-stats-report-"));
  const variables = { STATS_DATABASE: join(directory, "stats.db") };
  const anr = (n) => `5f0c5d8e-6f0e-4b4e-9d0a-${String(n).padStart(12, "0")}`;
  const first = await serve(variables);
  for (let n = 0; n < analyses; n++)
    await store(
      first,
      [0, 10, 100, 364].flatMap((days) => stats(anr(n), ago(days), days ? 3 : 9, (of) => `${of}${WORD}`)),
    );
  await first.stop();
  const { address, stop } = await serve(variables);
  const end = async () => {
    await stop();
    await rm(directory, { recursive: true });
  };
  return { address, stop: end };
}

describe("report", () => {
  let browser;
  before(async () => (browser = await launch()));
  after(() => browser?.close());

  async function on(make, run, options) {
    const service = await make;
    await trends(service);
    const page = await open(browser, service, options);
    try {
      await run(service, page);
      assert.deepEqual(page.noticed, []);
    } finally {
      await page.context().close();
      await service.stop();
    }
  }

  async function isOnePage(page, service, about) {
    for (const language of LANGUAGES) {
      await visit(page, service, `report?lang=${language}`);
      const { pages, found, size } = await printed(page);
      assert.equal(pages, 1, `${about} ${language}`);
      assert.deepEqual(found, [], `${about} ${language}`);
      assert.ok(size >= 5.5, `${about} ${language}: ${size} pt`);
    }
  }

  test("one page of a year of seven analyses, in every language and with notes", () =>
    on(demo(), async (service, page) => {
      await isOnePage(page, service, "demo");
      await visit(page, service, "report?lang=en");
      assert.deepEqual(await accessibility(page), []);
      assert.equal(await page.locator(".report-sentences li").count(), 3);
      await page.locator("#notes").fill("W".repeat(600));
      assert.equal((await page.locator("#notes").inputValue()).length, 500);
      await isOnePage(page, service, "notes");
      // They are there on the next visit, and on paper.
      assert.equal(await page.locator(".notes-printed").textContent(), "W".repeat(500));
      await page.emulateMedia({ media: "print" });
      await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
      assert.ok(await page.locator(".notes-printed").isVisible());
      assert.ok(await page.locator("footer").isHidden());
    }));

  for (const analyses of [1, 40]) {
    test(`one page of ${analyses} with the longest names there are, on a phone too`, () =>
      on(
        filled(analyses),
        async (service, page) => {
          await isOnePage(page, service, String(analyses));
          await visit(page, service, "report?lang=en");
          assert.equal(await page.locator("#movers .mover").count(), 5);
          // Forty that all rise are no chance; one claims nothing.
          assert.equal(await page.locator("#movers .mover", { hasText: /trend · / }).count(), analyses === 1 ? 0 : 5);
          assert.match(await page.locator(".report-scope").innerText(), analyses === 1 ? /1 analysis/ : /40 analyses/);
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(overflow <= 0, `${overflow}`);
        },
        { viewport: { width: 390, height: 800 } },
      ));
  }

  test("sentences are those of the numbers", () =>
    on(demo(), async (service, page) => {
      const { year } = await json(service, "stats/trends.json?period=year");
      const { quarter } = await json(service, "stats/trends.json?period=quarter");
      await visit(page, service, "report?lang=en");
      const [high, moved, gap] = await page.locator(".report-sentences li").allInnerTexts();
      const { before, after } = (year.high.residual ? year : quarter).high.residual;
      const shown = (value) => value.toLocaleString("en", { maximumFractionDigits: value >= 10 ? 1 : 2 });
      assert.ok(
        high.startsWith(`High residual risks ${after < before ? "fell" : "rose"} from ${shown(before)} to ${shown(after)} since `),
        high,
      );
      if ((year.high.residual ?? quarter.high.residual).analyses !== 7)
        assert.match(high, /in the \d analyses that are there at both ends/);
      assert.match(moved, /^Since .* “.*” rose most \(\+.*\) and “.*” fell most \(−.*\)\.$/);
      const { now } = await json(service, "stats/compared.json?type=compliance");
      const widest = now.averages
        .flatMap(({ labels: of, categories }) => categories.map((one) => ({ of, ...one })))
        .sort((a, b) => b.averages.target - b.averages.current - (a.averages.target - a.averages.current))[0];
      assert.ok(gap.includes(`${widest.of.label2}: ${widest.labels.label2}`), gap);
    }));

  test("releases are reported by their band, and with the sentence that goes with them", () =>
    on(demo({ PUBLIC_MIN_CLIENTS: "3" }, 60), async (service, page) => {
      for (let band; !band; ) ({ band } = await json(service, "stats/summary.json"));
      await isOnePage(page, service, "releases");
      await visit(page, service, "report?lang=en");
      assert.match(await page.locator(".report-scope").innerText(), /(3-4|5-9) organisations/);
      assert.match(await page.locator(".report-method").innerText(), /What fewer than 3 organisations have is not shown/);
    }));
});
