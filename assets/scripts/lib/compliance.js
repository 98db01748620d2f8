// Compliance with a referential: how far each category is from its target, and how that came about.

import { h } from "./dom.js";
import { everyPeriod, percent, points } from "./format.js";
import { label } from "./labels.js";
import { base, categoryAxis, lineFinding, lines, rowNames, valueAxis } from "./options.js";
import { t } from "./page.js";

const SIDES = ["current", "target"];
const sideName = (side) => ({ current: t("compliance.current"), target: t("compliance.target") })[side];
const basis = ({ values }) => values.reduce((sum, { stats }) => sum + stats, 0);
export const gapOf = ({ averages: { current, target } }) => (current == null || target == null ? null : target - current);

/** A full track is 100 %, or more where somebody complies with more. */
const scaleOf = (categories) => Math.max(1, ...categories.flatMap(({ averages }) => SIDES.map((side) => averages[side] ?? 0)));

function row(category, scale) {
  const { current, target } = category.averages;
  const gap = gapOf(category);
  const place = (value) => `${(100 * Math.max(0, value)) / scale}%`;
  const dot = (side, value) => {
    if (value == null) return null;
    const mark = h("span", { class: `dot ${side}` });
    mark.style.left = place(value);
    return mark;
  };
  const bridge = h("span", { class: "bridge", hidden: gap == null });
  if (gap != null) {
    bridge.style.left = place(Math.min(current, target));
    bridge.style.width = `${(100 * Math.abs(gap)) / scale}%`;
  }
  const text = [`${sideName("current")} ${percent(current)}`, `${sideName("target")} ${percent(target)}`].join(" · ");
  return h(
    "li",
    { class: "gap" },
    h("span", { class: "rank-name" }, label(category.labels)),
    h("span", { class: "rank-value" }, points(gap)),
    h("span", { class: "gap-track", "aria-hidden": "true" }, bridge, dot("current", current), dot("target", target)),
    h("span", { class: "rank-basis" }, text),
  );
}

/** The widest gaps of all referentials; where there are several each says of which it is. */
export function topGaps(referentials, count) {
  const one = (referential, category) => {
    if (referentials.length < 2) return category;
    const own = label(referential.labels, referential.referential);
    const named = ([name, text]) => [name, text && `${own}: ${text}`];
    return { ...category, labels: Object.fromEntries(Object.entries(category.labels).map(named)) };
  };
  const all = referentials.flatMap((referential) => referential.categories.map((category) => one(referential, category)));
  return all.sort((a, b) => (gapOf(b) ?? -Infinity) - (gapOf(a) ?? -Infinity)).slice(0, count);
}

/**
 * The categories of a referential, the widest gap first.
 * @returns {import("./figure.js").Spec}
 */
export function gapSpec(referential, caption) {
  const categories = [...referential.categories].sort((a, b) => (gapOf(b) ?? -Infinity) - (gapOf(a) ?? -Infinity));
  const names = categories.map(({ labels }) => label(labels));
  const scale = scaleOf(categories);
  return {
    ...caption,
    unit: t("compliance.gap_unit"),
    legend: SIDES.map((side) => ({ key: side, name: sideName(side) })),
    key: SIDES.map((side) => ({ name: sideName(side), swatch: `dot ${side}` })),
    content: h(
      "ul",
      { class: "ranking" },
      categories.map((one) => row(one, scale)),
    ),
    stillHeight: 46 * categories.length,
    table: {
      columns: [
        { name: t("compliance.category"), kind: "text" },
        ...SIDES.map((side) => ({ name: sideName(side), kind: "percent" })),
        { name: t("compliance.gap"), kind: "points" },
        { name: t("stats"), kind: "number" },
      ],
      rows: categories.map((one, index) => [names[index], one.averages.current, one.averages.target, gapOf(one), basis(one)]),
    },
    option: (tokens) => ({
      ...base(tokens, true),
      grid: { left: 12, right: 48, top: 8, bottom: 8, containLabel: true },
      xAxis: valueAxis(tokens, { min: 0, max: scale, axisLabel: { color: tokens.soft, formatter: percent, hideOverlap: true } }),
      yAxis: categoryAxis(tokens, names, {
        inverse: true,
        axisLabel: rowNames(tokens),
      }),
      series: SIDES.map((side, index) => ({
        name: side,
        type: "bar",
        barMaxWidth: 16,
        barGap: "10%",
        data: categories.map(({ averages }) => averages[side]),
        itemStyle: { color: index ? tokens.paper : tokens.accent, borderColor: tokens.accent, borderWidth: 1.5 },
        label: { show: true, position: "right", color: tokens.ink, fontSize: 11, formatter: ({ value }) => percent(value) },
      })),
    }),
  };
}

/**
 * The mean of all categories per period: how far it has come.
 * @returns {import("./figure.js").Spec}
 */
export function complianceLines(referential, period, caption) {
  const { categories } = referential;
  const dates = everyPeriod(
    categories.flatMap(({ values }) => values.map(({ date }) => date)),
    period,
  );
  const mean = (date, side) => {
    const found = categories.map(({ values }) => values.find((one) => one.date === date)?.[side]).filter((value) => value != null);
    return found.length ? found.reduce((sum, value) => sum + value, 0) / found.length : null;
  };
  const series = SIDES.map((side, index) => ({
    key: side,
    name: sideName(side),
    index: index * 8,
    color: "accent",
    values: dates.map((date) => mean(date, side)),
  }));
  const max = Math.max(1, ...series.flatMap(({ values }) => values.map((value) => value ?? 0)));
  return {
    ...caption,
    unit: t("unit.percent_mean"),
    legend: series.map(({ key, name }) => ({ key, name })),
    key: SIDES.map((side, index) => ({ name: sideName(side), swatch: `line-${index ? "dashed" : "solid"} accent` })),
    finding: lineFinding(series, dates, period, percent),
    height: (width) => (width < 480 ? 240 : 280),
    table: {
      columns: [{ name: t("period"), kind: "date", period }, ...SIDES.map((side) => ({ name: sideName(side), kind: "percent" }))],
      rows: dates.map((date, index) => [date, ...series.map(({ values }) => values[index])]),
    },
    option: lines({ dates, period, series, share: true, max }),
  };
}
