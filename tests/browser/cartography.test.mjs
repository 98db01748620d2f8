// The cartography of two analyses with every likelihood that a threat and a vulnerability can make: its numbers, computed by
// hand, can be read on a phone, without pushing a table to and fro.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { accessibility, launch, open, settled, visit } from "./browser.mjs";
import { serve } from "./service.mjs";

const LIKELIHOODS = [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16, 20];
const MAPS = ["current", "residual", "change"].map((state) => `cartography-${state}`);

/** In every cell of the current map so many risks, in the residual one others, and none where the likelihood is high. */
function cartography(anr, current, residual) {
  const cells = (count) => Object.fromEntries(LIKELIHOODS.map((likelihood) => [likelihood, count(likelihood)]));
  const rows = (count) => Object.fromEntries([0, 1, 2, 3, 4].map((impact) => [impact, cells(count)]));
  const data = {
    scales: { impact: [0, 1, 2, 3, 4], probability: [0, 1, 2, 3, 4], likelihood: Array.from({ length: 21 }, (_, step) => step) },
    risks: {
      current: { informational: rows(() => current), operational: {} },
      residual: { informational: rows((likelihood) => (likelihood < 10 ? residual : 0)), operational: {} },
    },
  };
  return { anr, type: "cartography", date: new Date().toISOString().slice(0, 10), data };
}

describe("cartography", () => {
  let service, browser, page;
  before(async () => {
    [service, browser] = await Promise.all([serve(), launch()]);
    page = await open(browser, service, { viewport: { width: 390, height: 800 } });
    const response = await fetch(`${service.address}/api/v1/stats/`, {
      method: "POST",
      headers: { "X-API-KEY": "admin-token-of-a-test", "Content-Type": "application/json" },
      body: JSON.stringify([
        cartography("5f0c5d8e-6f0e-4b4e-9d0a-000000000001", 60, 122),
        cartography("5f0c5d8e-6f0e-4b4e-9d0a-000000000002", 61, 60),
      ]),
    });
    assert.equal(response.status, 201, await response.text());
  });
  after(async () => {
    assert.deepEqual(page.noticed, []);
    await browser?.close();
    await service?.stop();
  });

  /** What a map's table has at the side and above, and how its cells are filled. */
  const map = (id) =>
    page.locator(`#${id} .heat-scroll`).evaluate((scroll) => {
      const texts = (css) => Array.from(scroll.querySelectorAll(css), (one) => one.textContent);
      const cells = Array.from(scroll.querySelectorAll("td"), (cell) => {
        const range = document.createRange();
        range.selectNodeContents(cell);
        const room = cell.clientWidth - range.getBoundingClientRect().width;
        return { size: Number.parseFloat(getComputedStyle(cell).fontSize), room };
      });
      return {
        beyond: scroll.scrollWidth - scroll.clientWidth,
        side: texts("tbody th"),
        above: texts("thead th").slice(1),
        rows: Array.from(scroll.querySelectorAll("tbody tr"), (row) => Array.from(row.querySelectorAll("td"), (one) => one.textContent)),
        size: Math.min(...cells.map(({ size }) => size)),
        room: Math.min(...cells.map(({ room }) => room)),
      };
    });

  for (const language of ["en", "fr", "de", "nl"]) {
    test(`fourteen likelihoods can be read at 390 pixels in ${language}`, async () => {
      await visit(page, service, `cartography?lang=${language}`);
      for (const id of MAPS) {
        const { beyond, side, above, size, room } = await map(id);
        assert.deepEqual(side, LIKELIHOODS.map(String).reverse(), id);
        assert.deepEqual(above, ["0", "1", "2", "3", "4"], id);
        assert.ok(beyond <= 0 && size >= 12 && room >= 0, `${id}: ${beyond} pixels beyond, ${size} high, ${room} to spare`);
      }
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0);
      assert.deepEqual(await accessibility(page), []);
    });
  }

  test("numbers are the means, and what changes between them", async () => {
    await visit(page, service, "cartography?lang=en");
    const [current, residual, change] = await Promise.all(MAPS.map(map));
    // (60 + 61) / 2 everywhere; below ten (122 + 60) / 2 afterwards, and nothing from there on.
    [...LIKELIHOODS].reverse().forEach((likelihood, row) => {
      const expected = likelihood < 10 ? ["60.5", "91", "+30.5"] : ["60.5", "", "−60.5"];
      assert.deepEqual(
        [current, residual, change].map(({ rows }) => [...new Set(rows[row])].join()),
        expected,
        String(likelihood),
      );
    });
  });

  test("likelihoods stand below when there is room again", async () => {
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.locator("#cartography-change thead th", { hasText: /^20$/ }).waitFor();
    await settled(page);
    for (const id of MAPS) {
      const { beyond, side, above } = await map(id);
      assert.deepEqual(side, ["4", "3", "2", "1", "0"]);
      assert.deepEqual(above, LIKELIHOODS.map(String));
      assert.ok(id !== "cartography-change" || beyond <= 0, id);
    }
  });
});
