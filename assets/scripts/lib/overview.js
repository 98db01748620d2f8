// The landscape in one look: what the overview and the report show.

import { averages, summary } from "./data.js";
import { byId } from "./dom.js";
import { daysText } from "./controls.js";
import { figures } from "./figures.js";
import { introduce } from "./notices.js";
import { KINDS, kindName, levelBars, levelLines } from "./levels.js";
import { basis, objects, ranked } from "./ranked.js";
import { rankingSpec } from "./ranking.js";
import { t } from "./page.js";

const DAYS = "365";

/** The specifications of its charts; null if the store is empty. All that is needed is asked for at once. */
export async function overview() {
  const [known, risks, trend, threats, vulnerabilities] = await Promise.all([
    summary(),
    averages("risks", { days: DAYS }),
    averages("risks", { days: DAYS, period: "month", processor: "risk_averages_on_date" }),
    objects("threats", DAYS, "month"),
    objects("vulnerabilities", DAYS, "month"),
  ]);
  if (!introduce(known)) {
    byId("figures").replaceChildren();
    return null;
  }
  byId("figures").replaceChildren(figures(known, risks));
  const period = daysText(DAYS);
  const lines = (kind) =>
    levelLines(trend, kind, "month", { id: `trend-${kind}`, title: t("overview.trend", { kind: kindName(kind) }), period }, ["High risks"]);
  const trends = KINDS.map(lines);
  const bars = KINDS.map((kind, index) =>
    levelBars(risks, kind, { id: `levels-${kind}`, title: t("overview.levels", { kind: kindName(kind) }), period, stats: trends[index].stats }),
  );
  const top = (kind, all, title) =>
    rankingSpec(kind, ranked(all, "averageRate", "highest", "5"), "averageRate", {
      id: `top-${kind}`, title, period, stats: Math.max(0, ...all.map(basis)),
    });
  return [
    ...bars,
    top("threats", threats, t("overview.threats")),
    top("vulnerabilities", vulnerabilities, t("overview.vulnerabilities")),
    ...trends,
  ];
}
