// Heat maps of impact and likelihood. A cell says its number as well: the shade alone is not enough for everybody.

import { base, categoryAxis } from "./options.js";
import { number } from "./format.js";
import { t } from "./page.js";

/** A colour between two others, `share` of the way: all that we would need of ECharts' visual maps. */
function mixed(from, to, share) {
  const parts = (colour) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  const [start, end] = [parts(from), parts(to)];
  return `rgb(${start.map((part, index) => Math.round(part + (end[index] - part) * share)).join(",")})`;
}

/** As much of a number as fits into a cell; the table has the rest. */
const short = (value) => (value < 0.05 ? "·" : number(Math.round(value * 10) / 10));

/** Cells as the processor gives them, on these scales; `most` is the number of the darkest shade. */
export function heatSpec(cells, { impacts, likelihoods, axis, most }, caption) {
  const chance = (cell) => cell.likelihood ?? cell.probability;
  const rows = impacts.flatMap((impact) =>
    likelihoods.map((likelihood) => {
      const cell = cells.find((one) => one.impact === impact && chance(one) === likelihood);
      return [impact, likelihood, cell?.count ?? 0];
    }),
  );
  return {
    ...caption,
    unit: t("unit.risks"),
    height: (width) => (width < 480 ? 240 : 300),
    table: {
      columns: [
        { name: t("impact"), kind: "number" },
        { name: axis, kind: "number" },
        { name: t("unit.risks"), kind: "number" },
      ],
      rows: cells.length ? rows : [],
    },
    option: (tokens, { width, still }) => ({
      ...base(tokens, still),
      tooltip: {
        ...base(tokens, still).tooltip,
        formatter: ({ value }) => `${t("impact")} ${impacts[value[1]]}, ${axis} ${likelihoods[value[0]]}\n${number(value[2])} ${t("unit.risks")}`,
      },
      grid: { left: 28, right: 12, top: 8, bottom: 28, containLabel: true },
      xAxis: categoryAxis(tokens, likelihoods, { name: axis, nameLocation: "middle", nameGap: 30, nameTextStyle: { color: tokens.soft } }),
      yAxis: categoryAxis(tokens, impacts, { name: t("impact"), nameLocation: "middle", nameGap: 28, nameTextStyle: { color: tokens.soft } }),
      series: [
        {
          type: "heatmap",
          data: rows.map(([impact, likelihood, count]) => ({
            value: [likelihoods.indexOf(likelihood), impacts.indexOf(impact), count],
            itemStyle: { color: mixed(tokens["heat-0"], tokens["heat-1"], most > 0 ? count / most : 0) },
            label: { color: count > most * 0.5 ? tokens.paper : tokens.ink },
          })),
          itemStyle: { borderColor: tokens.paper, borderWidth: 2 },
          label: {
            show: width / likelihoods.length > 23 || still,
            fontSize: width / likelihoods.length > 40 ? 12 : 9.5,
            formatter: ({ value }) => (value[2] ? short(value[2]) : ""),
          },
        },
      ],
    }),
  };
}
