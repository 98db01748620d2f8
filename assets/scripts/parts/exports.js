// Charts and tables as files. Pictures are drawn off screen at one size, on white, with all that explains them, so
// that they look the same from every screen and still say what they show a year later.

import { install as BarChart } from "echarts/lib/chart/bar/install.js";
import { install as HeatmapChart } from "echarts/lib/chart/heatmap/install.js";
import { install as ScatterChart } from "echarts/lib/chart/scatter/install.js";
import { install as AriaComponent } from "echarts/lib/component/aria/install.js";
import { install as GeoComponent } from "echarts/lib/component/geo/install.js";
import { install as LegendPlainComponent } from "echarts/lib/component/legend/installLegendPlain.js";
import { install as TitleComponent } from "echarts/lib/component/title/install.js";
import { install as SVGRenderer } from "echarts/lib/renderer/installSVGRenderer.js";
import "../lib/all.js";
import { data, spreadsheet } from "../lib/csv.js";
import { init, use } from "../lib/echarts.js";
import { subtitle } from "../lib/figure.js";
import { t } from "../lib/page.js";
import { paperTokens } from "../lib/tokens.js";

use([AriaComponent, BarChart, GeoComponent, HeatmapChart, LegendPlainComponent, ScatterChart, SVGRenderer, TitleComponent]);

const WIDTH = 1200;
const HEAD = 96;
const FOOT = 44;
/** Lines that a long legend takes. */
function legendHeight(legend) {
  const text = legend?.map(({ name }) => name).join("   ") ?? "";
  return text ? 26 * Math.ceil(text.length / 120 + legend.length / 30) : 0;
}

function option(spec, height) {
  const colours = paperTokens();
  const legend = legendHeight(spec.legend);
  const names = new Map(spec.legend?.map(({ key, name }) => [key, name]));
  const inner = spec.option(colours, { width: WIDTH, height, still: true });
  const grids = [inner.grid].flat().map((grid) => ({ ...grid, top: HEAD + legend + 24, bottom: FOOT + 40 }));
  const today = new Date().toISOString().slice(0, 10);
  const source = t("export.source", { address: location.origin + location.pathname, date: today });
  const text = (size, weight, color) => ({
    fontSize: size,
    lineHeight: Math.round(size * 1.4),
    fontWeight: weight,
    color,
    fontFamily: colours.font,
  });
  return {
    ...inner,
    animation: false,
    backgroundColor: "#ffffff",
    grid: grids,
    title: [
      {
        left: 24,
        top: 20,
        text: spec.title,
        subtext: [subtitle(spec), spec.pictureNote].filter(Boolean).join(" · "),
        itemGap: 4,
        textStyle: text(24, 600, colours.ink),
        subtextStyle: text(15, 400, colours.soft),
      },
      { left: 24, bottom: 14, text: source, textStyle: text(13, 400, colours.soft) },
    ],
    legend: legend
      ? {
          left: 24,
          right: 24,
          top: HEAD,
          itemWidth: 32,
          selectedMode: false,
          data: spec.legend.map(({ key }) => key),
          formatter: (key) => names.get(key),
          textStyle: text(14, 400, colours.ink),
        }
      : undefined,
  };
}

function heightOf(spec) {
  return Math.max(675, HEAD + FOOT + 80 + legendHeight(spec.legend) + (spec.stillHeight ?? 0));
}

function svg(spec) {
  const height = heightOf(spec);
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  chart.setOption(option(spec, height));
  // XML has no room for control characters, not even for escaped ones.
  const text = chart.renderToSVGString().replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd");
  chart.dispose();
  return new Blob([text], { type: "image/svg+xml" });
}

async function png(spec) {
  const height = heightOf(spec);
  const element = document.createElement("div");
  const chart = init(element, null, { renderer: "canvas", width: WIDTH, height, devicePixelRatio: 2 });
  chart.setOption(option(spec, height));
  const canvas = chart.renderToCanvas({ pixelRatio: 2, backgroundColor: "#ffffff" });
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  chart.dispose();
  return blob;
}

function csv(text) {
  return new Blob([text], { type: "text/csv;charset=utf-8" });
}

const FORMS = {
  svg: [svg, ".svg"],
  png: [png, ".png"],
  spreadsheet: [(spec) => csv(spreadsheet(spec.table)), ".csv"],
  data: [(spec) => csv(data(spec.table)), "-data.csv"],
};

/** Makes a chart's file and hands it to the browser. */
export async function save(spec, form) {
  const [make, ending] = FORMS[form];
  const address = URL.createObjectURL(await make(spec));
  const link = Object.assign(document.createElement("a"), { href: address, download: `monarc-${spec.id}${ending}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
