// Compliance: one referential at a time, the first one unless the address names another.

import "../lib/shell.js";
import { categoryBars, complianceLines } from "../lib/compliance.js";
import { DAYS, PERIODS, daysGroup, daysText, group, periodGroup } from "../lib/controls.js";
import { averages, summary } from "../lib/data.js";
import { byId } from "../lib/dom.js";
import { figure } from "../lib/figure.js";
import { label } from "../lib/labels.js";
import { introduce, nothing, shower } from "../lib/notices.js";
import { t } from "../lib/page.js";
import { state } from "../lib/state.js";

const choices = state({ days: DAYS, period: PERIODS, referential: null }, () => show());

function controls(all, chosen) {
  const focused = document.activeElement?.name;
  const pairs = all.map(({ referential, labels }) => [referential, label(labels, referential)]);
  // The first one needs no place in the address.
  const proxy = { get: (name) => (name === "referential" ? chosen.referential : choices.get(name)), set: choices.set };
  const groups = [daysGroup(choices), periodGroup(choices)];
  if (pairs.length > 1) groups.unshift(group(proxy, "referential", t("compliance.referential"), pairs));
  byId("controls").replaceChildren(...groups);
  if (focused) document.querySelector(`input[name="${focused}"]:checked`)?.focus();
}

let known;
const show = shower(byId("charts"), async () => {
  const [days, period] = [choices.get("days"), choices.get("period")];
  const [about, all] = await Promise.all([known ?? summary(), averages("compliance", { days, period })]);
  known = about;
  if (!introduce(about)) return [];
  const chosen = all.find(({ referential }) => referential === choices.get("referential")) ?? all[0];
  if (!chosen) {
    byId("controls").replaceChildren(daysGroup(choices), periodGroup(choices));
    return [nothing()];
  }
  controls(all, chosen);
  const name = label(chosen.labels, chosen.referential);
  const caption = { period: daysText(days), wide: true };
  return [
    figure(categoryBars(chosen, { ...caption, id: "compliance-categories", title: t("compliance.categories", { name }) })),
    figure(complianceLines(chosen, period, { ...caption, id: "compliance-evolution", title: t("compliance.evolution", { name }) })),
  ];
});
show();
