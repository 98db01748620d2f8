// What the server says about the page: where the root is, the language, and its texts.

const { dataset, lang: code } = document.documentElement;
const texts = JSON.parse(document.getElementById("texts").textContent);

export const lang = code;
export const page = dataset.page;

/** The address of a path below the service's root. */
export const at = (path) => new URL(dataset.root + path, location.href).href;

/** A text, with values in the places that it has for them. */
export function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}
