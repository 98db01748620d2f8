// What rose and fell, what is new and what is gone.

import "../lib/shell.js";
import { controls, dayForm, group } from "../lib/controls.js";
import { summary } from "../lib/data.js";
import { byId, h } from "../lib/dom.js";
import { figure } from "../lib/figure.js";
import { date } from "../lib/format.js";
import { cameAndWent, HORIZONS, horizonName, MOVED, movedSince, moversOf } from "../lib/movers.js";
import { introduce, shower, still } from "../lib/notices.js";
import { isReleased, t } from "../lib/page.js";
import { state } from "../lib/state.js";

const choices = state(
  {
    since: null,
    period: (chosen) => (chosen.get("since") ? ["since", ...HORIZONS] : HORIZONS),
    direction: ["all", "rose", "fell"],
    n: ["10", "all"],
  },
  () => show(),
);

/**
 * The arguments that ask for what is chosen.
 * @returns {Record<string, string>}
 */
function asked() {
  const [period, direction] = [choices.get("period"), choices.get("direction")];
  /** @type {Record<string, string>} */
  const since = period === "since" ? { since: choices.get("since") } : { period };
  return direction === "all" ? since : { ...since, direction };
}

function part(found, type, wanted) {
  const [count, spec, { id, title, period }] = moversOf(found, type, choices.get("n"), wanted);
  if (count) return figure(spec);
  return h(
    "section",
    { class: "chart", id },
    h("h2", {}, title),
    h("p", { class: "unit" }, period),
    h("p", {}, wanted.direction ? t("trends.none.direction") : t("trends.none")),
  );
}

/** Why nothing can be compared; nothing if it can. */
function obstacle(found, since, oldest) {
  if (!found.newest) return t("trends.not_yet");
  if (!isReleased) return found.since < oldest ? t("trends.too_early", { date: date(oldest) }) : null;
  return since && !found.since ? t("trends.unpublished", { date: date(since) }) : null;
}

/** With which week a day of one's own is compared in releases, and what that means. */
function comparedWith(found, since) {
  if (!isReleased || !since) return null;
  const week = t("trends.compared", { week: date(found.since), date: date(since) });
  return still(found.matched ? week : `${week} ${t("trends.unmatched")}`);
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
    dayForm(choices, "since", t("horizon.since"), "period"),
    group(choices, "direction", t("trends.direction"), [
      ["all", t("number.all")],
      ["rose", t("trends.rose")],
      ["fell", t("trends.fell")],
    ]),
    group(choices, "n", t("number"), [
      ["10", "10"],
      ["all", t("number.all")],
    ]),
  );
  const wanted = asked();
  const [about, found] = await Promise.all([known ?? summary(), movedSince(wanted)]);
  known = about;
  if (!introduce(about)) return [];
  const reason = obstacle(found, wanted.since, about.oldest);
  if (reason) return [still(reason)];
  const note = comparedWith(found, wanted.since);
  const claim = found.matched === false ? [] : [h("p", { class: "unit wide" }, t("trends.claim"))];
  return [...(note ? [note] : []), ...MOVED.map((type) => part(found, type, wanted)), cameAndWent(found), ...claim];
});
show();
