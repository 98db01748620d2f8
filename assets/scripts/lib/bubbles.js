// What to look at first: how likely something is against the highest risk that it leads to, with the list beside.

import { h } from "./dom.js";
import { number } from "./format.js";
import { base, valueAxis } from "./options.js";
import { linkTo, t } from "./page.js";
import { inAnalyses, measureName, rankingTable, scaleEnd } from "./ranked.js";

const SVG = "http://www.w3.org/2000/svg";
const SIZE = { width: 640, height: 420, left: 56, right: 16, top: 16, bottom: 48 };

function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Probability times maximum risk: what is both likely and grave comes first. */
const weight = ({ averages }) => averages.averageRate * averages.maxRisk;

/** How far apart the middles of two marks are at least, so that no number hides another. */
const GAP = 18;

/**
 * Where marks are drawn: in their places, or where others have one, in the nearest that is free around it.
 * @param {{x: number, y: number}[]} places
 */
function spread(places) {
  const { width, height, left, right, top, bottom } = SIZE;
  const isInside = ({ x, y }) => x >= left && x <= width - right && y >= top && y <= height - bottom;
  /** @type {{x: number, y: number}[]} */
  const taken = [];
  for (const place of places) {
    const isFree = ({ x, y }) => taken.every((other) => Math.hypot(x - other.x, y - other.y) >= GAP);
    let found = place;
    for (let turn = 1; !isFree(found) || !isInside(found); turn += 1) {
      if (turn > 500) break;
      // A spiral: each turn a little further out, in a direction of its own.
      const [distance, angle] = [GAP * Math.sqrt(turn / 6), turn * 2.4];
      found = { x: place.x - distance * Math.cos(angle), y: place.y + distance * Math.sin(angle) };
    }
    taken.push(found);
  }
  return taken;
}

const radius = (count, most) => 9 + 11 * Math.sqrt(most > 0 ? count / most : 0);

/** Steps of an axis that ends here, in round numbers. */
function steps(end) {
  const rough = end / 4 || 1;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5].map((factor) => factor * unit).find((one) => one >= rough) ?? 10 * unit;
  return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, index) => index * step);
}

function plot(kind, chosen, ends) {
  const { width, height, left, right, top, bottom } = SIZE;
  const x = (value) => left + ((width - left - right) * value) / ends.x;
  const y = (value) => height - bottom - ((height - top - bottom) * value) / ends.y;
  const most = Math.max(0, ...chosen.map((one) => one.averages.count));
  const grid = [
    ...steps(ends.x).flatMap((value) => [
      s("line", { class: "grid", x1: x(value), x2: x(value), y1: top, y2: height - bottom }),
      s("text", { class: "tick", x: x(value), y: height - bottom + 18, "text-anchor": "middle" }, number(value)),
    ]),
    ...steps(ends.y).flatMap((value) => [
      s("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }),
      s("text", { class: "tick", x: left - 8, y: y(value) + 4, "text-anchor": "end" }, number(value)),
    ]),
    s("text", { class: "tick", x: (left + width - right) / 2, y: height - 8, "text-anchor": "middle" }, measureName(kind, "averageRate")),
    s(
      "text",
      {
        class: "tick",
        x: 14,
        y: (top + height - bottom) / 2,
        "text-anchor": "middle",
        transform: `rotate(-90 14 ${(top + height - bottom) / 2})`,
      },
      measureName(kind, "maxRisk"),
    ),
  ];
  const places = spread(chosen.map(({ averages }) => ({ x: x(averages.averageRate), y: y(averages.maxRisk) })));
  // The first ones lie on top, and all numbers on all of them.
  const marks = chosen.map((one, index) => {
    const { x: cx, y: cy } = places[index];
    return s("circle", { cx, cy, r: radius(one.averages.count, most) }, s("title", {}, one.name));
  });
  const numbers = places.map((place, index) => s("text", { x: place.x, y: place.y + 4, "text-anchor": "middle" }, String(index + 1)));
  const all = s("g", { class: "bubble" }, ...marks.reverse(), ...numbers);
  return s("svg", { class: "bubbles", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, ...grid, all);
}

function row(kind, one, analyses) {
  const facts = ["averageRate", "maxRisk", "count"].map((measure) => `${measureName(kind, measure)} ${number(one.averages[measure])}`);
  const about = [...facts, analyses && inAnalyses(one, analyses)].filter(Boolean).join(" · ");
  return h(
    "li",
    {},
    h(
      "a",
      { class: "rank", "data-object": one.object, href: linkTo(`${kind}/${one.object}`) },
      h("span", { class: "rank-name" }, one.name),
      h("span", { class: "rank-basis" }, about),
    ),
  );
}

/** @returns {import("./figure.js").Spec} */
export function bubbleSpec(kind, all, count, caption) {
  const sorted = [...all].sort((a, b) => weight(b) - weight(a) || b.averages.count - a.averages.count || (a.object < b.object ? -1 : 1));
  const chosen = count === "all" ? sorted : sorted.slice(0, Number(count));
  const ends = { x: scaleEnd(kind, "averageRate", all), y: scaleEnd(kind, "maxRisk", all) * 1.05 || 1 };
  const most = Math.max(0, ...chosen.map((one) => one.averages.count));
  return {
    ...caption,
    unit: t("first.unit", { x: measureName(kind, "averageRate"), y: measureName(kind, "maxRisk") }),
    table: rankingTable(kind, chosen),
    content: h(
      "div",
      { class: "first" },
      plot(kind, chosen, ends),
      h(
        "ol",
        { class: "ranking numbered" },
        chosen.map((one) => row(kind, one, caption.analyses)),
      ),
    ),
    option: (tokens) => ({
      ...base(tokens, true),
      grid: { left: 40, right: 60, top: 16, bottom: 8, containLabel: true },
      xAxis: valueAxis(tokens, { max: ends.x, name: measureName(kind, "averageRate"), nameLocation: "middle", nameGap: 32 }),
      yAxis: valueAxis(tokens, { max: Math.ceil(ends.y), name: measureName(kind, "maxRisk"), nameLocation: "middle", nameGap: 40 }),
      series: [
        {
          type: "scatter",
          data: chosen.map((one) => ({ value: [one.averages.averageRate, one.averages.maxRisk, one.averages.count], name: one.key })),
          symbolSize: ([, , value]) => 2 * radius(value, most),
          itemStyle: { color: tokens.accent, opacity: 0.75, borderColor: tokens.paper },
          label: {
            show: true,
            position: "right",
            color: tokens.ink,
            formatter: ({ dataIndex }) => `${dataIndex + 1} ${chosen[dataIndex].name.slice(0, 40)}`,
          },
          labelLayout: { moveOverlap: "shiftY" },
        },
      ],
    }),
  };
}
