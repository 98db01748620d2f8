// The eleven questions of packaging/guide/figures.md: each is answered where the guide says, on the demo, by one analysis and in releases.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { launch, open, trends, visit } from "./browser.mjs";
import { ago, demo, serve } from "./service.mjs";

/**
 * The address, what answers there, and how it reads.
 * @type {[string, string, string, RegExp][]}
 */
const QUESTIONS = [
  ["How many high risks are there now?", "", "#figures .figure", /high risks in an average analysis now\n(at most |at least |about )?\d/],
  ["What should be looked at first?", "threats?view=first", ".numbered li", /Probability \d/],
  ["What has changed since last month?", "trends?period=month", "#charts", /→|· \d.*organisations|Nothing moved/],
  ["What has changed since the last review?", "trends?since=DAY", "#charts", /→|· \d.*organisations|Nothing moved/],
  ["Which controls lag?", "compliance", ".gap", /\d+(\.\d+)?%/],
  ["What trend does management see?", "report", ".report-sentences", /High residual risks|An average analysis has/],
  ["Which threats rise?", "trends", "#movers-threat", /\+\d|Nothing moved|−\d/],
  ["Is that robust, and on how many does it rest?", "trends", "#charts", /at least 10 moved, too regularly for chance/],
  [
    "What is new, or gone?",
    "trends",
    "#came-and-went",
    /New threats.*Threats that are gone|Newly published threats.*Threats no longer published/s,
  ],
  ["What does 3.25 mean?", "threats", "#threats-ranking .unit", /Probability \(mean rating\).*bars from 0 to \d/],
];

describe("questions", () => {
  let browser;
  before(async () => (browser = await launch()));
  after(() => browser?.close());

  /** Asks a service all of them, and ends it. */
  async function asked(service, name) {
    const page = await open(browser, service);
    try {
      await trends(service);
      await visit(page, service, "help");
      const times = [];
      for (const [question, path, place, answer] of QUESTIONS) {
        const start = performance.now();
        await visit(page, service, path.replace("DAY", ago(20)));
        times.push(`${((performance.now() - start) / 1000).toFixed(1)} s  ${question}`);
        assert.match(await page.locator(place).first().innerText(), answer, `${name}: ${question}`);
      }
      console.log([name, ...times].join("\n"));
      assert.deepEqual(page.noticed, []);
    } finally {
      await page.context().close();
      await service.stop();
    }
  }

  test("the guide has the same questions, at the same addresses", async () => {
    const guide = await readFile(new URL("../../packaging/guide/figures.md", import.meta.url), "utf8");
    const rows = guide
      .split("\n")
      .filter((line) => /^\| .*\?/.test(line))
      .map((line) => line.split("|").map((cell) => cell.trim()));
    assert.equal(rows.length, 11);
    for (const [question, path] of QUESTIONS)
      assert.ok(
        rows.some((row) => row[1] === question && row[2] === `\`/${path}\``),
        question,
      );
  });

  test("on the demo", async () => {
    await asked(await demo(), "demo");
  });

  test("by one analysis in a machine of its own", async () => {
    const directory = await mkdtemp(join(tmpdir(), "monarc-stats-questions-"));
    const variables = { STATS_DATABASE: join(directory, "stats.db") };
    const batch = JSON.parse(await readFile(new URL("../fixtures/front_office.json", import.meta.url), "utf8"));
    const first = await serve(variables);
    for (const days of [0, 40, 100]) {
      const date = new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
      const body = JSON.stringify(batch.map((one) => ({ ...one, date })));
      const headers = { "X-API-KEY": "admin-token-of-a-test", "Content-Type": "application/json" };
      assert.equal((await fetch(`${first.address}/api/v1/stats/`, { method: "POST", headers, body })).status, 201);
    }
    await first.stop();
    await asked(await serve(variables), "one analysis");
    await rm(directory, { recursive: true });
  });

  test("in releases", async () => {
    await asked(await demo({ PUBLIC_MIN_CLIENTS: "3" }, 60), "releases");
  });
});
