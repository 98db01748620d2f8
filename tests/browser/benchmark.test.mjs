// View links and the page that puts one's own figures beside those of others: what it says, in four languages, on a phone.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { accessibility, launch, open, settled, tableOf, visit } from "./browser.mjs";
import { ago, serve } from "./service.mjs";

const uuid = (number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
const NAMES = ["alpha", "beta", "gamma", "delta"];

/** The stats of a client: threats, rated alike but for the first client's; risks; a referential. */
function stats(client, rate, date) {
  const threat = (number) => ({
    uuid: uuid(number),
    label1: `Menace ${number}`,
    label2: `Threat ${number}`,
    count: number,
    maxRisk: 5 * rate,
    averageRate: String(client === 0 ? rate - (3 - number) / 5 : rate),
  });
  const levels = ["Low risks", "Medium risks", "High risks"].map((level, index) => ({ level, value: index + rate }));
  const side = { informational: levels, operational: levels };
  const category = (value) => [
    { label2: "Access control", value: String(value) },
    { label2: "Cryptography", value: String(value / 2) },
  ];
  const item = (type, data) => ({ anr: uuid(100 + client), type, date, data });
  return [
    item("threat", [1, 2, 3].map(threat)),
    item("vulnerability", [4, 5].map(threat)),
    item("risk", { risks: { current: side, residual: side } }),
    item("compliance", [{ referential: uuid(9), label2: "ISO 27002", current: category(rate / 10), target: category(1) }]),
  ];
}

/** The last day of a week that is over and closed. */
function closed() {
  const day = new Date();
  day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 6) % 7) - 8);
  return day.toISOString().slice(0, 10);
}

/** A threat as a stat has it. */
const rated = (number, rate) => ({ uuid: uuid(number), label2: `Threat ${number}`, count: 1, maxRisk: 8, averageRate: rate });

const tokenOf = (index) => `${index}-token-of-a-test-client`;

/** Stores stats as a client. */
async function send(service, index, items) {
  const response = await fetch(`${service.address}/api/v1/stats/`, {
    method: "POST",
    headers: { "X-API-KEY": tokenOf(index), "Content-Type": "application/json" },
    body: JSON.stringify(items),
  });
  assert.equal(response.status, 201);
}

/** The rows of a table without the dust of floating points. */
const exact = (rows) => rows.map((row) => row.map((cell) => (typeof cell === "number" ? Number(cell.toFixed(6)) : cell)));

/** A service with so many clients, who sent so many days ago, and a link of the first one's. */
async function house(clients, k = "1", days = 0) {
  const service = await serve({ PUBLIC_MIN_CLIENTS: k });
  const all = Array.from({ length: clients }, (_, index) => index);
  for (const index of all)
    service.run("client", "create", "--name", NAMES[index] ?? `client ${index}`, "--token", tokenOf(index), "--share");
  // A week is built once, with the first stat that is newer: all of its own come before.
  for (const date of k === "1" ? [ago(days)] : [closed(), ago(days)]) {
    for (const index of all) await send(service, index, stats(index, [4, 1, 2, 3][index % 4], date));
  }
  const link = new URL(service.run("client", "view-link", "create", "alpha").split("Link: ")[1].trim()).pathname.slice(1);
  return { ...service, link };
}

describe("one's own figures", { concurrency: 2 }, () => {
  let many, few, alone, released, browser;
  before(async () => {
    [many, few, alone, browser] = await Promise.all([house(4), house(2), house(1), launch()]);
    released = await house(20, "3");
    const band = async () => (await (await fetch(`${released.address}/stats/summary.json`)).json()).band;
    for (const start = Date.now(); (await band()) !== "20-49"; ) {
      assert.ok(Date.now() - start < 60_000, "no week is released");
      await new Promise((done) => setTimeout(done, 100));
    }
  });
  after(async () => {
    await browser?.close();
    await Promise.all([many, few, alone, released].map((service) => service?.stop()));
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
      assert.match(await page.locator(".notice.released").innerText(), /alpha/);
      assert.equal(await page.locator(".notice.error").count(), 0, path);
    }
    assert.deepEqual(page.noticed, []);
    await page.context().close();
  });

  test("a report names whose it is at its head, and its notes are in no other report", async () => {
    const page = await open(browser, many);
    const other = new URL(many.run("client", "view-link", "create", "beta").split("Link: ")[1].trim()).pathname.slice(1);
    await visit(page, many, `${many.link}report`);
    assert.match(await page.locator(".report-scope").innerText(), /^alpha · /);
    await page.locator("#notes").fill("for the board of alpha");
    await visit(page, many, `${other}report`);
    assert.match(await page.locator(".report-scope").innerText(), /^beta · /);
    assert.equal(await page.locator("#notes").inputValue(), "");
    await visit(page, many, "v/1/report");
    assert.equal(await page.locator("#notes").inputValue(), "for the board of alpha");
    await visit(page, many, "report");
    assert.equal(await page.locator("#notes").inputValue(), "");
    assert.match(await page.locator(".report-scope").innerText(), /^127\./);
    await page.context().close();
  });

  test("a sentence, the widest distance first, and the numbers behind it", async () => {
    const page = await open(browser, many);
    await visit(page, many, `${many.link}benchmark`);
    assert.equal(
      await page.locator(".benchmark-sentence").textContent(),
      "3 of your 3 comparable threats are above the mean of 3-4 organisations.",
    );
    const table = await tableOf(page, "benchmark-threats");
    assert.deepEqual(table.head, ["Threats", "You", "Mean of others", "Organisations", "Distance"]);
    assert.deepEqual(exact(table.rows), [
      ["Threat 3", 4, 2, "3-4", 2],
      ["Threat 2", 3.8, 2, "3-4", 1.8],
      ["Threat 1", 3.6, 2, "3-4", 1.6],
    ]);
    assert.equal(await page.locator(".gap .dot.target").count(), 3);
    assert.match(
      await page.getByRole("link", { name: "Threat 3", exact: true }).getAttribute("href"),
      new RegExp(`v/1/threats/${uuid(3)}$`),
    );
    await page.getByText("Share of risks", { exact: true }).click();
    await page.waitForFunction(() => document.querySelector(".unit")?.textContent.includes("Share"));
    assert.equal(
      await page.locator(".benchmark-sentence").textContent(),
      "0 of your 3 comparable threats are above the mean of 3-4 organisations.",
    );
    await visit(page, many, "v/1/benchmark?kind=compliance");
    assert.deepEqual(
      (await tableOf(page, `benchmark-${uuid(9)}`)).rows.map(([name]) => name),
      ["Access control", "Cryptography"],
    );
    await visit(page, many, `v/1/threats/${uuid(1)}`);
    assert.equal(await page.locator(".measures h2").last().textContent(), "Beside 3-4 organisations");
    assert.equal(await page.locator(".measures .gap").count(), 3);
    assert.deepEqual(page.noticed, []);
    await page.context().close();
  });

  test("what nobody else has is not counted, nor what reads alike; with one the sentence is right, too", async () => {
    const service = await house(4);
    const page = await open(browser, service);
    try {
      const data = [rated(1, "4"), rated(2, "2.001"), rated(8, "3")];
      await send(service, 0, [{ anr: uuid(100), type: "threat", date: ago(0), data }]);
      await visit(page, service, `${service.link}benchmark`);
      assert.equal(await page.locator(".gap").count(), 3);
      for (const [language, sentence] of [
        ["en", "1 of your 2 comparable threats is above the mean of 3-4 organisations."],
        ["fr", "1 de vos 2 menaces comparables est au-dessus de la moyenne de 3-4 organisations."],
        ["de", "1 Ihrer 2 vergleichbaren Bedrohungen liegt über dem Mittel von 3-4 Organisationen."],
        ["nl", "1 van uw 2 vergelijkbare dreigingen ligt boven het gemiddelde van 3-4 organisaties."],
      ]) {
        await visit(page, service, `v/1/benchmark?lang=${language}`);
        assert.equal(await page.locator(".benchmark-sentence").textContent(), sentence);
      }
    } finally {
      await page.context().close();
      await service.stop();
    }
  });

  test("the page of an object says who is who, of how many that have it, on the scale of all", async () => {
    const service = await house(6);
    const page = await open(browser, service);
    try {
      const post = (index, ...data) => send(service, index, [{ anr: uuid(100 + index), type: "threat", date: ago(0), data }]);
      await post(0, rated(1, 4), rated(7, 1), rated(8, 1));
      for (const index of [1, 2, 3]) await post(index, rated(1, 2), rated(8, 2));
      await visit(page, service, `${service.link}threats/${uuid(1)}`);
      const beside = page.locator(".measures").last();
      assert.equal(await beside.locator("h2").textContent(), "Beside 5-9 organisations");
      assert.deepEqual(await beside.locator(".key li").allTextContents(), ["You", "Mean of others"]);
      await visit(page, service, `v/1/threats/${uuid(8)}`);
      assert.equal(await beside.locator("h2").textContent(), "Beside 3-4 organisations");
      const dots = await beside
        .locator(".gap")
        .first()
        .locator(".dot")
        .evaluateAll((all) => all.map((dot) => dot.style.left));
      assert.deepEqual(dots, ["25%", "50%"]);
      await visit(page, service, `v/1/threats/${uuid(7)}`);
      assert.equal(await page.locator(".gap").count(), 0, "nobody else has it");
      assert.deepEqual(page.noticed, []);
    } finally {
      await page.context().close();
      await service.stop();
    }
  });

  test("what is saved has numbers without dust, and a long name in lines that do not meet", async () => {
    const service = await house(4);
    const page = await open(browser, service);
    try {
      const long = { ...rated(8, "2.1"), label2: "A threat whose name is long and goes on until it needs another line of the picture" };
      for (const index of [1, 2, 3])
        await send(service, index, [{ anr: uuid(100 + index), type: "threat", date: ago(0), data: [rated(8, 2)] }]);
      await send(service, 0, [{ anr: uuid(100), type: "threat", date: ago(0), data: [long] }]);
      await visit(page, service, `${service.link}benchmark`);
      const saved = async (form) => {
        const download = page.waitForEvent("download");
        await page.locator(".exports summary").click();
        await page.locator(`.exports button[data-form="${form}"]`).click();
        return readFile(await (await download).path(), "utf8");
      };
      const [csv, svg] = [await saved("data"), await saved("svg")];
      assert.match(csv.split("\n")[1], /,2\.1,2,3-4,0\.1\r?$/);
      const heights = [...svg.matchAll(/<text[^>]* y="(-?[\d.]+)"[^>]*>[^<]*(?:A threat whose|picture<)/g)].map(([, y]) => Number(y));
      assert.ok(heights.length === 2 && heights[1] - heights[0] >= 12, heights.join());
    } finally {
      await page.context().close();
      await service.stop();
    }
  });

  test("on paper a long comparison begins below its title, as wide as the page", async () => {
    const page = await open(browser, many);
    await visit(page, many, many.link);
    await visit(page, many, "v/1/benchmark?kind=risks");
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.locator("#benchmark-risks").evaluate((chart) => getComputedStyle(chart).breakInside), "auto");
    const width = (selector) => page.locator(selector).evaluate((one) => one.getBoundingClientRect().width);
    assert.equal(await width("#benchmark-risks"), await width("#charts"));
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

  test("who has sent nothing for four weeks is told so, and of no time to choose", async () => {
    const service = await house(1, "1", 40);
    const page = await open(browser, service);
    try {
      await visit(page, service, `${service.link}benchmark`);
      assert.match(await page.locator("#charts").innerText(), /Own figures are of the last four weeks; there are none\./);
      assert.ok(!/longer time/.test(await page.locator("main").innerText()));
    } finally {
      await page.context().close();
      await service.stop();
    }
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
        // A name whose words did not fit would be wider than its place.
        const broken = await page.locator(".gap .rank-name").evaluateAll((names) =>
          names
            .filter((name) => {
              name.style.overflowWrap = "normal";
              return name.scrollWidth > name.clientWidth;
            })
            .map(({ textContent }) => textContent),
        );
        assert.deepEqual(broken, []);
        for (const button of await page.locator("figure.chart button[aria-expanded]").all()) await button.click();
        assert.deepEqual(await accessibility(page), []);
        assert.ok(!/\{\w+\}|benchmark\./.test(await page.locator("main").innerText()));
        assert.deepEqual(page.noticed, []);
        await page.context().close();
      });
    }
  }

  test("here stands beside another instance once its figures were fetched", async () => {
    const page = await open(browser, alone);
    await visit(page, alone, "benchmark");
    assert.equal(await page.locator("#notices .notice-title").last().textContent(), "Nothing to stand beside these figures yet");
    assert.deepEqual(await accessibility(page), []);
    assert.match(alone.run("pull", "--benchmark", "--remote", many.address), /threat: 3 objects/);
    const host = new URL(many.address).host;
    await visit(page, alone, "benchmark");
    // The mean over 4, 1, 2 and 3 is what the other publishes of today.
    assert.match(
      await page.locator(".benchmark-sentence").textContent(),
      new RegExp(`^3 of the 3 comparable threats here are above ${host}, week \\d+\\.$`),
    );
    const table = await tableOf(page, "benchmark-threats");
    assert.deepEqual(exact(table.rows), [
      ["Threat 3", 4, 2.5, 1.5],
      ["Threat 2", 3.8, 2.45, 1.35],
      ["Threat 1", 3.6, 2.4, 1.2],
    ]);
    assert.equal(table.head[1], "Here");
    // What was fetched long ago is told from what is of this year; the first days of some are of the last one's last week.
    for (const [date, week, words] of [
      ["2020-11-22", 47, "week 47 (2020)"],
      ["2021-01-01", 53, "week 53 (2020)"],
    ]) {
      await page.route("**/stats/benchmark.json?*", async (route) => {
        const answer = await route.fetch();
        const found = await answer.json();
        await route.fulfill({ response: answer, json: { ...found, remote: { ...found.remote, date, week } } });
      });
      await visit(page, alone, "benchmark?kind=threats");
      const said = await page.locator(".benchmark-sentence").textContent();
      assert.ok(said.startsWith("3 of the 3 ") && said.endsWith(`, ${words}.`), said);
      await page.unroute("**/stats/benchmark.json?*");
    }
    for (const [index, language] of ["en", "fr", "de", "nl"].entries()) {
      await page.setViewportSize({ width: index % 2 ? 1280 : 390, height: 800 });
      for (const kind of ["vulnerabilities", "risks", "compliance"]) {
        await visit(page, alone, `benchmark?lang=${language}&kind=${kind}`);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${language} ${kind}: it is ${overflow} pixels too wide`);
        assert.deepEqual(await accessibility(page), [], `${language} ${kind}`);
      }
    }
    await visit(page, alone, `threats/${uuid(1)}`);
    assert.equal(await page.locator(".measures .gap").count(), 3);
    // In a view of one's own it stands in for the others of this instance, of whom there are too few.
    await visit(page, alone, `${alone.link}benchmark`);
    assert.match(
      await page.locator(".benchmark-sentence").textContent(),
      new RegExp(`^3 of your 3 comparable threats are above ${host}, week \\d+\\.$`),
    );
    assert.equal(await page.locator("#notices .notice-title").last().textContent(), "Too few others to be shown");
    assert.deepEqual(page.noticed, []);
    await page.context().close();
  });

  test("others of the same instance come before another instance, which can be chosen", async () => {
    const service = await house(4);
    service.run("pull", "--benchmark", "--remote", alone.address);
    const page = await open(browser, service);
    try {
      const sentence = async () => await page.locator(".benchmark-sentence").textContent();
      await visit(page, service, `${service.link}benchmark`);
      assert.equal(await sentence(), "3 of your 3 comparable threats are above the mean of 3-4 organisations.");
      const host = new URL(alone.address).host;
      const choice = page.locator("#controls").getByText(new RegExp(`^${host}, week \\d+$`));
      await choice.click();
      await page.waitForFunction(() => location.search.includes("beside=remote"));
      await settled(page);
      // Its one client has what this view's has.
      assert.match(await sentence(), new RegExp(`^0 of your 3 comparable threats are above ${host}, week \\d+\\.$`));
      assert.ok((await tableOf(page, "benchmark-threats")).head.includes("Mean of others"));
      await visit(page, service, `v/1/threats/${uuid(1)}`);
      assert.equal(await page.locator(".measures h2").last().textContent(), "Beside 3-4 organisations");
      assert.deepEqual(page.noticed, []);
    } finally {
      await page.context().close();
      await service.stop();
    }
  });

  test("released figures have a median and the middle half", async () => {
    const page = await open(browser, released, { viewport: { width: 390, height: 800 } });
    await visit(page, released, released.link);
    await visit(page, released, "v/1/benchmark");
    assert.equal(
      await page.locator(".benchmark-sentence").textContent(),
      "3 of your 3 comparable threats are above the published median of 20-49 organisations, 0 below; the rest is within its rounding.",
    );
    const table = await tableOf(page, "benchmark-threats");
    assert.deepEqual(table.head, [
      "Threats",
      "You",
      "Published mean (you included if you share)",
      "Published median (you included if you share)",
      "First quartile",
      "Third quartile",
      "Organisations",
      "Distance",
    ]);
    // Ratings of 1, 2, 3 and 4, five times each: the mean is on a grid of 0.2, the others on one of 0.5.
    assert.deepEqual(table.rows[0], ["Threat 3", 4, 2.6, 2.5, 2, 3.5, "20-49", 1.5]);
    assert.equal(await page.locator(".gap-track .half").count(), 3);
    // Its edge is as easy to see as the dots: a pale band alone is lost, in the dark above all.
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      await page.emulateMedia({ colorScheme });
      const edge = (selector) =>
        page
          .locator(`.gap-track ${selector}`)
          .first()
          .evaluate((one) => {
            const { borderTopColor, borderTopWidth, opacity } = getComputedStyle(one);
            return { borderTopColor, opacity, isThere: borderTopWidth !== "0px" };
          });
      assert.deepEqual(await edge(".half"), await edge(".dot"));
    }
    // A highest risk of 20 beside 12.5, which is published as 10 in steps of 10: that is no difference yet.
    await visit(page, released, "v/1/benchmark?by=maxRisk");
    assert.equal(
      await page.locator(".benchmark-sentence").textContent(),
      "0 of your 3 comparable threats are above the published median of 20-49 organisations, 0 below; the rest is within its rounding.",
    );
    assert.deepEqual(await accessibility(page), []);
    assert.deepEqual(page.noticed, []);
    await page.context().close();
  });

  test("a link that has ended says so in a page", async () => {
    const page = await open(browser, few, { viewport: { width: 390, height: 800 } });
    await page.goto(`${few.address}/v/not-a-link-of-anybodys/`);
    assert.equal(await page.locator("h1").textContent(), "This link shows nothing any more");
    assert.deepEqual(await accessibility(page), []);
    await page.context().close();
  });
});
