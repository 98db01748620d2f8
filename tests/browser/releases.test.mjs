// Where weeks are released: every page says which, of how many organisations and what is not shown, and tells no count.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { accessibility, json, launch, open, visit } from "./browser.mjs";
import { ago, PAGES, serve, start } from "./service.mjs";

const LANGUAGES = ["en", "fr", "de", "nl"];
const WIDTHS = [390, 1280];

/** What a page says in each language of a week and of a band below ten; and where nothing is published. */
const SENTENCES = {
  en: (week, band) =>
    `Weekly figures, newest week until ${week}, of ${band} organisations. What fewer than 3 organisations have is not shown. With so few, figures are rounded coarsely.`,
  fr: (week, band) =>
    `Chiffres hebdomadaires, dernière semaine jusqu’au ${week}, de ${band} organisations. Ce que moins de 3 organisations ont n’est pas montré. Avec si peu d’organisations, les chiffres sont arrondis grossièrement.`,
  de: (week, band) =>
    `Wöchentliche Zahlen, neueste Woche bis ${week}, von ${band} Organisationen. Was weniger als 3 Organisationen haben, wird nicht gezeigt. Bei so wenigen sind die Zahlen grob gerundet.`,
  nl: (week, band) =>
    `Wekelijkse cijfers, nieuwste week tot en met ${week}, van ${band} organisaties. Wat minder dan 3 organisaties hebben, wordt niet getoond. Bij zo weinig organisaties zijn de cijfers grof afgerond.`,
};
const NOTHING = {
  en: /^Nothing is published yet: .* 3 organisations that share\. The help says/,
  fr: /^Rien n’est encore publié : .* 3 organisations qui partagent\. L’aide dit/,
  de: /^Noch ist nichts veröffentlicht: .* 3 Organisationen, die teilen\. Die Hilfe sagt/,
  nl: /^Er is nog niets gepubliceerd: .* 3 organisaties die delen nodig\. De hulp zegt/,
};

/** A number of clients, analyses or stats, in any language. Bands are two numbers. */
const COUNT =
  /(?<![\d.,-])\d[\d.,\u202f\u00a0]*\s+(analys[ei]s|analyses?|Analysen?|stats?\b|statisti\w+|Statistik\w*|organisations?|Organisation\w*|organisaties?|clients?|Mandanten?)/;
/** Names of counts in answers. */
const COUNTS = ["clients", "analyses", "stats", "rose", "fell", "hidden"];

const keysOf = (value) => {
  if (value === null || typeof value !== "object") return [];
  return Array.isArray(value) ? value.flatMap(keysOf) : Object.entries(value).flatMap(([key, one]) => [key, ...keysOf(one)]);
};

/** Opens a page; whatever JSON it asks for is looked through for counts. */
async function opened(browser, service, options) {
  const page = await open(browser, service, options);
  const answers = [];
  page.on("response", (response) => {
    if (/\.json(\?|$)/.test(response.url()) && response.ok())
      answers.push(response.json().then((value) => [response.url(), keysOf(value)]));
  });
  page.countsTold = async () => {
    const all = await Promise.all(answers);
    return all.flatMap(([url, keys]) => keys.filter((key) => COUNTS.includes(key)).map((key) => `${key} in ${url}`));
  };
  return page;
}

async function isInOrder(page) {
  // The rules, with their numbers, are no counts.
  const rules = await page.locator(".notice.released, main > .prose:not(#charts *)").allInnerTexts();
  const text = rules.reduce((text, rule) => text.replaceAll(rule, ""), await page.locator("body").innerText());
  assert.equal(COUNT.exec(text)?.[0], undefined);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `it is ${overflow} pixels too wide`);
  assert.equal(await page.locator(".notice.error").count(), 0);
  assert.deepEqual(await page.countsTold(), []);
  assert.deepEqual(await accessibility(page), []);
  assert.deepEqual(page.noticed, []);
}

const uuid = (number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;

/** A service of at least three to which two have sent for weeks. */
async function poor() {
  const service = await serve({ PUBLIC_MIN_CLIENTS: "3" });
  for (const client of [1, 2]) {
    const token = `${client}-token-of-a-test-client`;
    service.run("client", "create", "--name", `client ${client}`, "--token", token, "--share");
    const threat = { uuid: uuid(7), label2: "Only two have this", count: 2, maxRisk: 9, averageRate: "2" };
    const stats = [21, 14, 0].map((days) => ({ anr: uuid(client), type: "threat", date: ago(days), data: [threat] }));
    const response = await fetch(`${service.address}/api/v1/stats/`, {
      method: "POST",
      headers: { "X-API-KEY": token, "Content-Type": "application/json" },
      body: JSON.stringify(stats),
    });
    assert.equal(response.status, 201);
  }
  for (const begin = Date.now(); !service.run("release", "list").includes("published"); ) {
    assert.ok(Date.now() - begin < 60_000, "no week is built");
    await new Promise((done) => setTimeout(done, 100));
  }
  return service;
}

describe("released weeks", { concurrency: 2 }, () => {
  let service, few, browser, about, object;
  before(async () => {
    const words = ["demo", "--days", "200", "--public-min-clients", "3"];
    [service, few, browser] = await Promise.all([start(words, { MOSP_URL: "" }), poor(), launch()]);
    about = await json(service, "stats/summary.json");
    [{ object }] = await json(service, "stats/threats.json");
  });
  after(async () => {
    await browser?.close();
    await Promise.all([service, few].map((one) => one?.stop()));
  });

  test("every page has the sentence in every language, and so has one of nothing", async () => {
    for (const path of PAGES) {
      for (const language of LANGUAGES) {
        const line = async (one) => {
          const response = await fetch(`${one.address}/${path.replace("OBJECT", object)}`, { headers: { "Accept-Language": language } });
          return /<p class="notice released">([^<]*)</.exec(await response.text())?.[1];
        };
        assert.equal(await line(service), SENTENCES[language](about.newest, about.band), path);
        assert.match((await line(few)) ?? "", NOTHING[language], path);
      }
    }
  });

  for (const [p, path] of PAGES.entries()) {
    for (const [w, width] of WIDTHS.entries()) {
      // Each page in both widths, each language too.
      const options = (turn) => ({ locale: LANGUAGES[(p + turn) % 4], viewport: { width, height: 800 } });

      test(`/${path} ${LANGUAGES[(p + w) % 4]} ${width} tells no count`, async () => {
        const page = await opened(browser, service, options(w));
        await visit(page, service, path.replace("OBJECT", object));
        await isInOrder(page);
        await page.context().close();
      });
    }

    const language = LANGUAGES[(p + 2) % 4];
    const width = WIDTHS[(p >> 1) % 2];
    test(`/${path} ${language} ${width} explains itself where too few contribute`, async () => {
      const page = await opened(browser, few, { locale: language, viewport: { width, height: 800 } });
      await visit(page, few, path.replace("OBJECT", uuid(7)));
      assert.match(await page.locator(".notice.released").innerText(), NOTHING[language]);
      assert.equal(await page.locator("figure").count(), 0);
      assert.ok(!(await page.content()).includes("Only two have this"));
      await isInOrder(page);
      await page.context().close();
    });
  }

  test("the help, which the line points to, names the command and the setting", async () => {
    const page = await opened(browser, few);
    for (const language of LANGUAGES) {
      await visit(page, few, `help?lang=${language}`);
      const text = await page.locator("main").innerText();
      for (const word of ["client enable-sharing", "PUBLIC_MIN_CLIENTS=1", "2504.18497"])
        assert.ok(text.includes(word), `${language}: ${word}`);
    }
    await page.context().close();
  });

  /** A page whose answers at a path are changed on their way. */
  async function changed(path, change) {
    const page = await opened(browser, service);
    await page.route(path, async (route) => {
      const answer = await (await route.fetch()).json();
      change(answer);
      await route.fulfill({ json: answer });
    });
    return page;
  }

  test("numbers of high risks move where their shares do, and are at most so many where a share is on its first step", async () => {
    const both = (one) => ({ current: one, residual: one });
    const high = (before, after, beforeIs, afterIs) => {
      const ends = { [`before_${beforeIs}`]: true, [`after_${afterIs}`]: true };
      return both({ before, after, change: after - before, band: "5-9", ...ends });
    };
    const told = async (found, now, words) => {
      const page = await changed("**/stats/trends.json*", (answer) => {
        answer.high = both({ value: 8, band: "5-9", ...now });
        for (const horizon of ["quarter", "year"]) if (answer[horizon]) answer[horizon].high = horizon === "quarter" ? found : {};
      });
      await visit(page, service, "?lang=en");
      const tiles = (await page.locator("#figures .figure").allInnerTexts()).slice(0, 2);
      // Of the number of now it is said whatever there was before.
      for (const tile of tiles) assert.equal(/at most|at least|about/.exec(tile)?.[0], words);
      assert.equal(await page.locator("#figures .spark").count(), 0);
      await visit(page, service, "report?lang=en");
      assert.deepEqual(
        (await page.locator(".figures .figure").allInnerTexts())
          .slice(0, 2)
          .map((tile) => /at most|at least|about|in 3 months/.exec(tile)?.[0]),
        tiles.map((tile) => /at most|at least|about|in 3 months/.exec(tile)?.[0]),
      );
      const sentence = await page.locator(".report-sentences li").first().innerText();
      await page.context().close();
      return [sentence.replace(/\S+ \d{4}\.$/, "DATE"), ...tiles.map((tile) => tile.split("\n").at(-1))];
    };
    const unchanged = "unchanged in 3 months";
    assert.deepEqual(await told(high(10, 10, "at_most", "at_most"), { at_most: true }, "at most"), [
      "High residual risks are at most 10, as in DATE",
      unchanged,
      unchanged,
    ]);
    assert.deepEqual(await told(high(20, 8, "exactly", "at_most"), { at_most: true, at_least: true }, "about"), [
      "High residual risks fell from 20 to at most 8 since DATE",
      "−12 in 3 months",
      "−12 in 3 months",
    ]);
    assert.deepEqual(await told(high(8, 20, "at_most", "at_least"), { at_least: true }, "at least"), [
      "High residual risks rose from at most 8 to at least 20 since DATE",
      "+12 in 3 months",
      "+12 in 3 months",
    ]);
    const [alone] = await told({}, { at_most: true }, "at most");
    assert.match(alone, /at most \d/);
  });

  test("a matrix without a cell says why, and no difference is drawn from it", async () => {
    const cell = { impact: 4, probability: 2, count: 4, share: 0.2 };
    const page = await changed("**/stats/compared.json*", ({ type, now }) => {
      if (type !== "cartography") return;
      now.averages.averages = {
        current: { informational: [], operational: [] },
        residual: { informational: [], operational: [cell] },
      };
    });
    const none = "No cell is large enough to be published with so few organisations";
    await visit(page, service, "cartography?lang=en");
    assert.deepEqual(await page.locator("#charts .notice-title").allInnerTexts(), [none]);
    await visit(page, service, "cartography?lang=en&risk=operational");
    assert.deepEqual(await page.locator("#charts figure").evaluateAll((all) => all.map(({ id }) => id)), [
      "cartography-current",
      "cartography-residual",
    ]);
    assert.equal(await page.locator("#cartography-current .notice-title").innerText(), none);
    assert.ok(!/longer time/.test(await page.locator("#charts").innerText()));
    await page.context().close();
  });

  test("what crossed the line is newly published, not new", async () => {
    const one = { object: uuid(7), labels: { label2: "Quantum theft" } };
    const page = await changed("**/stats/trends.json*", ({ quarter }) => {
      Object.assign(quarter.types.threat, { new: [one], gone: [one] });
    });
    await visit(page, service, "trends?lang=en");
    assert.deepEqual(await page.locator("#came-and-went :is(h2, h3)").allInnerTexts(), [
      "Newly and no longer published",
      "Newly published threats",
      "Newly published vulnerabilities",
      "Threats no longer published",
      "Vulnerabilities no longer published",
    ]);
    await page.context().close();
  });

  test("there is no map", async () => {
    const page = await opened(browser, service);
    await visit(page, service, "");
    assert.equal(await page.locator('.menu a[href$="map"]').count(), 0);
    assert.deepEqual(await json(service, "map/clients.json"), []);
    assert.equal((await fetch(`${service.address}/map`)).status, 404);
    await page.context().close();
  });
});
