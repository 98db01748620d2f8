// The landscape in one look: what the overview and the report show. A request that fails costs what needs it, not the page.

import { compared, spanOf } from "./compared.js";
import { daysText } from "./controls.js";
import { averages, summary } from "./data.js";
import { h } from "./dom.js";
import { figure } from "./figure.js";
import { figures } from "./figures.js";
import { date } from "./format.js";
import { KINDS, kindName, levelBars, levelLines } from "./levels.js";
import { foremost, HORIZONS, moversSpec, ofWhich, trends } from "./movers.js";
import { introduce, parts } from "./notices.js";
import { isReleased, linkTo, t } from "./page.js";
import { comparedObjects, founded, ranked, yearLines } from "./ranked.js";
import { rankingSpec } from "./ranking.js";

const DAYS = "365";

/** Its figures; none if the store is empty. All that is needed is asked for at once. */
export async function overview(again) {
  const part = parts(again);
  const known = summary();
  const risks = compared("risks", "now");
  const trend = averages("risks", { days: DAYS, period: "month", processor: "risk_averages_on_date" });
  const objects = { threats: comparedObjects("threats", "now"), vulnerabilities: comparedObjects("vulnerabilities", "now") };
  const lines = { threats: yearLines("threats", "averageRate"), vulnerabilities: yearLines("vulnerabilities", "averageRate") };
  const moved = trends(HORIZONS[0]);
  const yearly = isReleased ? trends("year") : Promise.resolve(null);
  [risks, trend, moved, yearly, ...Object.values(objects)].forEach((one) => one.catch(() => {}));
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
            csv: ["risks"],
          }),
        ),
    );
  const yearOf = (kind) =>
    part([trend], (tree) => {
      const caption = {
        id: `trend-${kind}`,
        title: t("overview.trend", { kind: kindName(kind) }),
        period: daysText(DAYS),
        analyses,
        csv: ["risks-over-time", { days: DAYS, period: "month" }],
      };
      return figure(levelLines(tree, kind, "month", caption, ["High risks"]));
    });
  const top = (kind, title) =>
    part([objects[kind], lines[kind]], (found, years) => {
      const all = founded(found);
      const caption = {
        id: `top-${kind}`,
        title,
        csv: [kind],
        period: spanOf(found),
        analyses: found.analyses,
        all,
        since: "previous",
        isNow: true,
        lines: years,
      };
      return figure(rankingSpec(kind, ranked(all, "averageRate", "highest", "5"), "averageRate", caption));
    });
  const movers = part([moved], (found) => {
    const chosen = foremost(found, ["threat", "vulnerability"], 5);
    if (!chosen.length) return null;
    const before = h("p", { class: "no-print" }, h("a", { href: linkTo("trends") }, t("trends.all")));
    return figure(
      moversSpec(chosen, {
        id: "movers",
        title: t("trends.both"),
        period: t("trends.since", { date: date(found.since) }),
        more: ofWhich(chosen),
        wide: true,
        before,
        csv: ["trends", { period: HORIZONS[0] }],
      }),
    );
  });
  const cards = await Promise.all([
    movers,
    ...KINDS.map(bars),
    top("threats", t("overview.threats")),
    top("vulnerabilities", t("overview.vulnerabilities")),
    ...KINDS.map(yearOf),
  ]);
  // Everything comes at once: nothing moves what somebody reads already.
  if (!introduce(about)) return [];
  const [line, previous, year] = await Promise.all([trend, moved, yearly].map((one) => one.catch(() => null)));
  return [
    h(
      "div",
      { id: "figures", class: "figures" },
      figures(about, headlines, { trend: line, moved: isReleased ? { previous, year } : null }),
    ),
    ...cards.filter(Boolean),
  ];
}
