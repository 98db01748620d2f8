// What pages share. Every script names this list, so that the bundler puts it into one file: with a file for each set
// of pages that share something, a page would ask for a dozen.

import "./address.js";
import "./bubbles.js";
import "./compared.js";
import "./compliance.js";
import "./controls.js";
import "./csv.js";
import "./data.js";
import "./dom.js";
import "./figure.js";
import "./figures.js";
import "./format.js";
import "./heat.js";
import "./labels.js";
import "./legend.js";
import "./levels.js";
import "./movers.js";
import "./notices.js";
import "./operation.js";
import "./options.js";
import "./overview.js";
import "./page.js";
import "./ranked.js";
import "./ranking.js";
import "./spark.js";
import "./state.js";
import "./table.js";
import "./tokens.js";
