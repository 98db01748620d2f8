// What moved since a month, a quarter or a year: an arrow, the change, the way, and over how many.

import { getJson } from "./data.js";
import { h } from "./dom.js";
import { date, number, percent, signed, signedPoints } from "./format.js";
import { label } from "./labels.js";
import { kindName, levelName, stateName } from "./levels.js";
import { cut, ranking } from "./options.js";
import { isReleased, linkTo, plural, t } from "./page.js";
import { ENOUGH, measureName } from "./ranked.js";
import { spark } from "./spark.js";

export const HORIZONS = ["quarter", "month", "year"];
export const MOVED = ["threat", "vulnerability", "risk", "compliance"];

/** The ends of the scales of what is no part of one. */
const ENDS = { averageRate: 5, maxRisk: 100 };
const PAGES = { threat: "threats", vulnerability: "vulnerabilities" };

export const horizonName = (horizon) => ({ month: t("horizon.month"), quarter: t("horizon.quarter"), year: t("horizon.year") })[horizon];
const titleOf = (type) =>
  ({
    threat: t("trends.threats"),
    vulnerability: t("trends.vulnerabilities"),
    risk: t("trends.risks"),
    compliance: t("trends.compliance"),
  })[type];

/**
 * What moved, as it is asked for by `period` or `since`, and perhaps `direction`: {newest, now, since, matched, high, types}.
 * @param {Record<string, string>} asked
 */
export async function movedSince(asked) {
  const answer = await getJson(`stats/trends.json?${new URLSearchParams(asked)}`);
  return { newest: answer.newest, now: answer.high, ...answer[asked.period ?? "since"] };
}

/** What moved since one of the horizons. */
export const trends = (horizon) => movedSince({ period: horizon });

/** What something that moved is called. */
export function nameOf(type, { object, labels }) {
  if (type !== "risk") return label(labels, type === "compliance" ? "" : object);
  const [state, kind, level] = JSON.parse(object);
  return t("trends.level", { level: levelName(level), state: stateName(state), kind: kindName(kind) });
}

export function measureOf(type, measure) {
  if (type === "compliance") return { current: t("compliance.current"), target: t("compliance.target") }[measure];
  return measure === "share" ? t("measure.share") : measureName(PAGES[type], measure);
}

const isPart = (measure) => !(measure in ENDS);
/** A value of a measure, and a difference between two, in words. */
export const valueText = (measure, value) => (isPart(measure) ? percent(value) : number(value));
export const changeText = (measure, value) => (isPart(measure) ? signedPoints(value) : signed(value));

/** How much of its scale something moved by. */
export const sizeOf = ({ measure, change }) => Math.abs(change) / (ENDS[measure] ?? 1);

/** From where to where, and in how many analyses; of releases where it is, and of how many organisations. */
export function basisOf({ measure, before, after, value, rose, fell, analyses, band }) {
  const now = valueText(measure, after ?? value);
  const way = before == null ? now : `${valueText(measure, before)} → ${now}`;
  return [way, band ? t("trends.band", { band }) : plural("trends.counts", analyses, { rose, fell })].join(" · ");
}

/** Whether a change is to be welcomed; neither where that is for the reader to say. */
function mood(type, { change, measure, object }) {
  const good =
    { compliance: measure === "current" ? 1 : 0, risk: object.includes("High") ? -1 : object.includes("Low") ? 1 : 0 }[type] ?? -1;
  return ["worse", "", "better"][Math.sign(good * change) + 1];
}

/** Filled where it is more than a fact; in words too, since an arrow is read in a dozen ways. */
export function arrow(type, one) {
  const { change, trend } = one;
  const rose = change > 0;
  const mark = trend ? (rose ? "▲" : "▼") : rose ? "△" : "▽";
  return h(
    "span",
    { class: `arrow ${mood(type, one)}` },
    h("span", { "aria-hidden": "true" }, mark),
    h("span", { class: "hidden" }, rose ? t("trends.rose") : t("trends.fell")),
  );
}

function row([type, one]) {
  const name = h("span", { class: "rank-name" }, nameOf(type, one));
  const about = h(
    "span",
    { class: "rank-basis" },
    [one.trend && t("trends.trend"), measureOf(type, one.measure), basisOf(one)].filter(Boolean).join(" · "),
  );
  const parts = [
    h("span", { class: "mover-change" }, arrow(type, one), "\u00a0", changeText(one.measure, one.change)),
    name,
    about,
    h("span", { class: "mover-spark" }, spark(one.values) ?? ""),
  ];
  const link = PAGES[type];
  return h(
    "li",
    {},
    link
      ? h("a", { class: "rank mover", "data-object": one.object, href: linkTo(`${link}/${one.object}`) }, parts)
      : h("div", { class: "rank mover" }, parts),
  );
}

/** The largest changes of some types, as [type, change] pairs. */
export function largest({ types }, wanted, count) {
  const all = wanted.flatMap((type) => (types?.[type]?.moved ?? []).map((one) => [type, one]));
  const sorted = all.sort(([, a], [, b]) => sizeOf(b) - sizeOf(a));
  return count === "all" ? sorted : sorted.slice(0, Number(count));
}

/** The same for one look: each object once, and those of a single analysis only where there are no others. */
export function foremost(found, wanted, count) {
  const seen = new Set();
  const each = largest(found, wanted, "all").filter(([, { object }]) => !seen.has(object) && seen.add(object));
  const some = each.filter(([, { analyses }]) => analyses == null || analyses >= ENOUGH);
  return (some.length ? some : each).slice(0, count);
}

/** Which of them were looked at, where those of a few analyses were left out. */
export const ofWhich = (chosen) => (chosen.length && chosen.every(([, { analyses }]) => analyses >= ENOUGH) ? t("report.enough") : null);

/** The figure of what moved; `chosen` are pairs as `largest` gives them. */
export function moversSpec(chosen, caption) {
  const isLive = chosen.every(([, { analyses }]) => analyses != null);
  const hasBefore = chosen.every(([, { before }]) => before != null);
  const names = chosen.map(([type, one]) => `${nameOf(type, one)} (${measureOf(type, one.measure)})`);
  return {
    unit: t("trends.unit"),
    ...caption,
    content: h("ol", { class: "ranking movers" }, chosen.map(row)),
    stillHeight: 34 * chosen.length + 60,
    table: {
      columns: [
        { name: t("trends.what"), kind: "text" },
        { name: t("measure"), kind: "text" },
        ...(hasBefore ? [{ name: t("trends.before"), kind: "number" }] : []),
        { name: t("trends.after"), kind: "number" },
        { name: t("trends.change"), kind: "number" },
        { name: t("trends.slope"), kind: "number" },
        ...(isLive
          ? [
              { name: t("trends.rose"), kind: "number" },
              { name: t("trends.fell"), kind: "number" },
              { name: t("analyses"), kind: "number" },
            ]
          : [{ name: t("trends.organisations"), kind: "text" }]),
        { name: t("trends.trend"), kind: "text" },
      ],
      rows: chosen.map(([type, one]) => [
        nameOf(type, one),
        measureOf(type, one.measure),
        ...(hasBefore ? [one.before] : []),
        one.after ?? one.value,
        one.change,
        one.slope,
        ...(isLive ? [one.rose, one.fell, one.analyses] : [one.band]),
        one.trend ? "✓" : "",
      ]),
    },
    option: ranking({
      names: names.map((name) => cut(name.replaceAll(/\s+/g, " "), 200)),
      values: chosen.map(([, one]) => (one.change > 0 ? 1 : -1) * sizeOf(one) * 100),
      unit: t("trends.part"),
    }),
  };
}

/** The figure of a type: its changes, or that there are none; `asked` is what they were asked for by. */
export function moversOf(found, type, count, asked) {
  const all = found.types?.[type]?.moved ?? [];
  const caption = {
    csv: ["trends", asked],
    id: `movers-${type}`,
    title: titleOf(type),
    period: found.since && t("trends.since", { date: date(found.since) }),
    more: t("ranking.shown", { number: count === "all" ? all.length : Math.min(all.length, Number(count)), all: all.length }),
  };
  return [all.length, moversSpec(largest(found, [type], count), caption), caption];
}

/** What is not in the other of two releases may have been there all the time, in too few organisations. */
const titles = () =>
  isReleased
    ? {
        all: t("trends.published"),
        threat: { new: t("trends.new.threats.published"), gone: t("trends.gone.threats.published") },
        vulnerability: { new: t("trends.new.vulnerabilities.published"), gone: t("trends.gone.vulnerabilities.published") },
      }
    : {
        all: t("trends.came"),
        threat: { new: t("trends.new.threats"), gone: t("trends.gone.threats") },
        vulnerability: { new: t("trends.new.vulnerabilities"), gone: t("trends.gone.vulnerabilities") },
      };

/** Names of what came and went, of threats and vulnerabilities. */
export function cameAndWent(found) {
  const named = titles();
  const list = (type, which) => {
    const all = found.types?.[type]?.[which] ?? [];
    const links = all.map((one) => h("li", {}, h("a", { href: linkTo(`${PAGES[type]}/${one.object}`) }, nameOf(type, one))));
    return [h("h3", {}, named[type][which]), all.length ? h("ul", { class: "names" }, links) : h("p", {}, t("trends.no_names"))];
  };
  return h(
    "section",
    { class: "prose wide", id: "came-and-went" },
    h("h2", {}, named.all),
    h("div", { class: "came" }, [
      h("div", {}, list("threat", "new")),
      h("div", {}, list("vulnerability", "new")),
      h("div", {}, list("threat", "gone")),
      h("div", {}, list("vulnerability", "gone")),
    ]),
  );
}
