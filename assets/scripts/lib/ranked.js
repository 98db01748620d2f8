// Threats and vulnerabilities: their measures, order and names.

import { compared } from "./compared.js";
import { averages, getJson } from "./data.js";
import { everyPeriod } from "./format.js";
import { label } from "./labels.js";
import { plural, t } from "./page.js";

export const MEASURES = ["averageRate", "count", "maxRisk"];
/** Fewer analyses than this say little about anybody else. */
export const ENOUGH = 3;
/** MONARC's own scales end here; an analysis may have a longer one. */
const SCALES = { threats: 4, vulnerabilities: 5 };

/** The measures' names; what MONARC calls a threat's probability is a vulnerability's qualification. */
export function measureName(kind, measure) {
  const rate = kind === "threats" ? t("measure.probability") : t("measure.qualification");
  return { averageRate: rate, count: t("measure.occurrence"), maxRisk: t("measure.max_risk") }[measure];
}

const units = () => ({ averageRate: t("unit.rate"), count: t("unit.occurrence"), maxRisk: t("unit.max_risk") });
export const unitOf = (measure) => units()[measure];

/**
 * A threat or vulnerability, with its name and a short key that no other has.
 * @typedef {{averageRate: number, count: number, maxRisk: number}} Means
 * @typedef {{
 *   object: string, key: string, name: string, labels: Record<string, string>, averages: Means,
 *   values: {date: string, stats: number, averageRate: number, count: number, maxRisk: number}[],
 * }} RatedObject
 *
 * @returns {RatedObject[]}
 */
function named(found) {
  const seen = new Map();
  for (const { object } of found) seen.set(object.slice(0, 8), (seen.get(object.slice(0, 8)) ?? 0) + 1);
  return found.map((one) => {
    const short = one.object.slice(0, 8);
    return { ...one, key: seen.get(short) > 1 ? one.object : short, name: label(one.labels, one.object) };
  });
}

/** The objects of a kind over some days, period by period. */
export const objects = async (kind, days, period) => named(await averages(kind, { days, period }));

/** The objects of a kind over some days or now: each with `analyses` that have it, and what it was before. */
export async function comparedObjects(kind, days) {
  const window = await compared(kind, days);
  const before = (list) => new Map(list?.map(({ object, averages: means }) => [object, means]));
  const [previous, year] = [before(window.previous), before(window.year)];
  const all = named(window.averages ?? []).map((one) => ({
    ...one,
    analyses: window.objects.get(one.object) ?? 0,
    previous: previous.get(one.object),
    year: year.get(one.object),
  }));
  return { ...window, all };
}

/** The lines of a year of a measure, month by month, by object; none if they do not come. */
export async function yearLines(kind, measure) {
  const type = kind === "threats" ? "threat" : "vulnerability";
  const { objects: found } = await getJson(`stats/lines.json?${new URLSearchParams({ type, measure })}`).catch(() => ({ objects: {} }));
  return new Map(Object.entries(found));
}

/** The place of each in an order. Equals share one: what rounding made equal has no order. */
export function placesOf(sorted, measure) {
  let first = 0;
  return new Map(
    sorted.map(({ object, averages: means }, index) => {
      if (means[measure] !== sorted[first].averages[measure]) first = index;
      return [object, first + 1];
    }),
  );
}

/** Where each was in the order of what it is compared with; nothing if there is nothing to compare with. */
export function earlierPlaces(all, measure, order, since) {
  const then = all.filter((one) => one[since]).map((one) => ({ ...one, averages: one[since] }));
  return then.length ? placesOf(ranked(then, measure, order, "all"), measure) : null;
}

/** Those that enough analyses have, where there are that many; all if there are not, or somebody wants them. */
export function founded({ all, analyses }, wantsAll) {
  const some = all.filter((one) => one.analyses >= ENOUGH);
  return wantsAll || analyses < ENOUGH || !some.length ? all : some;
}

/** The first `count` objects by a measure; of equals the one with the higher risk, then the more frequent one. */
export function ranked(all, measure, order, count) {
  const sign = order === "highest" ? -1 : 1;
  const by = (name) => (a, b) => b.averages[name] - a.averages[name];
  const sorted = [...all].sort(
    (a, b) =>
      sign * (a.averages[measure] - b.averages[measure]) || by("maxRisk")(a, b) || by("count")(a, b) || (a.object < b.object ? -1 : 1),
  );
  return count === "all" ? sorted : sorted.slice(0, Number(count));
}

/** What a full bar means: the end of the rating's scale, or else the highest value. */
export function scaleEnd(kind, measure, all) {
  const highest = Math.max(0, ...all.map((one) => one.averages[measure]));
  return measure === "averageRate" ? Math.max(SCALES[kind], Math.ceil(highest)) : highest;
}

/** How many stats an object's numbers rest on. */
export const basis = ({ values }) => values.reduce((sum, { stats }) => sum + stats, 0);

/** In how many analyses an object is. */
export const inAnalyses = (one, analyses) => plural("ranking.in", analyses, { count: one.analyses });

/** @returns {import("./table.js").Column} */
const numeric = (name) => ({ name, kind: "number" });

/**
 * The table of a ranking.
 * @returns {import("./table.js").Table}
 */
export function rankingTable(kind, chosen) {
  // What is released has no counts beside it.
  const isCounted = chosen.every(({ values }) => values.every(({ stats }) => stats != null));
  return {
    columns: [
      { name: kind === "threats" ? t("threat") : t("vulnerability"), kind: "text" },
      ...MEASURES.map((measure) => numeric(measureName(kind, measure))),
      ...(isCounted ? [numeric(t("analyses")), numeric(t("stats"))] : []),
      { name: "UUID", kind: "text" },
    ],
    rows: chosen.map((one) => [
      one.name,
      ...MEASURES.map((measure) => one.averages[measure]),
      ...(isCounted ? [one.analyses, basis(one)] : []),
      one.object,
    ]),
  };
}

/**
 * Values of some objects per period, as tables and lines need them.
 * @param {RatedObject[]} chosen
 * @param {string} measure
 * @param {string} period
 */
export function evolution(chosen, measure, period) {
  const dates = everyPeriod(
    chosen.flatMap(({ values }) => values.map((value) => value.date)),
    period,
  );
  const series = chosen.map((one, index) => {
    const known = new Map(one.values.map((value) => [value.date, value[measure]]));
    return { key: one.key, name: one.name, index, values: dates.map((date) => known.get(date) ?? null) };
  });
  /** @type {import("./table.js").Table} */
  const table = {
    columns: [{ name: t("period"), kind: "date", period }, ...series.map(({ name }) => numeric(name))],
    rows: dates.map((date, index) => [date, ...series.map(({ values }) => values[index])]),
  };
  return { dates, series, table };
}
