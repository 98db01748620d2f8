// One's own figures beside those of others, as dumbbells: the widest distance first.

import { getJson } from "./data.js";
import { h } from "./dom.js";
import { key } from "./figure.js";
import { date, number, percent } from "./format.js";
import { label } from "./labels.js";
import { kindName, levelName, stateName } from "./levels.js";
import { base, categoryAxis, rowNames, valueAxis } from "./options.js";
import { linkTo, plural, t } from "./page.js";
import { measureName, unitOf } from "./ranked.js";

const TYPES = { threats: "threat", vulnerabilities: "vulnerability", risks: "risk", compliance: "compliance" };
export const KINDS = Object.keys(TYPES);

/** Whether the page is about one client's own stats rather than the whole instance. */
export const isOwn = document.documentElement.dataset.view === "own";

/** What can be compared of a kind, the usual first. */
export const measuresOf = (kind) =>
  ({
    threats: ["averageRate", "share", "maxRisk"],
    vulnerabilities: ["averageRate", "share", "maxRisk"],
    risks: ["share"],
    compliance: ["current", "target"],
  })[kind];

export const thingsOf = (kind) =>
  ({
    threats: t("benchmark.threats"),
    vulnerabilities: t("benchmark.vulnerabilities"),
    risks: t("benchmark.levels"),
    compliance: t("benchmark.categories"),
  })[kind];

/** The same within a sentence. */
const wordsOf = (kind) =>
  ({
    threats: t("benchmark.things.threats"),
    vulnerabilities: t("benchmark.things.vulnerabilities"),
    risks: t("benchmark.things.levels"),
    compliance: t("benchmark.things.categories"),
  })[kind];

export function nameOf(kind, measure) {
  const others = { share: t("benchmark.share"), current: t("compliance.current"), target: t("compliance.target") };
  return others[measure] ?? measureName(kind, measure);
}

const isShare = (measure) => ["share", "current", "target"].includes(measure);
const shown = (measure) => (isShare(measure) ? percent : number);
const unit = (measure) => (isShare(measure) ? t("benchmark.percent") : unitOf(measure));

/** The numbers of a kind. */
export const benchmark = (kind) => getJson(`stats/benchmark.json?type=${TYPES[kind]}`);

/** Who can stand beside one's own figures, the nearest first. */
export const besides = ({ others, remote }) => [others?.band && "others", remote && "remote"].filter(Boolean);

/** The year that a day's week belongs to: that of its Thursday. */
function yearOf(day) {
  const thursday = new Date(day);
  thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7));
  return thursday.getUTCFullYear();
}

/** Another instance and the week of its figures, which may be of another year if nobody fetched newer ones. */
export const remoteName = ({ host, week, date }) => {
  const year = yearOf(date);
  return t("benchmark.remote", { host, week: year === yearOf(Date.now()) ? week : `${week} (${year})` });
};

/** Who it is, for the end of a sentence; of one object they may be fewer than of its type. */
function whom({ others, remote }, beside, band = others?.band) {
  return beside === "remote" ? remoteName(remote) : t("benchmark.organisations", { band });
}

/** Of when their figures are, where that is another day than one's own. */
function when({ others, remote }, beside) {
  if (beside === "remote") return t("benchmark.remote_of", { host: remote.host, date: date(remote.date) });
  return others?.week ? t("benchmark.others_until", { date: date(others.week) }) : null;
}

/** The number that stands beside one's own: the median where there is one. */
const middle = (figure, beside) => (beside === "remote" ? figure.remote : (figure.median ?? figure.others));

function named(one) {
  if (one.level) return [stateName(one.state), kindName(one.category), levelName(one.level)].join(" · ");
  return one.object ? label(one.labels, one.object) : label(one.labels);
}

/** The rows of a measure, the widest distance first; what has nobody beside it comes last. */
function rowsOf(objects, measure, beside) {
  const rows = objects.flatMap((one) => {
    const figure = one.figures.find((other) => other.measure === measure);
    return figure ? [{ object: one.object, name: named(one), figure, own: figure.own, other: middle(figure, beside) ?? null }] : [];
  });
  const distance = ({ own, other }) => (other == null ? -1 : Math.abs(own - other));
  return rows.sort((a, b) => distance(b) - distance(a));
}

/** Whether what stands beside one's own figures is what was published: rounded, and of all who share. */
const isPublished = ({ others }, beside = "others") => beside !== "remote" && others?.mode === "releases";

/** A difference that is more than what rounding hides; of an exact number it is any that can be read. */
const clear = ({ own, other, figure }, measure, beside) => {
  const step = beside === "remote" ? 0 : (figure.step ?? 0);
  const text = shown(measure);
  return text(own) !== text(other) && Math.abs(own - other) > step + 1e-9 ? own - other : 0;
};

/** How many are above the others, in a sentence; none where there are no others, or a single row says it. */
function sentence(found, kind, rows, measure, beside) {
  const both = rows.filter(({ other }) => other != null);
  if (both.length < 2) return null;
  const above = both.filter((row) => clear(row, measure, beside) > 0).length;
  const below = both.filter((row) => clear(row, measure, beside) < 0).length;
  const values = { above, below, all: both.length, things: wordsOf(kind), whom: whom(found, beside) };
  if (!isOwn) return plural("benchmark.sentence.here", above, values);
  if (beside === "remote") return plural("benchmark.sentence.remote", above, values);
  if (!isPublished(found, beside)) return plural("benchmark.sentence.own", above, values);
  return hasMedian(rows) ? plural("benchmark.sentence.median", above, values) : plural("benchmark.sentence.mean", above, values);
}

const ownName = () => (isOwn ? t("benchmark.you") : t("benchmark.here"));

/** What stands beside one's own, as a key has it. */
function otherName(found, rows, beside) {
  if (beside === "remote") return remoteName(found.remote);
  return hasMedian(rows) ? medianName(found) : meanName(found);
}

const hasMedian = (rows) => rows.some(({ figure }) => figure.median != null);
const meanName = (found) => (isPublished(found) ? t("benchmark.published.mean") : t("benchmark.mean"));
const medianName = (found) => (isPublished(found) ? t("benchmark.published.median") : t("benchmark.median"));

/** A row: what it is, perhaps with its own page, both numbers on a track, and the middle half of the organisations where it is known. */
function dumbbell({ name, href, figure, own, other }, measure, scale, beside) {
  const text = shown(measure);
  const place = (value) => `${(100 * Math.max(0, Math.min(value, scale))) / scale}%`;
  const part = (name, from, to) => {
    const element = h("span", { class: name });
    element.style.left = place(from);
    if (to != null) element.style.width = `${(100 * (to - from)) / scale}%`;
    return element;
  };
  const range = beside !== "remote" && figure.quartiles;
  const track = h(
    "span",
    { class: "gap-track", "aria-hidden": "true" },
    range && part("half", ...range),
    other != null && part("bridge", Math.min(own, other), Math.max(own, other)),
    part("dot current", own),
    other != null && part("dot target", other),
  );
  const numbers = other == null ? text(own) : t("benchmark.against", { own: text(own), other: text(other) });
  const what = h("span", { class: "rank-name" }, href ? h("a", { href }, name) : name);
  return h("li", { class: "gap" }, what, h("span", { class: "rank-value" }, numbers), track);
}

/** The end of the scale on which rows are drawn. */
const scaleOf = (rows, measure) =>
  ["current", "target"].includes(measure)
    ? 1
    : Math.max(0.01, ...rows.flatMap(({ own, other, figure }) => [own, other ?? 0, figure.quartiles?.[1] ?? 0]));

/** How far two numbers are apart, without the dust of floating points. */
const difference = (own, other) => Math.round((own - other) * 1e9) / 1e9;

/** The numbers behind the rows; columns that nothing fills are left out. */
function tableOf(found, kind, rows, measure) {
  const format = isShare(measure) ? "percent" : "number";
  const columns = [
    [thingsOf(kind), "text", ({ name }) => name],
    [ownName(), format, ({ own }) => own],
    [meanName(found), format, ({ figure }) => figure.others],
    [medianName(found), format, ({ figure }) => figure.median],
    [t("benchmark.first_quartile"), format, ({ figure }) => figure.quartiles?.[0]],
    [t("benchmark.third_quartile"), format, ({ figure }) => figure.quartiles?.[1]],
    [t("benchmark.band"), "text", ({ figure }) => figure.band],
    [found.remote ? remoteName(found.remote) : "", format, ({ figure }) => figure.remote],
    [t("benchmark.distance"), format, ({ own, other }) => (other == null ? null : difference(own, other))],
  ].filter(([, , of], index) => index < 2 || rows.some((row) => of(row) != null));
  return {
    columns: columns.map(([name, kind]) => ({ name, kind })),
    rows: rows.map((row) => columns.map(([, , of]) => of(row) ?? null)),
  };
}

/** What the dots and bands of rows mean. */
const signs = (found, rows, beside) =>
  [
    { name: ownName(), swatch: "dot current" },
    rows.some(({ other }) => other != null) && { name: otherName(found, rows, beside), swatch: "dot target" },
    beside !== "remote" && rows.some(({ figure }) => figure.quartiles) && { name: t("benchmark.half"), swatch: "half" },
  ].filter(Boolean);

/** The figure of some objects. */
export function benchmarkSpec(found, kind, objects, { measure, beside, id, title }) {
  const rows = rowsOf(objects, measure, beside);
  const scale = scaleOf(rows, measure);
  const hasOther = rows.some(({ other }) => other != null);
  const names = rows.map(({ name }) => name);
  const told = sentence(found, kind, rows, measure, beside);
  const sides = [["own", ownName()], ...(hasOther ? [["other", otherName(found, rows, beside)]] : [])];
  return {
    id,
    title,
    unit: `${nameOf(kind, measure)} (${unit(measure)})`,
    analyses: found.own.analyses ?? undefined,
    period: found.own.week ? t("benchmark.until", { date: date(found.own.week) }) : null,
    more: when(found, beside),
    legend: sides.map(([key, name]) => ({ key, name })),
    key: signs(found, rows, beside),
    before: told ? h("p", { class: "benchmark-sentence" }, told) : undefined,
    content: h(
      "ul",
      { class: "ranking" },
      rows.map((row) => dumbbell({ ...row, href: row.object && linkTo(`${kind}/${row.object}`) }, measure, scale, beside)),
    ),
    stillHeight: 46 * rows.length,
    table: tableOf(found, kind, rows, measure),
    option: (tokens) => ({
      ...base(tokens, true),
      grid: { left: 12, right: 48, top: 8, bottom: 8, containLabel: true },
      xAxis: valueAxis(tokens, { min: 0, max: scale, axisLabel: { color: tokens.soft, formatter: shown(measure), hideOverlap: true } }),
      yAxis: categoryAxis(tokens, names, {
        inverse: true,
        axisLabel: rowNames(tokens),
      }),
      series: sides.map(([side], index) => ({
        name: side,
        type: "bar",
        barMaxWidth: 16,
        barGap: "10%",
        data: rows.map((row) => row[side]),
        itemStyle: { color: index ? tokens.paper : tokens.accent, borderColor: tokens.accent, borderWidth: 1.5 },
        label: { show: true, position: "right", color: tokens.ink, fontSize: 11, formatter: ({ value }) => shown(measure)(value) },
      })),
    }),
  };
}

/** One object beside others in all its measures, for its own page, on the scales of all; none where nobody has it, too. */
export async function ofObject(kind, object) {
  if (!document.documentElement.dataset.benchmark) return null;
  const found = await benchmark(kind).catch(() => null);
  const [beside] = found ? besides(found) : [];
  if (!beside) return null;
  const all = measuresOf(kind).flatMap((measure) => {
    const rows = rowsOf(found.objects, measure, beside);
    const row = rows.find((one) => one.object === object && one.other != null);
    return row ? [{ row: { ...row, name: `${nameOf(kind, measure)} (${unit(measure)})` }, measure, scale: scaleOf(rows, measure) }] : [];
  });
  if (!all.length) return null;
  const [rows, day] = [all.map(({ row }) => row), when(found, beside)];
  return h(
    "section",
    { class: "measures" },
    h("h2", {}, t("benchmark.beside", { whom: whom(found, beside, rows[0].figure.band) })),
    day && h("p", { class: "unit" }, day),
    key({ key: signs(found, rows, beside) }),
    h(
      "ul",
      { class: "ranking" },
      all.map(({ row, measure, scale }) => dumbbell(row, measure, scale, beside)),
    ),
  );
}
