// Risks by level, now and over time.

import "../lib/shell.js";
import { compared, spanOf } from "../lib/compared.js";
import { controls, DAYS_OR_NOW, daysGroup, daysText, periodGroup, periods } from "../lib/controls.js";
import { averages, summary } from "../lib/data.js";
import { byId } from "../lib/dom.js";
import { figure } from "../lib/figure.js";
import { KINDS, kindName, levelBars, levelLines } from "../lib/levels.js";
import { introduce, nothing, parts, shower } from "../lib/notices.js";
import { t } from "../lib/page.js";
import { state } from "../lib/state.js";

const choices = state({ days: DAYS_OR_NOW, period: periods }, () => show());

let known;
const show = shower(byId("charts"), async (again) => {
  controls(daysGroup(choices, true), periodGroup(choices));
  const [days, period] = [choices.get("days"), choices.get("period")];
  const part = parts(again);
  // Now is a point of time: its lines are those of the year that led to it.
  const past = days === "now" ? "365" : days;
  const window = compared("risks", days);
  const trend = averages("risks", { days: past, period, processor: "risk_averages_on_date" });
  [window, trend].forEach((one) => one.catch(() => {}));
  const about = known ?? (await summary());
  known = about;
  if (!introduce(about)) return [];
  const { analyses } = about;
  const bars = (kind) =>
    part([window], (found) => {
      const caption = { id: `levels-${kind}`, title: t("overview.levels", { kind: kindName(kind) }), period: spanOf(found), analyses };
      return found.averages ? figure(levelBars(found.averages, kind, caption)) : nothing();
    });
  const lines = (kind) =>
    part([trend], (tree) => {
      const caption = {
        id: `trend-${kind}`,
        title: t("risks.evolution", { kind: kindName(kind) }),
        period: daysText(past),
        analyses,
        wide: true,
      };
      return figure(levelLines(tree, kind, period, caption));
    });
  return Promise.all([...KINDS.map(bars), ...KINDS.map(lines)]);
});
show();
