import "../lib/shell.js";
import { byId } from "../lib/dom.js";
import { shower } from "../lib/notices.js";
import { overview } from "../lib/overview.js";

byId("print").addEventListener("click", () => print());
shower(byId("charts"), overview)();
