// Where risks lie between impact and likelihood: current beside residual, in the same shades, and what changes between.

import "../lib/shell.js";
import { compared, spanOf } from "../lib/compared.js";
import { controls, DAYS_OR_NOW, daysGroup, riskGroup } from "../lib/controls.js";
import { summary } from "../lib/data.js";
import { byId } from "../lib/dom.js";
import { figure } from "../lib/figure.js";
import { heatSpec } from "../lib/heat.js";
import { KINDS, kindName, STATES, stateName } from "../lib/levels.js";
import { introduce, nothing, shower, tooSmall } from "../lib/notices.js";
import { isReleased, t } from "../lib/page.js";
import { state } from "../lib/state.js";

const choices = state({ days: DAYS_OR_NOW, risk: KINDS }, () => show());

/** A scale of impacts without the end on which nothing lies. */
function impactsOf(scale, cells) {
  const highest = Math.max(4, ...cells.map(({ impact }) => impact));
  return scale.filter((step) => step <= highest);
}

/** Likelihoods that occur; a short scale is shown whole, of a long one (a product of threat and vulnerability) only what can be. */
function likelihoodsOf(scale, used) {
  const highest = Math.max(4, ...used);
  const factors = [0, 1, 2, 3, 4, 5];
  const products = new Set(factors.flatMap((a) => factors.map((b) => a * b)));
  return scale.filter((step) => step <= highest && (scale.length <= 8 || products.has(step) || used.includes(step)));
}

/** Where there is little room the longer scale stands at the side. */
const narrow = matchMedia("(max-width: 34rem)");
narrow.addEventListener("change", () => show());

let known;
const show = shower(byId("charts"), async () => {
  controls(daysGroup(choices, true), riskGroup(choices));
  const kind = choices.get("risk");
  const [about, window] = await Promise.all([known ?? summary(), compared("cartography", choices.get("days"))]);
  known = about;
  if (!introduce(about)) return [];
  const { averages: means, scales: all } = { averages: window.averages?.averages, scales: window.averages?.scales };
  if (!means) return [nothing()];
  const trees = STATES.map((one) => means[one][kind] ?? []);
  const cells = trees.flat();
  if (isReleased && !cells.length) return [tooSmall()];
  const isInformational = kind === "informational";
  const chances = cells.map((cell) => cell.likelihood ?? cell.probability);
  const impacts = impactsOf(all.impact, cells);
  const likelihoods = likelihoodsOf(isInformational ? all.likelihood : all.probability, chances);
  const scales = {
    impacts,
    likelihoods,
    isTall: narrow.matches && likelihoods.length > impacts.length,
    axis: isInformational ? t("likelihood") : t("probability"),
    most: Math.max(0, ...cells.map(({ count }) => count)),
  };
  const caption = (id, name) => ({
    id: `cartography-${id}`,
    title: t("cartography.title_of", { kind: kindName(kind), state: name }),
    period: spanOf(window),
    analyses: about.analyses,
    csv: ["cartography", { days: choices.get("days") }],
    empty: isReleased ? tooSmall() : undefined,
  });
  const [current, residual] = trees;
  // Between a matrix and one that is not told apart from nothing there is no difference to be drawn.
  const hasChange = !isReleased || trees.every((tree) => tree.length);
  return [
    ...STATES.map((one, index) => figure(heatSpec(trees[index], scales, caption(one, stateName(one))))),
    ...(hasChange ? [figure(heatSpec(residual, scales, { ...caption("change", t("cartography.change")), wide: true }, current))] : []),
  ];
});
show();
