// The numbers in the table views are those of the public JSON.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { json, launch, open, tableOf, visit } from "./browser.mjs";
import { demo } from "./service.mjs";

const LEVELS = ["Low risks", "Medium risks", "High risks"];

describe("numbers", () => {
  let service, browser, page;
  before(async () => {
    [service, browser] = await Promise.all([demo(), launch()]);
    page = await open(browser, service);
  });
  after(async () => {
    await browser?.close();
    await service?.stop();
  });

  test("key figures", async () => {
    const known = await json(service, "stats/summary.json");
    await visit(page, service, "");
    const text = await page.locator("#figures").innerText();
    for (const value of [known.analyses, known.days, known.stats, known.clients]) {
      assert.ok(text.includes(value.toLocaleString("en")), `${value} in ${text}`);
    }
  });

  for (const kind of ["informational", "operational"]) {
    test(`levels of ${kind} risks`, async () => {
      const tree = await json(service, "stats/risks.json?days=90");
      await visit(page, service, "risks?days=90&period=month");
      const { rows } = await tableOf(page, `levels-${kind}`);
      ["current", "residual"].forEach((state, index) => {
        const expected = LEVELS.map((level) => tree[state][kind][level]);
        assert.deepEqual(rows[index].slice(1, 4), expected);
        assert.ok(Math.abs(rows[index][4] - expected.reduce((a, b) => a + b)) < 1e-9);
      });
    });

    test(`evolution of ${kind} risks`, async () => {
      const tree = await json(service, "stats/risks.json?days=365&period=quarter&processor=risk_averages_on_date");
      await visit(page, service, "risks?period=quarter&days=365");
      const { rows } = await tableOf(page, `trend-${kind}`);
      const series = ["current", "residual"].flatMap((state) => LEVELS.map((level) => tree[state][kind][level]));
      assert.equal(rows.length, series[0].length);
      rows.forEach((row, index) => {
        assert.deepEqual(
          row.slice(1, 7),
          series.map((one) => one[index].value),
        );
        assert.equal(row[7], series[0][index].stats);
      });
    });
  }

  for (const [kind, by] of [
    ["threats", "averageRate"],
    ["vulnerabilities", "maxRisk"],
    ["threats", "count"],
  ]) {
    test(`ranking of ${kind} by ${by}`, async () => {
      const all = await json(service, `stats/${kind}.json?days=365&period=month`);
      await visit(page, service, `${kind}?by=${by}&n=15&order=lowest&days=365&few=1`);
      const { rows } = await tableOf(page, `${kind}-ranking`);
      assert.equal(rows.length, 15);
      const values = all
        .map((one) => one.averages[by])
        .sort((a, b) => a - b)
        .slice(0, 15);
      assert.deepEqual(
        rows.map((row) => row[{ averageRate: 1, count: 2, maxRisk: 3 }[by]]),
        values,
      );
      for (const row of rows) {
        const { averages, labels, values: dates } = all.find(({ object }) => object === row[6]);
        assert.deepEqual(row.slice(0, 4), [labels.label2, averages.averageRate, averages.count, averages.maxRisk]);
        assert.equal(
          row[5],
          dates.reduce((sum, { stats }) => sum + stats, 0),
        );
      }
    });
  }

  test("evolution of threats", async () => {
    const all = await json(service, "stats/threats.json?days=90&period=week");
    await visit(page, service, "threats?view=evolution&days=90&period=week&n=all&by=count&few=1");
    const { head, rows } = await tableOf(page, "threats-evolution");
    assert.equal(head.length, 1 + all.length);
    head.slice(1).forEach((name, column) => {
      const one = all.find(({ labels }) => labels.label2 === name);
      const values = rows.map((row) => row[column + 1]).filter((value) => typeof value === "number");
      assert.deepEqual(
        values,
        one.values.map(({ count }) => count),
      );
    });
  });

  test("cartography", async () => {
    const { averages } = await json(service, "stats/cartography.json?days=365&period=year");
    await visit(page, service, "cartography?risk=operational&days=365");
    for (const state of ["current", "residual"]) {
      const { rows } = await tableOf(page, `cartography-${state}`);
      const cells = averages[state].operational;
      for (const [impact, probability, count] of rows.map((row) => [Number(row[0]), row[1], row[2]])) {
        const cell = cells.find((one) => one.impact === impact && one.probability === probability);
        assert.equal(count, cell?.count ?? 0);
      }
      assert.equal(rows.filter((row) => row[2] > 0).length, cells.length);
    }
  });

  test("compliance", async () => {
    const [, second] = await json(service, "stats/compliance.json?days=365&period=month");
    await visit(page, service, "compliance?days=365");
    const { rows } = await tableOf(page, `compliance-gaps-${second.referential}`);
    const gap = ({ averages: { current, target } }) => target - current;
    const sorted = [...second.categories].sort((a, b) => gap(b) - gap(a));
    assert.deepEqual(
      rows.map((row) => row.slice(0, 4)),
      sorted.map((one) => [one.labels.label2, one.averages.current, one.averages.target, gap(one)]),
    );
  });

  test("map", async () => {
    const clients = await json(service, "map/clients.json");
    await visit(page, service, "map");
    const { rows } = await tableOf(page, "clients");
    assert.deepEqual(
      rows.map((row) => [Number(row[0]), row[1], row[3], row[5]].map((value) => value.toFixed(2))),
      clients.map((one) => [one.latitude, one.longitude, one.max_threat[0], one.max_vulnerability[0]].map((value) => value.toFixed(2))),
    );
  });
});
