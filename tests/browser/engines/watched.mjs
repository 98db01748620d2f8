// A service seen through a proxy that notices what must not happen: whatever the engine, each page first runs a script that
// tells it of errors, broken promises, breaches of the policy and messages.

import { createServer, request } from "node:http";

const NOTICE = `
const tell = (kind, text) => navigator.sendBeacon("/noticed", kind + ": " + text);
addEventListener("error", ({ message, target }) => tell("error", message ?? target.outerHTML), true);
addEventListener("unhandledrejection", ({ reason }) => tell("rejection", reason));
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => tell("policy", violatedDirective + " " + blockedURI));
for (const name of ["error", "warn", "log", "info"]) console[name] = (...words) => tell(name, words.join(" "));
`;

async function whole(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

/** Passes one request on; pages come back with the script in their head. */
function pass(service, asked, answer, noticed) {
  const headers = { ...asked.headers, "accept-encoding": "identity" };
  const passed = request(service.address + asked.url, { method: asked.method, headers }, async (response) => {
    const { statusCode = 0 } = response;
    if (statusCode >= 400) noticed.push(`${statusCode}: ${asked.url}`);
    let body = await whole(response);
    if (response.headers["content-type"]?.startsWith("text/html"))
      body = Buffer.from(body.toString().replace("<head>", '<head><script src="/notice.js"></script>'));
    answer.writeHead(statusCode, { ...response.headers, "content-length": body.length }).end(body);
  });
  passed.once("error", (error) => answer.destroy(error));
  asked.pipe(passed);
}

/** The address of the proxy, what it noticed, and how to end it. */
export async function watched(service) {
  /** @type {string[]} */
  const noticed = [];
  const server = createServer(async (asked, answer) => {
    if (asked.url === "/notice.js") return answer.setHeader("content-type", "text/javascript").end(NOTICE);
    if (asked.url !== "/noticed") return pass(service, asked, answer, noticed);
    noticed.push(String(await whole(asked)));
    return answer.end();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", () => done(null)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { address: `http://127.0.0.1:${port}`, noticed, stop };
}
