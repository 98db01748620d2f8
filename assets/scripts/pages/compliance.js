// Compliance: the gaps of all referentials side by side, or how they changed.

import "../lib/shell.js";
import { compared, spanOf } from "../lib/compared.js";
import { complianceLines, gapSpec } from "../lib/compliance.js";
import { controls, DAYS, DAYS_OR_NOW, daysGroup, daysText, group, periodGroup, periods } from "../lib/controls.js";
import { averages, summary } from "../lib/data.js";
import { byId } from "../lib/dom.js";
import { figure } from "../lib/figure.js";
import { label } from "../lib/labels.js";
import { introduce, nothing, shower } from "../lib/notices.js";
import { t } from "../lib/page.js";
import { state } from "../lib/state.js";

const isEvolution = () => choices.get("view") === "evolution";
const choices = state(
  {
    view: ["gaps", "evolution"],
    days: (all) => (all.get("view") === "evolution" ? DAYS : DAYS_OR_NOW),
    period: periods,
  },
  () => show(),
);

let known;
const show = shower(byId("charts"), async () => {
  controls(
    group(choices, "view", t("view"), [
      ["gaps", t("view.gaps")],
      ["evolution", t("view.evolution")],
    ]),
    daysGroup(choices, !isEvolution()),
    isEvolution() && periodGroup(choices),
  );
  const [days, period] = [choices.get("days"), choices.get("period")];
  const numbers = isEvolution() ? averages("compliance", { days, period }) : compared("compliance", days);
  const [about, found] = await Promise.all([known ?? summary(), numbers]);
  known = about;
  if (!introduce(about)) return [];
  const all = (isEvolution() ? found : found.averages) ?? [];
  if (!all.length) return [nothing()];
  const caption = (one, id) => ({
    id: `compliance-${id}-${one.referential}`,
    analyses: about.analyses,
    period: isEvolution() ? daysText(days) : spanOf(found),
  });
  const name = (one) => ({ name: label(one.labels, one.referential) });
  return all.map((one) =>
    figure(
      isEvolution()
        ? complianceLines(one, period, { ...caption(one, "evolution"), title: t("compliance.evolution", name(one)), wide: true })
        : gapSpec(one, { ...caption(one, "gaps"), title: t("compliance.gaps", name(one)) }),
    ),
  );
});
show();
