// What rose and fell, what is new and what is gone.

import "../lib/shell.js";
import { controls, group } from "../lib/controls.js";
import { summary } from "../lib/data.js";
import { byId, h } from "../lib/dom.js";
import { figure } from "../lib/figure.js";
import { cameAndWent, HORIZONS, horizonName, MOVED, moversOf, trends } from "../lib/movers.js";
import { introduce, shower, still } from "../lib/notices.js";
import { t } from "../lib/page.js";
import { state } from "../lib/state.js";

const choices = state({ period: HORIZONS, n: ["10", "all"] }, () => show());

function part(found, type) {
  const [count, spec, { id, title, period }] = moversOf(found, type, choices.get("n"), choices.get("period"));
  if (count) return figure(spec);
  return h("section", { class: "chart", id }, h("h2", {}, title), h("p", { class: "unit" }, period), h("p", {}, t("trends.none")));
}

let known;
const show = shower(byId("charts"), async () => {
  controls(
    group(
      choices,
      "period",
      t("horizon"),
      ["month", "quarter", "year"].map((horizon) => [horizon, horizonName(horizon)]),
    ),
    group(choices, "n", t("number"), [
      ["10", "10"],
      ["all", t("number.all")],
    ]),
  );
  const [about, found] = await Promise.all([known ?? summary(), trends(choices.get("period"))]);
  known = about;
  if (!introduce(about)) return [];
  if (!found.newest) return [still(t("trends.not_yet"))];
  return [...MOVED.map((type) => part(found, type)), cameAndWent(found), h("p", { class: "unit wide" }, t("trends.claim"))];
});
show();
