import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { dashboards } from "./dashboards.ts";
import { grafanaJson } from "./panel.ts";

const folder = join(import.meta.dir, "../../../../dashboards/grafana");

test.each(
  dashboards.map((d) => [d.uid, d] as const),
)("%s: the file is what the source says (npm run generate -- dashboards)", async (uid, dashboard) => {
  expect(JSON.parse(await readFile(join(folder, `${uid}.json`), "utf8"))).toEqual(grafanaJson(dashboard) as object);
  const used = JSON.stringify(dashboard.panels).match(/\$(?!__)\w+/g) ?? [];
  const known = dashboard.variables.map(({ name }) => `$${name}`);
  expect(used.filter((name) => !known.includes(name))).toEqual([]);
});
