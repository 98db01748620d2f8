// A chart in an element, drawn anew when the theme, the width or the medium changes.

import "../lib/all.js";
import { init } from "../lib/echarts.js";
import { paperTokens, tokens } from "../lib/tokens.js";

const drawn = new Set();
/** From before the page is laid out for paper until after: its columns have other widths than what is drawn for them. */
let isPaper = false;

/**
 * Draws a chart's specification into an element that is on the page or about to be.
 * @param {HTMLElement} element
 * @param {import("../lib/figure.js").DrawnSpec} spec
 */
export async function draw(element, spec) {
  if (spec.world) (await import("../lib/geo.js")).know(spec.world);
  let chart;
  let width = 0;
  const one = {
    paint() {
      // One that was not drawn yet is about to come; one that was has left.
      if (!element.isConnected) return chart && one.end();
      width = isPaper ? paperWidth(element) : element.clientWidth;
      const height = Math.round(spec.height(width) * (isPaper ? 0.65 : 1));
      element.style.height = `${height}px`;
      chart ??= init(element, null, { renderer: "canvas", width, height });
      chart.resize({ width, height });
      chart.setOption(spec.option(isPaper ? paperTokens() : tokens(), { width, height }), { notMerge: true });
      spec.drawn?.(chart);
      element.removeAttribute("aria-busy");
    },
    end() {
      observer.disconnect();
      chart?.dispose();
      drawn.delete(one);
    },
  };
  // In the next frame: painting in the observer's own would change what it observes.
  const observer = new ResizeObserver(() =>
    requestAnimationFrame(() => {
      if (!element.isConnected || (!isPaper && element.clientWidth && element.clientWidth !== width)) one.paint();
    }),
  );
  observer.observe(element);
  drawn.add(one);
  return one;
}

/** Browsers tell of printing before they lay the page out for paper: two columns of A4, or one. */
const paperWidth = (element) => (element.closest(".wide") ? 660 : 310);

const all = () => drawn.forEach((one) => one.paint());
const onPaper = (is) => {
  isPaper = is;
  all();
};
new MutationObserver(all).observe(document.documentElement, { attributeFilter: ["data-theme"] });
addEventListener("beforeprint", () => onPaper(true));
addEventListener("afterprint", () => onPaper(false));
