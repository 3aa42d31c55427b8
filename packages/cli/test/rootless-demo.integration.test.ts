/** The demo where only one user id exists, as an ordinary user has it: the proxies are then known by a socket mark. */
import { afterAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { heddle } from "./heddle-process.ts";

const SINGLE_ID = ["unshare", "--user", "--map-root-user"];
const possible = spawnSync("unshare", [...SINGLE_ID.slice(1), "--net", "true"]).status === 0;
if (!possible) console.log("skipped: this machine does not let this user make user namespaces");

const state = mkdtempSync(join(tmpdir(), "hl-"));
afterAll(() => rmSync(state, { recursive: true, force: true }));

test.skipIf(!possible)(
  "without user ids: pods meshed, edges secured, Ctrl-C removes everything",
  async () => {
    const under = process.getuid?.() === 0 ? SINGLE_ID : [];
    const demo = heddle(["demo", "--name", "test-rootless"], { HEDDLE_STATE: state }, under);
    try {
      await demo.printed(/All pods ready after/, 120_000);
      // SRC DST … SECURED of the line, once there was traffic.
      await demo.printed(/\bweb +voting +emojivoto +emojivoto +√/, 40_000);
      expect(demo.output()).toMatch(/\bvoting +1\/1 /);
      demo.kill("SIGINT");
      expect(await demo.exited).toBe(0);
      expect(readdirSync(join(state, "clusters"))).toEqual([]);
    } finally {
      demo.kill("SIGKILL");
      await demo.exited;
    }
  },
  180_000,
);
