// Every page, in combinations of language, theme and width: each pair of values occurs; with FULL=1 all of them.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { accessibility, json, launch, open, visit } from "./browser.mjs";
import { demo, PAGES } from "./service.mjs";

const EVERY = [...PAGES, "map", "api/v1/", "nowhere"];
const LANGUAGES = ["en", "fr", "de", "nl"];
const THEMES = ["light", "dark"];
const WIDTHS = [390, 1280];

/** Pages × languages hold every pair of these two; themes and widths are dealt so that their pairs occur as well. */
function combinations() {
  return EVERY.flatMap((path, p) =>
    LANGUAGES.flatMap((language, l) => {
      if (process.env.FULL) return THEMES.flatMap((theme) => WIDTHS.map((width) => ({ path, language, theme, width })));
      return [{ path, language, theme: THEMES[(p + l) % 2], width: WIDTHS[(p + (l >> 1)) % 2] }];
    }),
  );
}

test("every pair of values occurs", () => {
  const pairs = new Set();
  for (const one of combinations()) {
    const entries = Object.entries(one);
    for (const a of entries) for (const b of entries) if (a[0] < b[0]) pairs.add(`${a}|${b}`);
  }
  const sizes = [EVERY, LANGUAGES, THEMES, WIDTHS].map(({ length }) => length);
  const expected = sizes.flatMap((a, i) => sizes.slice(i + 1).map((b) => a * b)).reduce((sum, n) => sum + n, 0);
  assert.equal(pairs.size, expected);
});

describe("pages", { concurrency: 2 }, () => {
  let service, browser, object;
  before(async () => {
    [service, browser] = await Promise.all([demo(), launch()]);
    [{ object }] = await json(service, "stats/threats.json");
  });
  after(async () => {
    await browser?.close();
    await service?.stop();
  });

  for (const { path, language, theme, width } of combinations()) {
    test(`/${path} ${language} ${theme} ${width}`, async () => {
      const options = { locale: language, colorScheme: theme, viewport: { width, height: 800 } };
      const page = await open(browser, service, options);
      await visit(page, service, path.replace("OBJECT", object));
      assert.equal(await page.locator("html").getAttribute("lang"), language);
      assert.equal(await page.locator("html").getAttribute("data-theme"), theme);
      assert.equal(await page.locator("h1").count(), 1);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `it is ${overflow} pixels too wide`);
      for (const figure of await page.locator("figure.chart").all()) {
        for (const part of ["h2", ".unit", ".exports", "button[aria-expanded]"]) {
          assert.equal(await figure.locator(part).count(), 1, part);
        }
        await figure.locator("button[aria-expanded]").click();
        assert.ok((await figure.locator("tbody tr").count()) > 0);
      }
      const details = page.locator("details.operation");
      if (await details.count()) await details.first().locator("summary").click();
      assert.deepEqual(await accessibility(page), []);
      // Chromium says so of every page that is not there.
      assert.deepEqual(
        page.noticed.filter((one) => path !== "nowhere" || !/404/.test(one)),
        [],
      );
      await page.context().close();
    });
  }
});
