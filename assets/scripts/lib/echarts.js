// The parts of ECharts that draw on the page, and nothing else of it. Each is named by its file: what several scripts
// take from a list of all parts would come with the first of them.

import { init, registerMap, use } from "echarts/core";
import { install as LineChart } from "echarts/lib/chart/line/install.js";
import { install as GridComponent } from "echarts/lib/component/grid/install.js";
import { install as TooltipComponent } from "echarts/lib/component/tooltip/install.js";
import { installLabelLayout as LabelLayout } from "echarts/lib/label/installLabelLayout.js";
import { install as CanvasRenderer } from "echarts/lib/renderer/installCanvasRenderer.js";

use([CanvasRenderer, GridComponent, LabelLayout, LineChart, TooltipComponent]);

export { init, registerMap, use };
