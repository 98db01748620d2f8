// The landscape in one look: what the overview and the report show. A request that fails costs what needs it, not the page.

import { compared, spanOf } from "./compared.js";
import { daysText } from "./controls.js";
import { averages, summary } from "./data.js";
import { h } from "./dom.js";
import { figure } from "./figure.js";
import { figures } from "./figures.js";
import { KINDS, kindName, levelBars, levelLines } from "./levels.js";
import { introduce, parts } from "./notices.js";
import { t } from "./page.js";
import { comparedObjects, founded, ranked } from "./ranked.js";
import { rankingSpec } from "./ranking.js";

const DAYS = "365";

/** Its figures; none if the store is empty. All that is needed is asked for at once. */
export async function overview(again) {
  const part = parts(again);
  const known = summary();
  const risks = compared("risks", "now");
  const trend = averages("risks", { days: DAYS, period: "month", processor: "risk_averages_on_date" });
  const objects = { threats: comparedObjects("threats", "now"), vulnerabilities: comparedObjects("vulnerabilities", "now") };
  [risks, trend, ...Object.values(objects)].forEach((one) => one.catch(() => {}));
  const about = await known;
  const headlines = await risks.catch(() => null);
  const { analyses } = about;
  const bars = (kind) =>
    part(
      [risks],
      (now) =>
        now.averages &&
        figure(
          levelBars(now.averages, kind, {
            id: `levels-${kind}`,
            title: t("overview.levels", { kind: kindName(kind) }),
            period: spanOf(now),
            analyses,
          }),
        ),
    );
  const lines = (kind) =>
    part([trend], (tree) => {
      const caption = { id: `trend-${kind}`, title: t("overview.trend", { kind: kindName(kind) }), period: daysText(DAYS), analyses };
      return figure(levelLines(tree, kind, "month", caption, ["High risks"]));
    });
  const top = (kind, title) =>
    part([objects[kind]], (found) => {
      const all = founded(found);
      const caption = { id: `top-${kind}`, title, period: spanOf(found), analyses: found.analyses, all, since: "previous", isNow: true };
      return figure(rankingSpec(kind, ranked(all, "averageRate", "highest", "5"), "averageRate", caption));
    });
  const cards = await Promise.all([
    ...KINDS.map(bars),
    top("threats", t("overview.threats")),
    top("vulnerabilities", t("overview.vulnerabilities")),
    ...KINDS.map(lines),
  ]);
  // Everything comes at once: nothing moves what somebody reads already.
  if (!introduce(about)) return [];
  return [h("div", { id: "figures", class: "figures" }, figures(about, headlines)), ...cards.filter(Boolean)];
}
