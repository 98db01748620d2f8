// Numbers and dates as the reader's language writes them.

import { lang, plural, t } from "./page.js";

const numbers = new Map();

function format(digits, style) {
  const key = `${digits}${style}`;
  if (!numbers.has(key)) {
    numbers.set(key, new Intl.NumberFormat(lang, { style, maximumFractionDigits: digits }));
  }
  return numbers.get(key);
}

/** Means have two digits behind the point when they are small, fewer when they are not. */
export function number(value) {
  if (value == null) return "–";
  return format(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2, "decimal").format(value);
}

/** The same with its sign, for differences. */
export function signed(value) {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const rounded = Number(value.toFixed(digits));
  return new Intl.NumberFormat(lang, { maximumFractionDigits: digits, signDisplay: "exceptZero" })
    .format(rounded === 0 ? 0 : rounded)
    .replace("-", "−");
}

/** @param {Intl.NumberFormatOptions["signDisplay"]} signDisplay */
const inPoints = (signDisplay) => (value) => {
  const rounded = Number((100 * value).toFixed(1)) || 0;
  const text = new Intl.NumberFormat(lang, { maximumFractionDigits: 1, signDisplay }).format(rounded).replace("-", "−");
  return plural("points", Math.abs(rounded), { number: text });
};

/** A distance between two parts of a hundred is no part of anything itself; with its sign where it is a change. */
export const points = (value) => (value == null ? "–" : inPoints("auto")(value));
export const signedPoints = inPoints("exceptZero");

export const whole = (value) => format(0, "decimal").format(value);
export const percent = (value) => (value == null ? "–" : format(1, "percent").format(value));

// Dates of stats are calendar dates: read as UTC and shown as UTC, they never move.
const utc = (iso) => new Date(`${iso}T00:00:00Z`);
/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const shapes = {
  day: { day: "numeric", month: "short", year: "numeric" },
  month: { month: "short", year: "numeric" },
  year: { year: "numeric" },
};

const inShape = (iso, shape) => new Intl.DateTimeFormat(lang, { ...shapes[shape], timeZone: "UTC" }).format(utc(iso));

/** The name of the period that begins on a date. */
export function date(iso, period = "day") {
  if (period === "week") return t("period.week_of", { date: inShape(iso, "day") });
  if (period === "quarter") return `${t("period.q")}${Math.floor(utc(iso).getUTCMonth() / 3) + 1} ${iso.slice(0, 4)}`;
  return inShape(iso, period);
}

/** The same where room is scarce; days of more than a year say which. */
export function shortDate(iso, period, isLong = false) {
  if (period !== "day" && period !== "week") return date(iso, period);
  const year = isLong ? "2-digit" : undefined;
  return new Intl.DateTimeFormat(lang, { day: "numeric", month: "short", year, timeZone: "UTC" }).format(utc(iso));
}

export const daysBetween = (from, to) => Math.round((utc(to).getTime() - utc(from).getTime()) / 86_400_000);

function next(iso, period) {
  const moment = utc(iso);
  if (period === "day") moment.setUTCDate(moment.getUTCDate() + 1);
  else if (period === "week") moment.setUTCDate(moment.getUTCDate() + 7);
  else moment.setUTCMonth(moment.getUTCMonth() + { month: 1, quarter: 3, year: 12 }[period]);
  return moment.toISOString().slice(0, 10);
}

/** Every period from the first to the last of these dates, those without stats too: a gap has to be seen. */
export function everyPeriod(dates, period) {
  const sorted = [...new Set(dates)].sort();
  /** @type {string[]} */
  const all = [];
  for (let one = sorted[0]; one && one <= sorted.at(-1) && all.length < 5000; one = next(one, period)) all.push(one);
  return all;
}
