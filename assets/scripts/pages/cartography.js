// Where risks lie between impact and likelihood: current beside residual, in the same shades.

import "../lib/shell.js";
import { DAYS, daysGroup, daysText, riskGroup } from "../lib/controls.js";
import { averages, summary } from "../lib/data.js";
import { byId } from "../lib/dom.js";
import { figure } from "../lib/figure.js";
import { heatSpec } from "../lib/heat.js";
import { KINDS, STATES, kindName, stateName } from "../lib/levels.js";
import { introduce, shower } from "../lib/notices.js";
import { t } from "../lib/page.js";
import { state } from "../lib/state.js";

const choices = state({ days: DAYS, risk: KINDS }, () => show());

/** The scale without the end on which nothing lies: most analyses use but a part of it. */
function used(scale, cells, read) {
  const highest = Math.max(4, ...cells.map(read));
  return scale.filter((step) => step <= highest);
}

let known;
const show = shower(byId("charts"), async () => {
  const [days, kind] = [choices.get("days"), choices.get("risk")];
  const [about, answer] = await Promise.all([known ?? summary(), averages("cartography", { days, period: "year" })]);
  known = about;
  if (!introduce(about)) return [];
  const none = { current: {}, residual: {} };
  const means = answer.averages ?? none;
  const trees = STATES.map((one) => means[one][kind] ?? []);
  const cells = trees.flat();
  const isInformational = kind === "informational";
  const scales = {
    impacts: used(answer.scales?.impact ?? [], cells, ({ impact }) => impact),
    likelihoods: isInformational
      ? used(answer.scales?.likelihood ?? [], cells, ({ likelihood }) => likelihood)
      : used(answer.scales?.probability ?? [], cells, ({ probability }) => probability),
    axis: isInformational ? t("likelihood") : t("probability"),
    most: Math.max(0, ...cells.map(({ count }) => count)),
  };
  return STATES.map((one, index) =>
    figure(
      heatSpec(trees[index], scales, {
        id: `cartography-${one}`,
        title: t("cartography.title_of", { kind: kindName(kind), state: stateName(one) }),
        period: daysText(days),
        stats: means.stats,
      }),
    ),
  );
});
byId("controls").append(daysGroup(choices), riskGroup(choices));
show();
