// What ECharts is told, for each form of chart. Colours come from the tokens; every level and line has a second cue.

import { number, percent, shortDate, date } from "./format.js";

/** Colour and dashes of the line of this index: eight colours, then the same ones dashed, then dotted. */
export function strokeOf(index) {
  return { token: index % 8, dashes: [null, [8, 4], [2, 4]][Math.floor(index / 8) % 3] };
}

export function base(tokens, still) {
  return {
    animation: false,
    textStyle: { fontFamily: tokens.font, color: tokens.ink },
    tooltip: still
      ? { show: false }
      : {
          renderMode: "richText", confine: true, backgroundColor: tokens.paper, borderColor: tokens.line,
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

export function categoryAxis(tokens, data, more = {}) {
  const { axisLabel, ...rest } = more;
  return {
    type: "category",
    data,
    axisLine: { lineStyle: { color: tokens.line } },
    axisTick: { show: false },
    axisLabel: { color: tokens.soft, hideOverlap: true, ...axisLabel },
    ...rest,
  };
}

/** A point between two gaps has no line: it is drawn as a dot. */
function symbols(values, symbol = "circle") {
  const isAlone = (index) => values[index - 1] == null && values[index + 1] == null;
  return (_, { dataIndex }) => (values.length <= 31 || isAlone(dataIndex) ? symbol : "none");
}

/** Lines over periods: `series` are {name, values, stroke?}, a missing value stays a gap. */
export function lines({ dates, period, series, share = false, max }) {
  const shown = share ? percent : number;
  return (tokens, { width, still }) => ({
    ...base(tokens, still),
    tooltip: { ...base(tokens, still).tooltip, trigger: "axis", order: "valueDesc", formatter: lineTip(dates, period, shown) },
    grid: { left: 12, right: 20, top: 16, bottom: 8, containLabel: true },
    xAxis: categoryAxis(tokens, dates, {
      boundaryGap: dates.length === 1,
      axisLabel: { formatter: (iso) => shortDate(iso, period), fontSize: width < 480 ? 11 : 12 },
    }),
    yAxis: valueAxis(tokens, { max, axisLabel: { color: tokens.soft, formatter: shown } }),
    series: series.map(({ name, values, index, color, symbol }) => {
      const { token, dashes } = strokeOf(index);
      const colour = color ? tokens[color] : tokens.lines[token];
      return {
        name, type: "line", data: values, connectNulls: false, symbol: symbols(values, symbol), symbolSize: 7, showAllSymbol: true,
        itemStyle: { color: colour }, lineStyle: { width: 2.5, color: colour, type: dashes ?? "solid" },
        emphasis: { focus: "series", lineStyle: { width: 4 } },
      };
    }),
  });
}

/** Tips name the eight highest; more would not fit beside the pointer. */
function lineTip(dates, period, shown) {
  return (points) => {
    const sorted = points.filter(({ value }) => value != null).sort((a, b) => b.value - a.value);
    const rows = sorted.slice(0, 8).map(({ marker, seriesName, value }) => `${marker} ${cut(seriesName, 42)}  ${shown(value)}`);
    return [date(dates[points[0].dataIndex], period), ...rows, sorted.length > 8 ? `+ ${sorted.length - 8}` : null]
      .filter(Boolean)
      .join("\n");
  };
}

export const cut = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

/** Horizontal bars, the first on top. */
export function ranking({ names, values, unit }) {
  return (tokens, { still }) => ({
    ...base(tokens, still),
    grid: { left: 24, right: 60, top: 16, bottom: 8, containLabel: true },
    xAxis: valueAxis(tokens, { name: unit, nameLocation: "middle", nameGap: 32 }),
    yAxis: categoryAxis(tokens, names, {
      inverse: true,
      axisLabel: { color: tokens.ink, width: 420, overflow: "truncate", interval: 0, fontSize: 14, hideOverlap: false },
    }),
    series: [
      {
        type: "bar", data: values, itemStyle: { color: tokens.accent }, barMaxWidth: 28,
        label: { show: true, position: "right", color: tokens.ink, formatter: ({ value }) => number(value) },
      },
    ],
  });
}
