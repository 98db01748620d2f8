// The stylesheet's design tokens, for what is drawn.

const NAMES = [
  "ink",
  "soft",
  "line",
  "paper",
  "accent",
  "low",
  "medium",
  "high",
  "low-line",
  "medium-line",
  "high-line",
  "heat-0",
  "heat-1",
];

/**
 * Colours by name, those of lines, and the font.
 * @typedef {Record<string, string> & {lines: string[], font: string}} Tokens
 * @param {Element} element
 * @returns {Tokens}
 */
function read(element) {
  const style = getComputedStyle(element);
  const value = (name) => style.getPropertyValue(`--${name}`).trim();
  return Object.assign(Object.fromEntries(NAMES.map((name) => [name, value(name)])), {
    lines: Array.from({ length: 8 }, (_, index) => value(`line-${index + 1}`)),
    // In an SVG it stands between double quotes, and ECharts does not escape it.
    font: style.fontFamily.replaceAll('"', "'"),
  });
}

/** Those of the theme that is shown. */
export const tokens = () => read(document.documentElement);

/** Those of paper, whatever is shown. */
export function paperTokens() {
  const element = document.createElement("div");
  element.className = "on-paper";
  document.body.append(element);
  const found = read(element);
  element.remove();
  return found;
}
