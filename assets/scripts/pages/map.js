// Clients on a map of the world that travels in the binary: no tile server learns who looks at what.

import "../lib/shell.js";
import { getJson, summary } from "../lib/data.js";
import { byId, h } from "../lib/dom.js";
import { figure } from "../lib/figure.js";
import { number } from "../lib/format.js";
import { introduce, nothing, shower } from "../lib/notices.js";
import { base, cut, literal } from "../lib/options.js";
import { plural, t } from "../lib/page.js";
import { objects } from "../lib/ranked.js";

const CLOSEST = 40;

/** Where to look at first: all places, with room around them, and never so close that borders are all there is. */
function looks(clients) {
  const [xs, ys] = [clients.map(({ longitude }) => longitude), clients.map(({ latitude }) => latitude)];
  const middle = (values) => (Math.min(...values) + Math.max(...values)) / 2;
  const width = Math.max(...xs) - Math.min(...xs);
  const height = Math.max(...ys) - Math.min(...ys);
  const zoom = Math.min(360 / Math.max(width, 1), 150 / Math.max(height, 1)) * 0.5;
  return { center: [middle(xs), middle(ys)], zoom: Math.max(1, Math.min(zoom, 14)) };
}

/** Points nearly at one place are moved apart on a circle around it, in pixels. */
function apart(clients) {
  const groups = new Map();
  const offsets = clients.map(() => [0, 0]);
  clients.forEach(({ latitude, longitude }, index) => {
    const key = `${latitude.toFixed(1)} ${longitude.toFixed(1)}`;
    groups.set(key, [...(groups.get(key) ?? []), index]);
  });
  for (const group of groups.values()) {
    const size = group.length > 1 ? 10 + 3 * group.length : 0;
    group.forEach((index, place) => {
      const angle = (2 * Math.PI * place) / group.length;
      offsets[index] = [Math.round(size * Math.cos(angle)), Math.round(size * Math.sin(angle))];
    });
  }
  return offsets;
}

/** Buttons and keys instead of the wheel, which belongs to the page. */
function steering(view, shown) {
  const first = { ...view, center: [...view.center] };
  const zoom = (factor) => (view.zoom = Math.max(1, Math.min(CLOSEST, view.zoom * factor)));
  const move = (x, y) => (view.center = [view.center[0] + (x * 40) / view.zoom, view.center[1] + (y * 25) / view.zoom]);
  const reset = () => Object.assign(view, { ...first, center: [...first.center] });
  const act = (action) => () => {
    action();
    shown.chart?.setOption({ geo: { center: view.center, zoom: view.zoom } });
  };
  const button = (text, name, action) =>
    h("button", { type: "button", class: "quiet", "aria-label": name, title: name, onclick: act(action) }, text);
  const keys = {
    ArrowLeft: () => move(-1, 0),
    ArrowRight: () => move(1, 0),
    ArrowUp: () => move(0, 1),
    ArrowDown: () => move(0, -1),
    "+": () => zoom(1.5),
    "-": () => zoom(1 / 1.5),
    0: reset,
  };
  const pressed = (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    act(keys[event.key])();
  };
  return h(
    "div",
    { class: "steering", role: "group", "aria-label": t("map.steer"), onkeydown: pressed },
    button("+", t("map.closer"), keys["+"]),
    button("−", t("map.further"), keys["-"]),
    button("←", t("map.west"), keys.ArrowLeft),
    button("↑", t("map.north"), keys.ArrowUp),
    button("↓", t("map.south"), keys.ArrowDown),
    button("→", t("map.east"), keys.ArrowRight),
    button("⟲", t("map.reset"), reset),
  );
}

/** @returns {import("../lib/figure.js").Spec} */
function mapSpec(clients, threats, vulnerabilities, world) {
  const nameOf = (all, uuid) => all.find(({ object }) => object === uuid)?.name ?? uuid;
  const rows = clients.map((one) => [
    one.latitude,
    one.longitude,
    nameOf(threats, one.max_threat[1]),
    one.max_threat[0],
    nameOf(vulnerabilities, one.max_vulnerability[1]),
    one.max_vulnerability[0],
  ]);
  const view = looks(clients);
  const offsets = apart(clients);
  const tip = ([, , threat, threatCount, vulnerability, vulnerabilityCount]) =>
    `${t("threat")}: ${literal(cut(threat, 48))} (${number(threatCount)})\n${t("vulnerability")}: ${literal(cut(vulnerability, 48))} (${number(vulnerabilityCount)})`;
  /** @type {{chart?: import("echarts/core").EChartsType}} */
  const shown = {};
  return {
    before: steering(view, shown),
    drawn: (chart) => (shown.chart = chart),
    world,
    finding: plural("map.finding", clients.length),
    id: "clients",
    csv: ["map"],
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
        map: "world",
        roam: false,
        ...view,
        silent: true,
        clip: true,
        left: still ? 24 : 0,
        right: still ? 24 : 0,
        top: still ? 96 : 0,
        bottom: still ? 48 : 0,
        itemStyle: { areaColor: tokens["heat-0"], borderColor: tokens.soft, borderWidth: 0.6 },
      },
      series: [
        {
          type: "scatter",
          coordinateSystem: "geo",
          symbolSize: 18,
          data: rows.map((row, index) => ({ value: [row[1], row[0]], row, symbolOffset: offsets[index] })),
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
  return [figure(mapSpec(clients, threats, vulnerabilities, world))];
})();
