// What ECharts is told, for each form of chart. Colours come from the tokens; every level and line has a second cue.

import { date, number, percent, shortDate } from "./format.js";
import { t } from "./page.js";

const MARKS = ["circle", "rect", "triangle", "diamond", "emptyCircle", "emptyRect", "emptyTriangle", "emptyDiamond"];

/** Colour, dashes and mark of the line of this index: eight colours, then the same ones dashed, then dotted. */
export function strokeOf(index) {
  return { token: index % 8, dashes: [null, [8, 4], [2, 4]][Math.floor(index / 8) % 3], mark: MARKS[index % 8] };
}

/** Tips are rich text, in which `{a|b}` has a meaning: a joiner of no width takes it away. */
export const literal = (text) => text.replaceAll("{", "{\u2060");

export function base(tokens, still) {
  return {
    animation: false,
    textStyle: { fontFamily: tokens.font, color: tokens.ink },
    tooltip: still
      ? { show: false }
      : {
          renderMode: "richText",
          confine: true,
          valueFormatter: number,
          backgroundColor: tokens.paper,
          borderColor: tokens.line,
          textStyle: { color: tokens.ink, fontSize: 13, fontFamily: tokens.font },
        },
  };
}

export function valueAxis(tokens, more = {}) {
  return {
    type: "value",
    axisLabel: { color: tokens.soft, formatter: number },
    splitLine: { lineStyle: { color: tokens.line } },
    ...more,
  };
}

/** Names of categories and series are ours, never the data's: ECharts takes some of them (`__proto__`) for its own. */
export function categoryAxis(tokens, names, more = {}) {
  const { axisLabel, ...rest } = more;
  const shown = axisLabel?.formatter ?? String;
  return {
    type: "category",
    data: names.map((_, index) => String(index)),
    axisLine: { lineStyle: { color: tokens.line } },
    axisTick: { show: false },
    ...rest,
    axisLabel: { color: tokens.soft, hideOverlap: true, ...axisLabel, formatter: (index) => shown(names[index]) },
  };
}

/** How names of rows are written beside their bars: their lines have a height, or else it is that of a sign that fonts may lack. */
export const rowNames = (tokens) => ({
  color: tokens.ink,
  width: 420,
  overflow: "break",
  lineHeight: 15,
  interval: 0,
  hideOverlap: false,
});

/** A point between two gaps has no line: it is drawn as a dot. */
function symbols(values, symbol = "circle") {
  const isAlone = (index) => values[index - 1] == null && values[index + 1] == null;
  return (_, { dataIndex }) => (values.length <= 31 || isAlone(dataIndex) ? symbol : "none");
}

const DAY = 86_400_000;
const isLong = (dates) => dates.length > 1 && Date.parse(dates.at(-1)) - Date.parse(dates[0]) > 360 * DAY;

/** More lines than this have no room for their names at their ends. */
const MOST_NAMED = 10;

/**
 * Lines over periods; a missing value stays a gap.
 * @typedef {{key: string, name: string, index: number, values: (number | null)[], color?: string, symbol?: string}} Series
 *   `index` gives the stroke, unless a token of colours or a symbol is named
 * @param {{dates: string[], period: string, series: Series[], share?: boolean, max?: number}} what
 * @returns {import("./figure.js").Spec["option"]}
 */
export function lines({ dates, period, series, share = false, max }) {
  const shown = share ? percent : number;
  const long = isLong(dates);
  return (tokens, { width, still }) => {
    const isNamed = width >= 640 && series.length > 1 && series.length <= MOST_NAMED;
    return {
      ...base(tokens, still),
      tooltip: {
        ...base(tokens, still).tooltip,
        trigger: "axis",
        order: "valueDesc",
        formatter: lineTip(dates, period, series, shown),
        // In the upper corner on the other side of the pointer, so that it hides no line that is looked at.
        position: ([x], _params, _element, _rect, { contentSize: [tip], viewSize: [room] }) => [x < room / 2 ? room - tip - 8 : 56, 0],
      },
      grid: { left: 12, right: isNamed ? Math.min(220, Math.round(width * 0.2)) : 20, top: 16, bottom: 8, containLabel: true },
      xAxis: categoryAxis(tokens, dates, {
        boundaryGap: dates.length === 1,
        axisLabel: { formatter: (iso) => shortDate(iso, period, long), fontSize: width < 480 ? 11 : 12 },
      }),
      yAxis: valueAxis(tokens, { max, axisLabel: { color: tokens.soft, formatter: shown } }),
      series: series.map(({ key, name, values, index, color, symbol }) => {
        const { token, dashes, mark } = strokeOf(index);
        const colour = color ? tokens[color] : tokens.lines[token];
        return {
          name: key,
          type: "line",
          data: values,
          connectNulls: false,
          symbol: symbols(values, symbol ?? mark),
          symbolSize: 7,
          showAllSymbol: true,
          itemStyle: { color: colour },
          lineStyle: { width: 2.5, color: colour, type: dashes ?? "solid" },
          emphasis: { focus: "series", lineStyle: { width: 4 } },
          endLabel: {
            show: isNamed,
            formatter: () => cut(name, Math.round(width / 42)),
            color: colour,
            fontSize: 12,
            lineHeight: 15,
            distance: 8,
          },
          labelLayout: { moveOverlap: "shiftY" },
        };
      }),
    };
  };
}

/**
 * What lines show, in a sentence: where the first of them begins and ends.
 * @param {Series[]} series
 * @param {string[]} dates
 * @param {string} period
 * @param {(value: number | null) => string} [shown]
 */
export function lineFinding(series, dates, period, shown = number) {
  const [one] = series;
  const places = one?.values.flatMap((value, index) => (value == null ? [] : [index])) ?? [];
  const [from, to] = [places.at(0), places.at(-1)];
  if (from === undefined || to === undefined) return undefined;
  return t("finding.line", {
    name: one.name,
    first: shown(one.values[from]),
    last: shown(one.values[to]),
    from: date(dates[from], period),
    to: date(dates[to], period),
  });
}

/** Tips name the eight highest; more would not fit beside the pointer. */
function lineTip(dates, period, series, shown) {
  const names = new Map(series.map(({ key, name }) => [key, name]));
  return (points) => {
    const sorted = points.filter(({ value }) => value != null).sort((a, b) => b.value - a.value);
    const rows = sorted
      .slice(0, 8)
      .map(({ marker, seriesName, value }) => `${marker} ${literal(cut(names.get(seriesName), 42))}  ${shown(value)}`);
    return [date(dates[points[0].dataIndex], period), ...rows, sorted.length > 8 ? `+ ${sorted.length - 8}` : null]
      .filter(Boolean)
      .join("\n");
  };
}

export const cut = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

/**
 * Horizontal bars, the first on top.
 * @param {{names: string[], values: number[], unit: string, max?: number}} what
 * @returns {import("./figure.js").Spec["option"]}
 */
export function ranking({ names, values, unit, max }) {
  return (tokens, { still }) => ({
    ...base(tokens, still),
    grid: { left: 24, right: 60, top: 16, bottom: 8, containLabel: true },
    xAxis: valueAxis(tokens, { max, name: unit, nameLocation: "middle", nameGap: 32 }),
    yAxis: categoryAxis(tokens, names, {
      inverse: true,
      axisLabel: { color: tokens.ink, width: 420, overflow: "truncate", interval: 0, fontSize: 14, hideOverlap: false },
    }),
    series: [
      {
        type: "bar",
        data: values,
        itemStyle: { color: tokens.accent },
        barMaxWidth: 28,
        label: { show: true, position: "right", color: tokens.ink, formatter: ({ value }) => number(value) },
      },
    ],
  });
}
