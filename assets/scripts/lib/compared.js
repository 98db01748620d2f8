// What is so now beside what was so earlier.

import { getJson } from "./data.js";
import { date, signed } from "./format.js";
import { plural, t } from "./page.js";

const TYPES = { risks: "risk", threats: "threat", vulnerabilities: "vulnerability", cartography: "cartography", compliance: "compliance" };

/** The averages of some days, or now, with those of the windows before: {averages, previous, year, …}, null where there is nothing. */
export async function compared(kind, days) {
  const type = TYPES[kind];
  const { now, earlier, analyses, objects } = await getJson(
    `stats/compared.json?${new URLSearchParams(days === "now" ? { type } : { type, days })}`,
  );
  const [previous, year] = ["3_months", "12_months"].map((ago, index) =>
    earlier.find((window) => window.ago === ago || (index === 0 && window.ago === "period")),
  );
  return {
    averages: now?.averages ?? null,
    from: now?.from,
    to: now?.to,
    analyses,
    objects: new Map(Object.entries(objects ?? {})),
    previous: previous?.averages ?? null,
    year: year?.averages ?? null,
    isNow: days === "now",
  };
}

/** The days of a window in words. */
export function spanOf({ from, to }) {
  if (!from) return null;
  return from === to ? date(to) : `${date(from)} – ${date(to)}`;
}

/** A difference in words, or null where there is nothing to compare with; `since` is a choice of the address. */
export function change(now, then, since, isNow = true) {
  if (now == null || then == null) return null;
  const earlier = isNow ? t("since.3_months") : t("since.period");
  const values = { by: signed(now - then), period: since === "year" ? t("since.12_months") : earlier };
  return values.by === signed(0) ? t("since.unchanged", values) : t("since.changed", values);
}

/** "7 analyses" */
export const analysesText = (count) => plural("analyses", count);
