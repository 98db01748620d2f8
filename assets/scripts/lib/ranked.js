// Threats and vulnerabilities: their measures, order and names.

import { averages } from "./data.js";
import { date, everyPeriod } from "./format.js";
import { label } from "./labels.js";
import { t } from "./page.js";

export const MEASURES = ["averageRate", "count", "maxRisk"];

/** The measures' names; what MONARC calls a threat's probability is a vulnerability's qualification. */
export function measureName(kind, measure) {
  const rate = kind === "threats" ? t("measure.probability") : t("measure.qualification");
  return { averageRate: rate, count: t("measure.occurrence"), maxRisk: t("measure.max_risk") }[measure];
}

const units = () => ({ averageRate: t("unit.rate"), count: t("unit.occurrence"), maxRisk: t("unit.max_risk") });
export const unitOf = (measure) => units()[measure];

/** The objects of a kind over some days, each with its name. */
export async function objects(kind, days, period) {
  const found = await averages(kind, { days, period });
  return found.map((one) => ({ ...one, key: one.object.slice(0, 8), name: label(one.labels, one.object) }));
}

/** The first `count` objects by a measure; of equals the name decides. */
export function ranked(all, measure, order, count) {
  const sign = order === "highest" ? -1 : 1;
  const sorted = [...all].sort(
    (a, b) => sign * (a.averages[measure] - b.averages[measure]) || a.name.localeCompare(b.name),
  );
  return count === "all" ? sorted : sorted.slice(0, Number(count));
}

/** How many stats an object's numbers rest on. */
export const basis = ({ values }) => values.reduce((sum, { stats }) => sum + stats, 0);

/** The table of a ranking. */
export function rankingTable(kind, chosen) {
  return {
    columns: [
      { name: kind === "threats" ? t("threat") : t("vulnerability"), kind: "text" },
      ...MEASURES.map((measure) => ({ name: measureName(kind, measure), kind: "number" })),
      { name: t("stats"), kind: "number" },
      { name: "UUID", kind: "text" },
    ],
    rows: chosen.map((one) => [
      one.name,
      ...MEASURES.map((measure) => one.averages[measure]),
      basis(one),
      one.object,
    ]),
  };
}

/** Values of some objects per period, as tables and lines need them. */
export function evolution(chosen, measure, period) {
  const dates = everyPeriod(chosen.flatMap(({ values }) => values.map((value) => value.date)), period);
  const series = chosen.map((one, index) => {
    const known = new Map(one.values.map((value) => [value.date, value[measure]]));
    return { key: one.key, name: one.name, index, values: dates.map((date) => known.get(date) ?? null) };
  });
  const table = {
    columns: [{ name: t("period"), kind: "date", period }, ...series.map(({ name }) => ({ name, kind: "number" }))],
    rows: dates.map((date, index) => [date, ...series.map(({ values }) => values[index])]),
  };
  return { dates, series, table };
}

/** From the first to the last date that these objects have. */
export function spanOf(all, period) {
  const dates = all.flatMap(({ values }) => values.map((value) => value.date)).sort();
  if (!dates.length) return null;
  return dates[0] === dates.at(-1) ? date(dates[0], period) : `${date(dates[0], period)} – ${date(dates.at(-1), period)}`;
}
