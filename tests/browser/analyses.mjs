// A service with invented analyses whose names are as long as names can be.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ago, serve, store, trends } from "./service.mjs";

const WORD = "Unbreakable".repeat(19).slice(0, 200);
const uuid = (n) => `${String(n).padStart(8, "0")}-4576-11e9-9173-0800277f0571`;

/** What an analysis sends on a day, with this many high risks and names like these. */
function stats(anr, date, high, name) {
  const rated = (label2, rate) => ({
    uuid: uuid(label2.length + rate.charCodeAt(0)),
    label2,
    count: 2,
    maxRisk: 10 + high,
    averageRate: rate,
  });
  const objects = Array.from({ length: 12 }, (_, n) => ({ ...rated(`${name(n)}`, String((n + high) % 5)), uuid: uuid(n + 1) }));
  const levels = [
    { level: "Low risks", value: 10 },
    { level: "Medium risks", value: 5 },
    { level: "High risks", value: high },
  ];
  const side = { informational: levels, operational: levels };
  const categories = (value) => Array.from({ length: 8 }, (_, n) => ({ label2: `${name(n)}`, controls: [], value: String(value) }));
  const referential = (n) => ({ referential: uuid(n), label2: name(n), current: categories(0.2), target: categories(0.9) });
  return [
    { anr, date, type: "threat", data: objects },
    { anr, date, type: "vulnerability", data: objects },
    { anr, date, type: "risk", data: { risks: { current: side, residual: side } } },
    { anr, date, type: "compliance", data: [1, 2, 3].map(referential) },
  ];
}

/** A service with so many analyses of these days ago, started when they are stored: what moved is computed at its start. */
export async function filled(analyses, days = [0, 10, 100, 364]) {
  const directory = await mkdtemp(join(tmpdir(), "monarc-stats-report-"));
  const variables = { STATS_DATABASE: join(directory, "stats.db") };
  const anr = (n) => `5f0c5d8e-6f0e-4b4e-9d0a-${String(n).padStart(12, "0")}`;
  const first = await serve(variables);
  for (let n = 0; n < analyses; n++)
    await store(
      first,
      days.flatMap((past) => stats(anr(n), ago(past), past ? 3 : 9, (of) => `${of}${WORD}`)),
    );
  await first.stop();
  const { address, stop } = await serve(variables);
  // It begins with what the first had computed, while not all were there.
  const counted = async () => (await trends({ address }, "year")).high?.residual?.analyses;
  while (days.length > 1 && (await counted()) !== analyses) await new Promise((done) => setTimeout(done, 50));
  const end = async () => {
    await stop();
    await rm(directory, { recursive: true });
  };
  return { address, stop: end };
}
