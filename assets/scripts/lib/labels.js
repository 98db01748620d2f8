// Names of threats, vulnerabilities and the like in the reader's language, or else in one that there is.

import { lang, t } from "./page.js";

/** MONARC's order of languages. */
export const LANGUAGES = ["fr", "en", "de", "nl"];
const key = (code) => `label${LANGUAGES.indexOf(code) + 1}`;

/**
 * @param {Record<string, string>} labels `label1` to `label4`
 * @param {string} [uuid] names what has no label
 */
export function label(labels, uuid = "") {
  const found = [lang, "en", ...LANGUAGES].map((code) => labels[key(code)]).find((text) => text);
  return found ?? (uuid ? t("label.none", { uuid: uuid.slice(0, 8) }) : t("label.unnamed"));
}

export const inLanguage = (labels, code) => labels[key(code)] || null;
