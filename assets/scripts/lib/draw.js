// A chart in an element, drawn anew when the theme, the width or the medium changes.

import { init } from "./echarts.js";
import { paperTokens, tokens } from "./tokens.js";

const drawn = new Set();

/** Draws a chart's specification into an element that is on the page or about to be. */
export function draw(element, spec) {
  let chart;
  let width = 0;
  const one = {
    paint(colours = tokens()) {
      if (!element.isConnected) return one.end();
      width = element.clientWidth;
      const height = spec.height(width);
      element.style.height = `${height}px`;
      chart ??= init(element, null, { renderer: "canvas", width, height });
      chart.resize({ width, height });
      chart.setOption(spec.option(colours, { width, height }), { notMerge: true });
    },
    end() {
      observer.disconnect();
      chart?.dispose();
      drawn.delete(one);
    },
  };
  const observer = new ResizeObserver(() => {
    if (!element.isConnected || (element.clientWidth && element.clientWidth !== width)) one.paint();
  });
  observer.observe(element);
  drawn.add(one);
  return one;
}

const all = (colours) => drawn.forEach((one) => one.paint(colours));
new MutationObserver(() => all()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
addEventListener("beforeprint", () => all(paperTokens()));
addEventListener("afterprint", () => all());
