// Clients on a map of the world that travels in the binary: no tile server learns who looks at what.

import "../lib/shell.js";
import { ScatterChart } from "echarts/charts";
import { GeoComponent } from "echarts/components";
import { registerMap, use } from "echarts/core";
import { getJson, summary } from "../lib/data.js";
import { byId } from "../lib/dom.js";
import { figure } from "../lib/figure.js";
import { number } from "../lib/format.js";
import { introduce, nothing, shower } from "../lib/notices.js";
import { base, cut } from "../lib/options.js";
import { t } from "../lib/page.js";
import { objects } from "../lib/ranked.js";

use([GeoComponent, ScatterChart]);

/** Where to look at first: all places, with room around them, and never so close that borders are all there is. */
function view(clients) {
  const [xs, ys] = [clients.map(({ longitude }) => longitude), clients.map(({ latitude }) => latitude)];
  const middle = (values) => (Math.min(...values) + Math.max(...values)) / 2;
  const width = Math.max(...xs) - Math.min(...xs);
  const height = Math.max(...ys) - Math.min(...ys);
  const zoom = Math.min(360 / Math.max(width, 1), 150 / Math.max(height, 1)) * 0.5;
  return { center: [middle(xs), middle(ys)], zoom: Math.max(1, Math.min(zoom, 14)) };
}

function mapSpec(clients, threats, vulnerabilities) {
  const nameOf = (all, uuid) => all.find(({ object }) => object === uuid)?.name ?? uuid;
  const rows = clients.map((one) => [
    one.latitude,
    one.longitude,
    nameOf(threats, one.max_threat[1]),
    one.max_threat[0],
    nameOf(vulnerabilities, one.max_vulnerability[1]),
    one.max_vulnerability[0],
  ]);
  const tip = ([, , threat, threatCount, vulnerability, vulnerabilityCount]) =>
    `${t("threat")}: ${cut(threat, 48)} (${number(threatCount)})\n${t("vulnerability")}: ${cut(vulnerability, 48)} (${number(vulnerabilityCount)})`;
  return {
    id: "clients",
    title: t("map.clients"),
    unit: t("map.unit"),
    period: t("map.newest"),
    wide: true,
    height: (width) => Math.max(300, Math.min(720, width * 0.55)),
    table: {
      columns: [
        { name: t("map.latitude"), kind: "number" },
        { name: t("map.longitude"), kind: "number" },
        { name: t("map.threat"), kind: "text" },
        { name: t("measure.occurrence"), kind: "number" },
        { name: t("map.vulnerability"), kind: "text" },
        { name: t("measure.occurrence"), kind: "number" },
      ],
      rows,
    },
    option: (tokens, { still }) => ({
      ...base(tokens, still),
      geo: {
        map: "world", roam: !still, ...view(clients), scaleLimit: { min: 1, max: 40 }, silent: true,
        clip: true, left: still ? 24 : 0, right: still ? 24 : 0, top: still ? 96 : 0, bottom: still ? 48 : 0,
        itemStyle: { areaColor: tokens["heat-0"], borderColor: tokens.soft, borderWidth: 0.6 },
      },
      series: [
        {
          type: "scatter", coordinateSystem: "geo", symbolSize: 18,
          data: rows.map((row) => ({ value: [row[1], row[0]], row })),
          itemStyle: { color: tokens.accent, borderColor: tokens.paper, borderWidth: 2, opacity: 0.9 },
          tooltip: { formatter: ({ data }) => tip(data.row) },
        },
      ],
    }),
  };
}

const place = byId("charts");
shower(place, async () => {
  const [about, clients, threats, vulnerabilities, world] = await Promise.all([
    summary(),
    getJson("map/clients.json"),
    objects("threats", "36500", "year"),
    objects("vulnerabilities", "36500", "year"),
    getJson(`assets/${place.dataset.world}`),
  ]);
  if (!introduce(about)) return [];
  if (!clients.length) return [nothing()];
  registerMap("world", world);
  return [figure(mapSpec(clients, threats, vulnerabilities))];
})();
