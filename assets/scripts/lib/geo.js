// What a map needs besides, fetched with the first map.

import { install as ScatterChart } from "echarts/lib/chart/scatter/install.js";
import { install as GeoComponent } from "echarts/lib/component/geo/install.js";
import { registerMap, use } from "./echarts.js";

use([GeoComponent, ScatterChart]);

/** Makes the world known to ECharts. */
export const know = (world) => registerMap("world", world);
