// The report: one page of A4 whatever it has to say, nothing cut at its border, and sentences that the numbers bear out.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { filled } from "./analyses.mjs";
import { accessibility, json, launch, open, trends, visit } from "./browser.mjs";
import { demo } from "./service.mjs";

const LANGUAGES = ["en", "fr", "de", "nl"];
/** WebKit does not know the sheet's own margins: it leaves those of the printer, and makes the sheet as wide as it then may be. */
const SLIMMEST = (297 - 6.35 - 12.7) / (210 - 2 * 6.35);

/** Pages of a PDF, and whether anything reaches beyond the sheet while it is laid out for paper. */
async function printed(page) {
  const pdf = (await page.pdf({ preferCSSPageSize: true, printBackground: true })).toString("latin1");
  assert.match(pdf, /MediaBox \[\s*0 0 59[45][.0-9]* 84[12][.0-9]*\s*\]/, "it is A4");
  await page.emulateMedia({ media: "print" });
  const beyond = await page.evaluate(() => {
    dispatchEvent(new Event("beforeprint"));
    const sheet = /** @type {HTMLElement} */ (document.getElementById("charts"));
    const { right, width, height } = sheet.getBoundingClientRect();
    const found = [...sheet.querySelectorAll("*")]
      .filter((one) => one.getClientRects().length && one.getBoundingClientRect().right > right + 1)
      .map((one) => one.className || one.tagName);
    const size = Number.parseFloat(sheet.style.fontSize);
    dispatchEvent(new Event("afterprint"));
    return { found, size, slimness: height / width };
  });
  await page.emulateMedia({ media: null });
  return { pages: pdf.match(/\/Type\s*\/Page\b/g).length, ...beyond };
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
      const { pages, found, size, slimness } = await printed(page);
      assert.equal(pages, 1, `${about} ${language}`);
      assert.deepEqual(found, [], `${about} ${language}`);
      assert.ok(size >= 5.5, `${about} ${language}: ${size} pt`);
      assert.ok(slimness <= SLIMMEST, `${about} ${language}: ${slimness} times as high as wide`);
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

  test("by a day alone nothing is said to have stood still", () =>
    on(demo({}, 1), async (service, page) => {
      await visit(page, service, "report?lang=en");
      const sentences = await page.locator(".report-sentences li").allInnerTexts();
      assert.equal(sentences.length, 2);
      assert.match(sentences[0], /nothing to compare that with yet/);
    }));

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
      const some = String.raw`, in \d of \d analyses\)`;
      assert.match(
        moved,
        new RegExp(`^Since .* “.*” rose most \\(\\+.*${some} and “.*” fell most \\(−.*${some}, of what 3 analyses or more have\\.$`),
      );
      // The tiles, in which those that joined are too, say so; the sentence counts those at both ends.
      assert.equal(await page.locator(".figure .more", { hasText: "all analyses, also those that joined" }).count(), 2);
      const { now } = await json(service, "stats/compared.json?type=compliance");
      const widest = now.averages
        .flatMap(({ labels: of, categories }) => categories.map((one) => ({ of, ...one })))
        .sort((a, b) => b.averages.target - b.averages.current - (a.averages.target - a.averages.current))[0];
      assert.ok(gap.includes(`${widest.of.label2}: ${widest.labels.label2}`), gap);
      const points = (100 * (widest.averages.target - widest.averages.current)).toFixed(1).replace(".0", "");
      assert.equal(await page.locator("#gaps .rank-value").first().innerText(), `${points} points`);
    }));

  test("releases are reported by their band, and with the sentence that goes with them", () =>
    on(demo({ PUBLIC_MIN_CLIENTS: "3" }, 60), async (service, page) => {
      for (let band; !band; ) ({ band } = await json(service, "stats/summary.json"));
      await isOnePage(page, service, "releases");
      await visit(page, service, "report?lang=en");
      assert.match(await page.locator(".report-scope").innerText(), /(3-4|5-9) organisations/);
      assert.match(
        await page.locator(".report-method").innerText(),
        /What fewer than 3 organisations have is not shown.*newest days or week/,
      );
    }));
});
