// Heat maps of impact and likelihood: tables whose cells are shaded, and say their number as well.

import { h } from "./dom.js";
import { number } from "./format.js";
import { base, categoryAxis } from "./options.js";
import { t } from "./page.js";

/** A colour between two others, `share` of the way: all that we would need of ECharts' visual maps. */
function mixed(from, to, share) {
  const parts = (colour) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  const [start, end] = [parts(from), parts(to)];
  return `rgb(${start.map((part, index) => Math.round(part + (end[index] - part) * share)).join(",")})`;
}

/** As much of a number as fits into a cell; the table has the rest. */
const short = (value) => (Math.abs(value) < 0.05 ? "·" : number(Math.round(value * 10) / 10));

/** Shades from nothing to the most: five are told apart. */
const SHADES = 5;
const shadeOf = (value, most) => (value > 0 && most > 0 ? Math.min(SHADES, Math.ceil((value / most) * SHADES)) : 0);

/** The product of impact and likelihood from which MONARC's usual limits call a risk high: the upper third of the scale. */
const isHigh = (impact, likelihood, { impacts, likelihoods }) => impact * likelihood >= (2 / 3) * impacts.at(-1) * likelihoods.at(-1);

function grid(values, scales, isChange, caption) {
  const { impacts, likelihoods, axis, most, isTall } = scales;
  const cell = (impact, likelihood) => {
    const value = values(impact, likelihood);
    const shade = isChange ? `${value < 0 ? "less" : "more"}-${shadeOf(Math.abs(value), most)}` : `shade-${shadeOf(value, most)}`;
    return h(
      "td",
      { class: `${shade} ${isHigh(impact, likelihood, scales) ? "is-high" : ""}` },
      value ? (isChange && value > 0 ? "+" : "") + short(value).replace("-", "−") : "",
    );
  };
  const [side, above] = isTall ? [likelihoods, impacts] : [impacts, likelihoods];
  const corner = isTall ? `${axis} ↑ ${t("impact")} →` : `${t("impact")} ↑ ${axis} →`;
  const rows = [...side].reverse().map((row) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, String(row)),
      above.map((column) => (isTall ? cell(column, row) : cell(row, column))),
    ),
  );
  const ends = (kind, shades) => shades.map((shade) => h("span", { class: `swatch ${kind}-${shade}`, "aria-hidden": "true" }));
  const key = isChange
    ? [
        h("li", {}, ends("less", [1, 5]), t("heat.less", { number: number(most) })),
        h("li", {}, ends("more", [1, 5]), t("heat.more", { number: number(most) })),
      ]
    : [h("li", {}, "0 ", ends("shade", [1, 2, 3, 4, 5]), ` ${number(most)}`)];
  return h(
    "div",
    { class: "heat" },
    h("ul", { class: "key" }, key, h("li", {}, h("span", { class: "swatch is-high", "aria-hidden": "true" }), t("heat.high"))),
    h(
      "div",
      { class: "heat-scroll", tabindex: "0", role: "region", "aria-label": caption.title },
      h(
        "table",
        { class: "heat-table" },
        h("caption", { class: "hidden" }, caption.title),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col" }, corner),
            above.map((one) => h("th", { scope: "col" }, String(one))),
          ),
        ),
        h("tbody", {}, rows),
      ),
    ),
  );
}

/**
 * Cells as the processor gives them, on these scales; `most` is the number of the darkest shade, and `isTall` puts likelihoods at
 * the side. With `before` the change from there.
 * @typedef {{impact: number, likelihood?: number, probability?: number, count: number}} Cell
 * @param {Cell[]} cells
 * @param {{impacts: number[], likelihoods: number[], axis: string, most: number, isTall: boolean}} scales
 * @param {{id: string, title: string, period: string | null, analyses: number | null, wide?: boolean}} caption
 * @param {Cell[]} [before]
 * @returns {import("./figure.js").Spec}
 */
export function heatSpec(cells, scales, caption, before) {
  const { impacts, likelihoods, axis } = scales;
  const chance = (cell) => cell.likelihood ?? cell.probability;
  const at = (list, impact, likelihood) => list.find((one) => one.impact === impact && chance(one) === likelihood)?.count ?? 0;
  const value = (impact, likelihood) => at(cells, impact, likelihood) - (before ? at(before, impact, likelihood) : 0);
  const rows = impacts.flatMap((impact) => likelihoods.map((likelihood) => [impact, likelihood, value(impact, likelihood)]));
  const most = before ? Math.max(...rows.map(([, , change]) => Math.abs(change))) : scales.most;
  const isFull = cells.length || before?.length;
  return {
    ...caption,
    unit: t("unit.risks"),
    content: isFull ? grid(value, { ...scales, most }, Boolean(before), caption) : undefined,
    table: {
      columns: [
        { name: t("impact"), kind: "number" },
        { name: axis, kind: "number" },
        { name: t("unit.risks"), kind: "number" },
      ],
      rows: isFull ? rows : [],
    },
    option: (tokens) => ({
      ...base(tokens, true),
      grid: { left: 28, right: 12, top: 8, bottom: 28, containLabel: true },
      xAxis: categoryAxis(tokens, likelihoods, { name: axis, nameLocation: "middle", nameGap: 30, nameTextStyle: { color: tokens.soft } }),
      yAxis: categoryAxis(tokens, impacts, {
        name: t("impact"),
        nameLocation: "middle",
        nameGap: 28,
        nameTextStyle: { color: tokens.soft },
      }),
      series: [
        {
          type: "heatmap",
          data: rows.map(([impact, likelihood, count]) => ({
            value: [likelihoods.indexOf(likelihood), impacts.indexOf(impact), count],
            itemStyle: {
              color: mixed(
                tokens["heat-0"],
                count < 0 ? "#1d6b45" : before ? "#a3301f" : tokens["heat-1"],
                most > 0 ? Math.min(1, Math.abs(count) / most) : 0,
              ),
              borderColor: isHigh(impact, likelihood, scales) ? tokens["high-line"] : tokens.paper,
            },
            label: { color: Math.abs(count) > most * 0.5 ? tokens.paper : tokens.ink },
          })),
          itemStyle: { borderColor: tokens.paper, borderWidth: 2 },
          label: { show: true, fontSize: 12, formatter: ({ value: [, , count] }) => (count ? short(count) : "") },
        },
      ],
    }),
  };
}
