// Risks by level, now and over time.

import "../lib/shell.js";
import { DAYS, PERIODS, daysGroup, daysText, periodGroup } from "../lib/controls.js";
import { averages, summary } from "../lib/data.js";
import { byId } from "../lib/dom.js";
import { figure } from "../lib/figure.js";
import { KINDS, kindName, levelBars, levelLines } from "../lib/levels.js";
import { introduce, shower } from "../lib/notices.js";
import { t } from "../lib/page.js";
import { state } from "../lib/state.js";

const choices = state({ days: DAYS, period: PERIODS, hide: null }, () => show());

let known;
const show = shower(byId("charts"), async () => {
  const [days, period] = [choices.get("days"), choices.get("period")];
  const [about, whole, tree] = await Promise.all([
    known ?? summary(),
    averages("risks", { days }),
    averages("risks", { days, period, processor: "risk_averages_on_date" }),
  ]);
  known = about;
  if (!introduce(about)) return [];
  const caption = { period: daysText(days) };
  const trends = KINDS.map((kind) => levelLines(tree, kind, period, { ...caption, id: `trend-${kind}`, title: t("risks.evolution", { kind: kindName(kind) }), wide: true }));
  const bars = KINDS.map((kind, index) =>
    levelBars(whole, kind, { ...caption, id: `levels-${kind}`, title: t("overview.levels", { kind: kindName(kind) }), stats: trends[index].stats }),
  );
  return [...bars, ...trends].map(figure);
});
byId("controls").append(daysGroup(choices), periodGroup(choices));
show();
