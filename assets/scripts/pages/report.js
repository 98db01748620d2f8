import "../lib/shell.js";
import { byId } from "../lib/dom.js";
import { shower } from "../lib/notices.js";
import { fromPaper, report, toPaper } from "../lib/report.js";

byId("print").addEventListener("click", () => print());
addEventListener("beforeprint", toPaper);
addEventListener("afterprint", fromPaper);
shower(byId("charts"), report)();
