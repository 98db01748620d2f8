// View links and the page that puts one's own figures beside those of others: what it says, in four languages, on a phone.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { accessibility, launch, open, tableOf, visit } from "./browser.mjs";
import { serve } from "./service.mjs";

const uuid = (number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
const today = new Date().toISOString().slice(0, 10);
const NAMES = ["alpha", "beta", "gamma", "delta"];

/** The stats of a client: threats of which it has the first so many, all rated alike; risks; a referential. */
function stats(client, rate) {
  const threat = (number) => ({ uuid: uuid(number), label1: `Menace ${number}`, label2: `Threat ${number}`, count: number, maxRisk: 5 * rate, averageRate: String(rate) });
  const levels = ["Low risks", "Medium risks", "High risks"].map((level, index) => ({ level, value: index + rate }));
  const side = { informational: levels, operational: levels };
  const category = (value) => [{ label2: "Access control", value: String(value) }, { label2: "Cryptography", value: String(value / 2) }];
  const item = (type, data) => ({ anr: uuid(100 + client), type, date: today, data });
  return [
    item("threat", [1, 2, 3].map(threat)),
    item("vulnerability", [4, 5].map(threat)),
    item("risk", { risks: { current: side, residual: side } }),
    item("compliance", [{ referential: uuid(9), label2: "ISO 27002", current: category(rate / 10), target: category(1) }]),
  ];
}

/** A live service with so many clients and a link of the first one's. */
async function house(clients) {
  const service = await serve({ PUBLIC_MIN_CLIENTS: "1" });
  for (const [index, name] of NAMES.slice(0, clients).entries()) {
    const token = `${name}-token-of-a-test`;
    service.run("client", "create", "--name", name, "--token", token);
    const response = await fetch(`${service.address}/api/v1/stats/`, {
      method: "POST", headers: { "X-API-KEY": token, "Content-Type": "application/json" }, body: JSON.stringify(stats(index, [4, 1, 2, 3][index])),
    });
    assert.equal(response.status, 201);
  }
  const link = new URL(/Link: (\S+)/.exec(service.run("client", "view-link", "create", "alpha"))[1]).pathname.slice(1);
  return { ...service, link };
}

describe("one's own figures", { concurrency: 2 }, () => {
  let many, few, browser;
  before(async () => {
    [many, few, browser] = await Promise.all([house(4), house(2), launch()]);
  });
  after(async () => {
    await browser?.close();
    await Promise.all([many?.stop(), few?.stop()]);
  });

  test("a link leads to a clean address, and from there to every page", async () => {
    const page = await open(browser, many);
    await visit(page, many, many.link);
    const root = page.url();
    assert.match(root, /\/v\/1\/$/);
    assert.ok(!root.includes(many.link.split("/")[1]));
    assert.equal(await page.evaluate(() => document.cookie), "", "no script reads the cookie");
    const paths = await page.locator(".menu a").evaluateAll((links) => links.map((link) => link.href));
    assert.ok(paths.length >= 9 && paths.every((path) => path.startsWith(root)), paths.join());
    for (const path of paths) {
      await page.goto(path, { waitUntil: "load" });
      await page.waitForFunction(() => !document.querySelector("[aria-busy], .loading"));
      assert.match(await page.locator(".notice.released").textContent(), /alpha/);
      assert.equal(await page.locator(".notice.error").count(), 0, path);
    }
    assert.deepEqual(page.noticed, []);
    await page.context().close();
  });

  test("a sentence, the widest distance first, and the numbers behind it", async () => {
    const page = await open(browser, many);
    await visit(page, many, `${many.link}benchmark`);
    assert.equal(await page.locator(".benchmark-sentence").textContent(), "3 of your 3 threats are above the middle of 3-4 organisations.");
    const table = await tableOf(page, "benchmark-threats");
    assert.deepEqual(table.head, ["Threats", "You", "Mean of others", "Organisations", "Distance"]);
    assert.deepEqual(table.rows, [1, 2, 3].map((number) => [`Threat ${number}`, 4, 2, "3-4", 2]));
    assert.equal(await page.locator(".gap .dot.target").count(), 3);
    await page.getByText("Share of risks", { exact: true }).click();
    await page.waitForFunction(() => document.querySelector(".unit").textContent.includes("Share"));
    assert.equal(await page.locator(".benchmark-sentence").textContent(), "0 of your 3 threats are above the middle of 3-4 organisations.");
    await visit(page, many, "v/1/benchmark?kind=compliance");
    assert.deepEqual((await tableOf(page, `benchmark-${uuid(9)}`)).rows.map(([name]) => name), ["Access control", "Cryptography"]);
    await visit(page, many, `v/1/threats/${uuid(1)}`);
    assert.equal(await page.locator(".measures h2").last().textContent(), "Beside 3-4 organisations");
    assert.equal(await page.locator(".measures .gap").count(), 3);
    assert.deepEqual(page.noticed, []);
    await page.context().close();
  });

  test("with too few others nothing of them is shown", async () => {
    const page = await open(browser, few);
    await visit(page, few, `${few.link}benchmark`);
    assert.equal(await page.locator("#notices .notice-title").last().textContent(), "Too few others to be shown");
    assert.equal(await page.locator(".gap .dot.current").count(), 3);
    assert.equal(await page.locator(".gap .dot.target").count(), 0);
    assert.deepEqual((await tableOf(page, "benchmark-threats")).head, ["Threats", "You"]);
    await page.context().close();
  });

  for (const [index, language] of ["en", "fr", "de", "nl"].entries()) {
    for (const kind of ["threats", "risks", "compliance"]) {
      test(`${kind} ${language} at 390 pixels`, async () => {
        const colorScheme = index % 2 ? "dark" : "light";
        const page = await open(browser, many, { locale: language, colorScheme, viewport: { width: 390, height: 800 } });
        await visit(page, many, many.link);
        await visit(page, many, `v/1/benchmark?kind=${kind}`);
        assert.equal(await page.locator("html").getAttribute("lang"), language);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `it is ${overflow} pixels too wide`);
        for (const button of await page.locator("figure.chart button[aria-expanded]").all()) await button.click();
        assert.deepEqual(await accessibility(page), []);
        assert.ok(!/\{\w+\}|benchmark\./.test(await page.locator("main").innerText()));
        assert.deepEqual(page.noticed, []);
        await page.context().close();
      });
    }
  }

  test("a link that has ended says so in a page", async () => {
    const page = await open(browser, few, { viewport: { width: 390, height: 800 } });
    await page.goto(`${few.address}/v/not-a-link-of-anybodys/`);
    assert.equal(await page.locator("h1").textContent(), "This link shows nothing any more");
    assert.deepEqual(await accessibility(page), []);
    await page.context().close();
  });
});
