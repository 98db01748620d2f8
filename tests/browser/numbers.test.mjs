// The numbers in the table views are those of the public JSON, and those of the cards what somebody computes by hand.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { json, launch, open, tableOf, visit } from "./browser.mjs";
import { ago, demo, serve } from "./service.mjs";

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

  for (const [kind, count] of [
    ["threats", "10"],
    ["vulnerabilities", "all"],
  ]) {
    test(`no number of what to look at first hides another, of ${count} ${kind}`, async () => {
      await visit(page, service, `${kind}?view=first&n=${count}`);
      const places = await page
        .locator(".bubble text")
        .evaluateAll((all) => all.map((one) => [Number(one.getAttribute("x")), Number(one.getAttribute("y"))]));
      assert.ok(places.length >= 10);
      places.forEach(([x, y], index) =>
        places.slice(0, index).forEach(([ox, oy]) => assert.ok(Math.hypot(x - ox, y - oy) >= 15, `${x}, ${y} is beside ${ox}, ${oy}`)),
      );
      assert.ok(places.every(([x, y]) => x >= 0 && x <= 640 && y >= 0 && y <= 420));
    });
  }

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

describe("numbers of cards, as computed by hand", () => {
  const uuid = (n) => `0000000${n}-4576-11e9-9173-0800277f0571`;
  const threat = (n, label2, rate) => ({ uuid: uuid(n), label2, count: 1, maxRisk: 9, averageRate: String(rate) });
  const risks = (informational, operational) => ({
    informational: LEVELS.map((level) => ({ level, value: level === "High risks" ? informational : 1 })),
    operational: LEVELS.map((level) => ({ level, value: level === "High risks" ? operational : 1 })),
  });
  const access = (value) => [{ label2: "Access", controls: [], value: String(value) }];
  const iso = (current, target) => [{ referential: uuid(9), label2: "ISO", current: access(current), target: access(target) }];
  /** @type {Record<string, [string, string, any][]>} what each of two organisations sends of its one analysis */
  const sent = {
    one: [
      ["threat", ago(1), [threat(1, "Fire", 1)]],
      ["threat", ago(0), [threat(1, "Fire", 4)]],
      ["risk", ago(0), { risks: { current: risks(5, 1), residual: risks(1, 0) } }],
      ["compliance", ago(0), iso(0.2, 0.9)],
    ],
    two: [
      ["threat", ago(0), [threat(1, "Fire", 1), threat(2, "Flood", 3.5)]],
      ["risk", ago(0), { risks: { current: risks(2, 2), residual: risks(2, 0) } }],
      ["compliance", ago(0), iso(0.4, 1)],
    ],
  };

  let service, browser, page;
  before(async () => {
    [service, browser] = await Promise.all([serve(), launch()]);
    for (const [index, [name, stats]] of Object.entries(sent).entries()) {
      service.run("client", "create", "--name", name, "--token", `${name}-token-of-a-test`);
      const response = await fetch(`${service.address}/api/v1/stats/`, {
        method: "POST",
        headers: { "X-API-KEY": `${name}-token-of-a-test`, "Content-Type": "application/json" },
        body: JSON.stringify(stats.map(([type, date, data]) => ({ anr: uuid(index), type, date, data }))),
      });
      assert.equal(response.status, 201, await response.text());
    }
    page = await open(browser, service);
  });
  after(async () => {
    assert.deepEqual(page.noticed, []);
    await browser?.close();
    await service?.stop();
  });

  test("key figures", async () => {
    const { analyses, clients, days, stats } = await json(service, "stats/summary.json");
    assert.deepEqual([analyses, clients, days, stats], [2, 2, 2, 7]);
    const { current, residual } = await json(service, "stats/risks.json?days=30");
    const high = ({ informational, operational }) => [informational["High risks"], operational["High risks"]];
    assert.deepEqual(
      [high(current), high(residual)],
      [
        [3.5, 1.5],
        [1.5, 0],
      ],
    );
    await visit(page, service, "?lang=en");
    const tiles = await page.locator("#figures .figure").allInnerTexts();
    // High risks: (5 + 2) / 2 + (1 + 2) / 2 now, (1 + 2) / 2 + 0 afterwards.
    const expected = [/\b5\b/, /\b1\.5\b/, /\b2\b.*of 2 organisations/s, /\b2\b.*7 stats/s];
    expected.forEach((one, index) => assert.match(tiles[index], one));
  });

  test("the most probable threats", async () => {
    const all = await json(service, "stats/threats.json?days=30");
    // A mean is over stats: (1 + 4 + 1) / 3 of Fire, which two analyses have, and 3.5 of Flood.
    assert.deepEqual(Object.fromEntries(all.map(({ labels, averages }) => [labels.label2, averages.averageRate])), { Fire: 2, Flood: 3.5 });
    await visit(page, service, "?lang=en");
    const rows = await page.locator("#top-threats .rank").allInnerTexts();
    assert.equal(rows.length, 2);
    assert.match(rows[0], /1\. Flood\s+3\.5\s.*in 1 of 2 analyses/s);
    assert.match(rows[1], /2\. Fire\s+2\s.*in 2 of 2 analyses/s);
  });

  test("the widest gap in compliance", async () => {
    const [{ categories }] = await json(service, "stats/compliance.json?days=30");
    const [{ current, target }] = categories.map(({ averages }) => averages);
    assert.deepEqual(
      [current, target].map((value) => value.toFixed(9)),
      ["0.300000000", "0.950000000"],
    );
    await visit(page, service, "report?lang=en");
    assert.match(await page.locator("#gaps .gap").innerText(), /Access\s+65 points\s+Current 30% · Target 95%/s);
  });
});
