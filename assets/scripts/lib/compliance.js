// Compliance with one referential: current against target, category by category.

import { base, categoryAxis, lines, valueAxis } from "./options.js";
import { everyPeriod, percent } from "./format.js";
import { label } from "./labels.js";
import { t } from "./page.js";

const SIDES = ["current", "target"];
const sideName = (side) => ({ current: t("compliance.current"), target: t("compliance.target") })[side];

const basis = ({ values }) => values.reduce((sum, { stats }) => sum + stats, 0);

/** Bars of the means over the range. */
export function categoryBars(referential, caption) {
  const { categories } = referential;
  const names = categories.map(({ labels }) => label(labels));
  const width = (room) => Math.min(360, Math.round(room * 0.38));
  return {
    ...caption,
    unit: t("unit.percent"),
    stats: Math.max(0, ...categories.map(basis)),
    legend: SIDES.map(sideName),
    key: SIDES.map((side) => ({ name: sideName(side), swatch: side })),
    height: () => 60 + 46 * categories.length,
    stillHeight: 46 * categories.length,
    table: {
      columns: [
        { name: t("compliance.category"), kind: "text" },
        ...SIDES.map((side) => ({ name: sideName(side), kind: "percent" })),
        { name: t("stats"), kind: "number" },
      ],
      rows: categories.map((one, index) => [names[index], one.averages.current, one.averages.target, basis(one)]),
    },
    option: (tokens, { width: room, still }) => ({
      ...base(tokens, still),
      tooltip: { ...base(tokens, still).tooltip, trigger: "axis", axisPointer: { type: "shadow" }, valueFormatter: percent },
      aria: { enabled: true, label: { enabled: false }, decal: { show: true } },
      grid: { left: 12, right: 48, top: 8, bottom: 8, containLabel: true },
      xAxis: valueAxis(tokens, { min: 0, max: 1, axisLabel: { color: tokens.soft, formatter: percent, hideOverlap: true } }),
      yAxis: categoryAxis(tokens, names, {
        inverse: true,
        axisLabel: { color: tokens.ink, width: width(room), overflow: "truncate", interval: 0, hideOverlap: false },
      }),
      series: SIDES.map((side, index) => ({
        name: sideName(side), type: "bar", barMaxWidth: 16, barGap: "10%",
        data: categories.map(({ averages }) => averages[side]),
        itemStyle: {
          color: index ? tokens.paper : tokens.accent, borderColor: tokens.accent, borderWidth: 1.5,
          decal: index ? { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 4], rotation: Math.PI / 4, color: tokens.accent } : { symbol: "none" },
        },
        label: { show: room > 420, position: "right", color: tokens.ink, fontSize: 11, formatter: ({ value }) => percent(value) },
      })),
    }),
  };
}

/** The mean of all categories per period: how far it has come. */
export function complianceLines(referential, period, caption) {
  const { categories } = referential;
  const dates = everyPeriod(categories.flatMap(({ values }) => values.map(({ date }) => date)), period);
  const mean = (date, side) => {
    const found = categories.map(({ values }) => values.find((one) => one.date === date)?.[side]).filter((value) => value != null);
    return found.length ? found.reduce((sum, value) => sum + value, 0) / found.length : null;
  };
  const series = SIDES.map((side, index) => ({
    key: side, name: sideName(side), index: index * 8, color: "accent", values: dates.map((date) => mean(date, side)),
  }));
  return {
    ...caption,
    unit: t("unit.percent_mean"),
    stats: Math.max(0, ...categories.map(basis)),
    legend: SIDES.map(sideName),
    key: SIDES.map((side, index) => ({ name: sideName(side), swatch: `line-${index ? "dashed" : "solid"} accent` })),
    height: (width) => (width < 480 ? 240 : 280),
    table: {
      columns: [{ name: t("period"), kind: "date", period }, ...SIDES.map((side) => ({ name: sideName(side), kind: "percent" }))],
      rows: dates.map((date, index) => [date, ...series.map(({ values }) => values[index])]),
    },
    option: lines({ dates, period, series, share: true, max: 1 }),
  };
}
