// Risks by level: yellow, orange and red as in MONARC, and beside the colour a pattern, an order and a number.

import { h } from "./dom.js";
import { everyPeriod, number } from "./format.js";
import { base, categoryAxis, lineFinding, lines, valueAxis } from "./options.js";
import { t } from "./page.js";

export const LEVELS = ["Low risks", "Medium risks", "High risks"];
export const STATES = ["current", "residual"];
export const KINDS = ["informational", "operational"];

export const levelName = (level) =>
  ({ "Low risks": t("level.low"), "Medium risks": t("level.medium"), "High risks": t("level.high") })[level];
export const stateName = (state) => ({ current: t("state.current"), residual: t("state.residual") })[state];
export const kindName = (kind) => ({ informational: t("risk.informational"), operational: t("risk.operational") })[kind];

const TOKENS = ["low", "medium", "high"];
const PATTERNS = [
  { symbol: "none" },
  { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 6], rotation: Math.PI / 4, color: "rgba(0,0,0,.28)" },
  {
    symbol: "circle",
    symbolSize: 0.55,
    dashArrayX: [
      [7, 7],
      [0, 7, 7, 0],
    ],
    dashArrayY: [7, 0],
    color: "rgba(255,255,255,.5)",
  },
];

/** One state: its total, a bar of its levels, and each level's number in words, however narrow its part of the bar. */
function levelRow(state, values, most) {
  const bar = h(
    "span",
    { class: "level-bar", "aria-hidden": "true" },
    values.map((value, index) => {
      const part = h("span", { class: `swatch ${TOKENS[index]}` });
      part.style.flexGrow = String(value);
      part.hidden = !value;
      return part;
    }),
  );
  bar.style.width = `${most > 0 ? (100 * sum(values)) / most : 0}%`;
  const item = (value, index) =>
    h(
      "li",
      { class: TOKENS[index] },
      h("span", { class: `swatch ${TOKENS[index]}`, "aria-hidden": "true" }),
      `${levelName(LEVELS[index])} `,
      h("strong", {}, number(value)),
    );
  return h(
    "li",
    { class: "level-row" },
    h("p", {}, h("span", {}, stateName(state)), h("strong", {}, number(sum(values)))),
    h("span", { class: "level-track" }, bar),
    h("ul", { class: "key" }, values.map(item)),
  );
}

/**
 * Current above residual, each a bar of its three levels.
 * @returns {import("./figure.js").Spec}
 */
export function levelBars(tree, kind, caption) {
  const values = STATES.map((state) => LEVELS.map((level) => tree[state][kind][level]));
  const rows = STATES.map((state, index) => [stateName(state), ...values[index], sum(values[index])]);
  const most = Math.max(...values.map(sum));
  return {
    ...caption,
    unit: t("unit.risks"),
    legend: LEVELS.map((level) => ({ key: level, name: levelName(level) })),
    content: h(
      "ul",
      { class: "levels" },
      STATES.map((state, index) => levelRow(state, values[index], most)),
    ),
    table: {
      columns: [
        { name: t("state"), kind: "text" },
        ...LEVELS.map((level) => ({ name: levelName(level), kind: "number" })),
        { name: t("total"), kind: "number" },
      ],
      rows: most > 0 ? rows : [],
    },
    option: (tokens, { width }) => ({
      ...base(tokens, true),
      aria: { enabled: true, label: { enabled: false }, decal: { show: true, decals: PATTERNS } },
      grid: { left: 12, right: 64, top: 8, bottom: 8, containLabel: true },
      xAxis: valueAxis(tokens),
      yAxis: categoryAxis(tokens, STATES.map(stateName), { inverse: true, axisLabel: { color: tokens.ink, fontSize: 14 } }),
      series: LEVELS.map((level, index) => ({
        name: level,
        type: "bar",
        stack: "all",
        barMaxWidth: 56,
        data: values.map((row) => row[index] || null),
        itemStyle: { color: tokens[TOKENS[index]], borderColor: tokens.paper, borderWidth: 1, decal: PATTERNS[index] },
        label: {
          // The high ones matter most: their number stands beside the bar, where there is always room.
          show: true,
          fontWeight: 600,
          fontSize: 13,
          ...(index === 2 ? { position: "right", color: tokens["high-line"] } : { color: "#1a1a1a" }),
          ...(index === 1 ? { backgroundColor: tokens[TOKENS[index]], padding: [2, 4], borderRadius: 3 } : {}),
          formatter: ({ value }) => (index === 2 || (value / most) * (width - 130) > 36 ? number(value) : ""),
        },
      })),
    }),
  };
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

/**
 * Lines of the chosen levels and states over time; residual ones are dashed.
 * @returns {import("./figure.js").Spec}
 */
export function levelLines(tree, kind, period, caption, levels = LEVELS) {
  const dates = everyPeriod(
    tree.current[kind]["Low risks"].map(({ date }) => date),
    period,
  );
  const one = (state, level) => {
    const known = new Map(tree[state][kind][level].map(({ date, value }) => [date, value]));
    return dates.map((date) => known.get(date) ?? null);
  };
  const basis = new Map(tree.current[kind]["Low risks"].map(({ date, stats }) => [date, stats]));
  const pairs = STATES.flatMap((state) => levels.map((level) => [state, level]));
  const name = ([state, level]) => `${levelName(level)}, ${stateName(state)}`;
  const series = pairs.map(([state, level]) => ({
    name: name([state, level]),
    key: `${state}-${TOKENS[LEVELS.indexOf(level)]}`,
    values: one(state, level),
    index: state === "current" ? 0 : 8,
    color: `${TOKENS[LEVELS.indexOf(level)]}-line`,
    symbol: ["circle", "rect", "triangle"][LEVELS.indexOf(level)],
  }));
  return {
    ...caption,
    unit: t("unit.risks"),
    legend: series.map(({ key, name: text }) => ({ key, name: text })),
    finding: lineFinding(series, dates, period),
    key: pairs.map(([state, level]) => ({
      name: levels.length > 1 ? name([state, level]) : stateName(state),
      swatch: `line-${state === "current" ? "solid" : "dashed"} ${TOKENS[LEVELS.indexOf(level)]}`,
    })),
    height: (width) => (width < 480 ? 240 : 300),
    table: {
      columns: [
        { name: t("period"), kind: "date", period },
        ...series.map((each) => ({ name: each.name, kind: "number" })),
        { name: t("stats"), kind: "number" },
      ],
      rows: dates.map((date, index) => [date, ...series.map(({ values }) => values[index]), basis.get(date) ?? null]),
    },
    option: lines({ dates, period, series }),
  };
}
