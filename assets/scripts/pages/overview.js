import "../lib/shell.js";
import { byId } from "../lib/dom.js";
import { shower } from "../lib/notices.js";
import { overview } from "../lib/overview.js";

shower(byId("charts"), overview)();
