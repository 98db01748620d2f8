// What the server says about the page: where the root is, the language, and its texts.

import { byId } from "./dom.js";

const { dataset, lang: code } = document.documentElement;
const texts = JSON.parse(byId("texts").textContent);
const plurals = new Intl.PluralRules(code);

export const lang = code;
export const page = /** @type {string} */ (dataset.page);

/** Whether figures are those of released weeks, which tell no counts. */
export const isReleased = dataset.view === "released";

/** The address of a path below the service's root. */
export const at = (path) => new URL(dataset.root + path, location.href).href;

/** The address of a page; a language that was chosen goes along. */
export function linkTo(path) {
  const chosen = new URLSearchParams(location.search).get("lang");
  return at(path) + (chosen ? `?lang=${encodeURIComponent(chosen)}` : "");
}

/**
 * A text, with values in the places that it has for them.
 * @param {string} key
 * @param {Record<string, any>} [values]
 */
export function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** The text of a key for a number of things: `key.one`, `key.other`; its place for the number is `{number}`. */
export function plural(key, count, values = {}) {
  const form = `${key}.${plurals.select(count)}`;
  const number = new Intl.NumberFormat(code).format(count);
  return t(form in texts ? form : `${key}.other`, { number, ...values });
}

const attempts = new Map();

/** A part of the scripts that is fetched when it is needed. A failed import is kept by browsers: each try has its own address. */
export async function part(name) {
  const tried = attempts.get(name) ?? 0;
  try {
    return await import(at(`assets/${dataset[name]}`) + (tried ? `?again=${tried}` : ""));
  } catch (error) {
    attempts.set(name, tried + 1);
    throw error;
  }
}
