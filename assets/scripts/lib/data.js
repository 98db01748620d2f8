// Fetching the public JSON.

import { at } from "./page.js";

/** An answer that is no answer, with what it was. */
export class Unavailable extends Error {}

/** The JSON at a path; anything else is `Unavailable`. */
export async function getJson(path) {
  const response = await fetch(at(path)).catch((error) => {
    throw new Unavailable(error.message);
  });
  if (response.status === 400) {
    const { errors, message } = await response.json();
    throw new Unavailable(errors ? Object.values(errors).join() : message);
  }
  if (!response.ok) throw new Unavailable(`${response.status} ${response.statusText}`);
  return response.json().catch(() => {
    throw new Unavailable("JSON");
  });
}

/**
 * What the store holds, in numbers; null and 0 while it holds nothing.
 * @typedef {{
 *   analyses: number, clients: number, days: number, stats: number, today: string,
 *   oldest: string | null, newest: string | null, public_min_clients: number | null,
 * }} Summary
 * @returns {Promise<Summary>}
 */
export const summary = () => getJson("stats/summary.json");

/** The averages of one type, such as `risks`, over some days. */
export function averages(kind, parameters) {
  return getJson(`stats/${kind}.json?${new URLSearchParams(parameters)}`);
}
