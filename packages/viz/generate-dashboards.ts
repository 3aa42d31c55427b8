import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dashboards } from "./src/grafana/dashboards.ts";
import { grafanaJson } from "./src/grafana/panel.ts";

/** Writes `dashboards/grafana/*.json`. */
const folder = join(import.meta.dir, "../../dashboards/grafana");
await mkdir(folder, { recursive: true });
for (const dashboard of dashboards)
  await writeFile(join(folder, `${dashboard.uid}.json`), `${JSON.stringify(grafanaJson(dashboard), undefined, 2)}\n`);
const biome = join(import.meta.dir, "../../node_modules/.bin/biome");
const { exitCode, stderr } = Bun.spawnSync([biome, "format", "--write", folder]);
if (exitCode !== 0) throw new Error(stderr.toString());
