import { expect, test } from "bun:test";
import { join } from "node:path";
import { root } from "./running-mesh.ts";

// The browser's library would hide mistakes elsewhere, so these files have a configuration of their own that the root's check does not see.
test("types hold with the browser's library", async () => {
  const project = join(root, "packages/dashboard/tsconfig.json");
  const check = Bun.spawn([join(root, "node_modules/.bin/tsc"), "-p", project, "--pretty", "false"], {
    stdout: "pipe",
    stderr: "inherit",
  });
  expect(await new Response(check.stdout).text()).toBe("");
  expect(await check.exited).toBe(0);
}, 120_000);
