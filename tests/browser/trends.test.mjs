// What moved: the numbers of the page are those of the JSON, live and in releases, and nothing is claimed that is not.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { accessibility, json, launch, open, settled, tableOf, trends, visit } from "./browser.mjs";
import { ago, demo, serve } from "./service.mjs";

describe("trends", () => {
  let service, browser, page;
  before(async () => {
    [service, browser] = await Promise.all([demo(), launch()]);
    page = await open(browser, service);
    await trends(service, "month");
  });
  after(async () => {
    assert.deepEqual(page.noticed, []);
    await browser?.close();
    await service?.stop();
  });

  for (const horizon of ["quarter", "month", "year"]) {
    test(`the numbers since a ${horizon}`, async () => {
      const { types } = await trends(service, horizon);
      await visit(page, service, "trends?n=all&lang=en");
      if (horizon !== "quarter") {
        await page.locator(`label:has(> input[name="period"][value="${horizon}"])`).click();
        await settled(page);
        assert.equal(new URL(page.url()).searchParams.get("period"), horizon);
      }
      for (const type of ["threat", "vulnerability", "risk", "compliance"]) {
        const wanted = types[type].moved;
        if (!wanted.length) continue;
        const { rows } = await tableOf(page, `movers-${type}`);
        const numbers = (list) => list.map((one) => one.join()).sort();
        assert.deepEqual(
          numbers(rows.map((row) => row.slice(2, 9).map((value) => (value === "–" ? null : value)))),
          numbers(wanted.map((one) => [one.before, one.after, one.change, one.slope, one.rose, one.fell, one.analyses])),
          type,
        );
        assert.equal(await page.locator(`#movers-${type} .mover`).count(), wanted.length);
      }
      // Seven analyses are too few to claim anything.
      assert.equal(await page.locator(".arrow").filter({ hasText: /[▲▼]/ }).count(), 0);
      assert.ok(await page.locator(".arrow").filter({ hasText: /[△▽]/ }).count());
    });
  }

  test("since a day of one's own, by a form that keeps all other choices in the address", async () => {
    const day = ago(40);
    await visit(page, service, "trends?n=all&lang=en&period=month&direction=fell");
    await page.locator('input[name="since"]').fill(day);
    await page.locator("form.day button").click();
    await page.waitForURL(/since=/);
    await settled(page);
    assert.deepEqual(Object.fromEntries(new URL(page.url()).searchParams), { n: "all", lang: "en", direction: "fell", since: day });
    assert.equal(await page.locator('input[name="since"]').inputValue(), day);
    assert.equal(await page.locator('input[name="period"]:checked').count(), 0);
    const { since } = await json(service, `stats/trends.json?since=${day}&direction=fell`);
    const wanted = since.types.threat.moved;
    assert.ok(wanted.length && wanted.every(({ change }) => change < 0));
    const { rows } = await tableOf(page, "movers-threat");
    const numbers = (list) => list.map((one) => one.join()).sort();
    assert.deepEqual(
      numbers(rows.map((row) => row.slice(2, 9))),
      numbers(wanted.map((one) => [one.before, one.after, one.change, "–", one.rose, one.fell, one.analyses])),
    );
    // What is copied and saved is what is shown.
    assert.match(await page.locator("#movers-threat a[href*='data.csv']").first().getAttribute("href"), /since=.*&direction=fell$/);
    // A period takes its place, and Back gives it back.
    await page.locator('label:has(> input[name="period"][value="quarter"])').click();
    await settled(page);
    assert.equal(new URL(page.url()).searchParams.get("since"), null);
    await page.goBack();
    await settled(page);
    assert.equal(await page.locator('input[name="since"]').inputValue(), day);
    await page.locator('label:has(> input[name="direction"][value="rose"])').click();
    await settled(page);
    assert.deepEqual(
      await page.locator(".mover .arrow").evaluateAll((all) => all.filter((one) => /[▼▽]/.test(one.textContent ?? "")).length),
      0,
    );
  });

  test("a day of one's own can be chosen in every language and on a telephone, and one before all stats says so", async () => {
    const small = await open(browser, service, { viewport: { width: 390, height: 800 } });
    try {
      for (const [language, text] of Object.entries({
        en: /The oldest stat is of .*2/,
        fr: /La première statistique est du .*2/,
        de: /Die älteste Statistik ist vom .*2/,
        nl: /De oudste statistiek is van .*2/,
      })) {
        await visit(small, service, `trends?lang=${language}&since=${ago(40)}`);
        await small.locator(".filters > summary").click();
        assert.ok(await small.locator("form.day").isVisible());
        assert.deepEqual(await accessibility(small), [], language);
        const overflow = await small.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${language}: ${overflow}`);
        await visit(small, service, `trends?lang=${language}&since=2001-01-01`);
        assert.match(await small.locator("#charts").innerText(), text);
        // What cannot be compared has not stood still either.
        assert.equal(await small.locator("#charts section").count(), 0);
      }
      assert.deepEqual(small.noticed, []);
    } finally {
      await small.context().close();
    }
  });

  test("a day that is still to come is refused with a reason, and another can be chosen", async () => {
    const other = await open(browser, service);
    try {
      await visit(other, service, "trends?lang=en&since=2999-01-01");
      assert.match(await other.locator("#charts").innerText(), /2999-01-01 is not a day from 1970-01-01 to yesterday/);
      await other.locator('label:has(> input[name="period"][value="month"])').click();
      await settled(other);
      assert.ok(await other.locator(".mover").count());
    } finally {
      await other.context().close();
    }
  });

  test("the overview begins with what moved, each once, and leads to all of it", async () => {
    await visit(page, service, "?lang=en");
    assert.equal(await page.locator("figure").first().getAttribute("id"), "movers");
    const objects = await page.locator("#movers .mover").evaluateAll((all) => all.map((one) => one.dataset.object));
    assert.equal(new Set(objects).size, objects.length);
    await page.locator("#movers a", { hasText: "All that moved" }).click();
    await page.waitForURL(/trends\?lang=en$/);
  });

  test("what is new and what is gone is named and led to", async () => {
    await page.route("**/stats/trends.json*", async (route) => {
      const answer = await (await route.fetch()).json();
      const one = { object: "b402d4e0-4576-11e9-9173-0800277f0571", labels: { label2: "Quantum theft" } };
      Object.assign(answer.quarter.types.threat, { new: [one], gone: [] });
      answer.quarter.types.threat.moved[0].trend = true;
      await route.fulfill({ json: answer });
    });
    await visit(page, service, "trends?lang=en&n=all");
    assert.match(await page.locator("#came-and-went a").getAttribute("href"), /threats\/b402d4e0-.*lang=en/);
    assert.match(await page.locator("#came-and-went").innerText(), /Quantum theft/);
    // What is claimed is told in the arrow and in words.
    assert.equal(await page.locator(".mover", { hasText: /trend · / }).count(), 1);
    assert.equal(await page.locator(".arrow").filter({ hasText: /[▲▼]/ }).count(), 1);
    await page.unroute("**/stats/trends.json*");
  });

  test("a ranking says how many places each moved, and by how much", async () => {
    const { now, earlier, objects, ...rest } = await json(service, "stats/compared.json?type=threat");
    // As rounding does it: now the second and the third are equal, and so were others.
    for (const { averages: means } of [...now.averages, ...earlier[0].averages]) means.averageRate = Math.round(means.averageRate * 2) / 2;
    await page.route("**/stats/compared.json*", (route) => route.fulfill({ json: { now, earlier, objects, ...rest } }));
    const founded = now.averages.filter(({ object }) => objects[object] >= 3);
    const then = new Map(earlier[0].averages.map((one) => [one.object, one]));
    assert.deepEqual(Object.keys(earlier[0].averages[0]).sort(), ["averages", "object"]);
    const order = (list) =>
      [...list]
        .sort(
          (a, b) =>
            b.averages.averageRate - a.averages.averageRate ||
            b.averages.maxRisk - a.averages.maxRisk ||
            b.averages.count - a.averages.count ||
            (a.object < b.object ? -1 : 1),
        )
        .map(({ object }) => object);
    const [sorted, past] = [order(founded), order(founded.flatMap(({ object }) => then.get(object) ?? []))];
    const rateOf = (list, wanted) => list.find(({ object }) => object === wanted).averages.averageRate;
    // Equals share a place: it tells how many are above.
    const placeIn = (list, object) => 1 + list.filter((one) => one.averages.averageRate > rateOf(list, object)).length;
    const earlierOnes = founded.flatMap(({ object }) => then.get(object) ?? []);
    await visit(page, service, "threats?n=all&lang=en");
    const rows = await page
      .locator(".rank")
      .evaluateAll((all) =>
        all.map((one) => [
          one.dataset.object,
          one.querySelector(".rank-position").textContent,
          one.querySelector(".rank-moved")?.innerText ?? "",
        ]),
      );
    assert.deepEqual(
      rows.map(([object]) => object),
      sorted,
    );
    for (const [object, place, text] of rows) {
      assert.equal(place, `${placeIn(founded, object)}. `, object);
      const by = past.includes(object) ? placeIn(earlierOnes, object) - placeIn(founded, object) : 0;
      const wanted = !past.includes(object) ? /^new$/ : by ? new RegExp(`^${by > 0 ? "up" : "down"} ${Math.abs(by)} places?$`) : /^$/;
      assert.match(text, wanted, object);
    }
    assert.ok((await page.locator(".rank .spark").count()) > 30);
    // So it is on an object's page.
    const [[object, place]] = rows.slice(5);
    await visit(page, service, `threats/${object}?lang=en`);
    assert.match(await page.locator(".measures").innerText(), new RegExp(`rank ${Number.parseInt(place, 10)} of`));
    await page.unroute("**/stats/compared.json*");
    await visit(page, service, "threats?compare=none");
    assert.equal(await page.locator(".rank-moved").count(), 0);
    await visit(page, service, "?lang=en");
    assert.equal(await page.locator("#figures .spark").count(), 2);
  });

  test("the page of a threat says how it changed, over those at both ends", async () => {
    const [{ object }] = (await trends(service, "quarter")).types.threat.moved;
    const { changes } = await json(service, `stats/objects/${object}.json`);
    await visit(page, service, `threats/${object}?lang=en`);
    const rows = await page.locator("#changes dd").allInnerTexts();
    assert.equal(rows.length, 3);
    const { before, after, rose, fell, analyses } = changes.quarter.averageRate;
    assert.match(rows[1], new RegExp(`· ${before} → ${after} · rose in ${rose}, fell in ${fell} of ${analyses} analys[ei]s$`));
    await page.locator('label:has(> input[name="by"][value="count"])').click();
    await settled(page);
    assert.match(await page.locator("#changes dd").first().innerText(), /^[+−]?[\d.]+ points? · .*% → .*%/);
    // A rating says what it is out of; a number of occurrences has no end.
    assert.deepEqual(await page.locator(".measures dd", { hasText: "scale" }).allInnerTexts(), ["scale from 0 to 4"]);
  });

  test("in releases changes come with bands", async () => {
    const released = await demo({ PUBLIC_MIN_CLIENTS: "3" }, 80);
    const other = await open(browser, released, { viewport: { width: 390, height: 800 } });
    try {
      await trends(released, "month");
      for (let count = 0; !count; count = await other.locator(".mover").count()) await visit(other, released, "trends?period=month&n=all");
      assert.match(await other.locator(".mover .rank-basis").first().innerText(), /· (3-4|5-9) organisations$/);
      assert.deepEqual(await accessibility(other), []);
      // A day of one's own stands for a week, which is told.
      const [day, { newest }] = [ago(45), await json(released, "stats/summary.json")];
      const { since } = await json(released, `stats/trends.json?since=${day}`);
      assert.ok(since.since <= day && since.since > ago(53) && newest);
      await visit(other, released, `trends?since=${day}&n=all&lang=en`);
      const text = await other.locator("#charts").innerText();
      assert.match(text, /Compared with the week until .*, the newest published one that was over by /);
      if (!since.matched) assert.match(text, /who joined or left has moved them too/);
      assert.match(await other.locator(".mover .rank-basis").first().innerText(), /→ .* · (3-4|5-9) organisations$/);
      assert.deepEqual(await accessibility(other), []);
      await visit(other, released, "trends?since=2001-01-01&lang=en");
      assert.match(await other.locator("#charts").innerText(), /Nothing had been published by Jan 1, 2001/);
      assert.deepEqual(other.noticed, []);
    } finally {
      await other.context().close();
      await released.stop();
    }
  });

  test("what is not computed yet says when it will be", async () => {
    const young = await serve({});
    const other = await open(browser, young);
    try {
      const item = { anr: "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01", type: "threat", date: new Date().toISOString().slice(0, 10), data: [] };
      await fetch(`${young.address}/api/v1/stats/`, {
        method: "POST",
        headers: { "X-API-KEY": "admin-token-of-a-test", "Content-Type": "application/json" },
        body: JSON.stringify([item]),
      });
      await other.route("**/stats/trends.json*", (route) =>
        route.fulfill({ json: { mode: "live", newest: null, quarter: { since: null, high: null, types: null } } }),
      );
      await visit(other, young, "trends");
      assert.match(await other.locator("#charts").innerText(), /computed once a day/);
    } finally {
      await other.context().close();
      await young.stop();
    }
  });
});
