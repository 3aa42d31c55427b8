/** A bad line between the two sides: answers are late, or errors in time, but never somebody else's and never half a one as a whole. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { runInNamespace } from "./rig/namespace.ts";

setDefaultTimeout(120_000);
const available =
  process.getuid?.() === 0 && existsSync("/dev/net/tun") && spawnSync("unshare", ["-n", "true"]).status === 0;
if (!available) console.log("skipped: needs root, network namespaces and /dev/net/tun");

test.skipIf(!available)("loss, delay, resets, silence, half-open peers", async () => {
  const { code, out, errors } = await runInNamespace("-n", "faults-network-child.ts");
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
  const seen = JSON.parse(out);
  // TCP repairs what is merely slow or lost.
  for (const name of ["a good line", "delay"])
    expect({ name, ...seen[name] }).toMatchObject({
      name,
      refused: 0,
      broken: 0,
      wrong: [],
      right: expect.any(Number),
    });
  expect(seen["delay"].slowestMs).toBeGreaterThanOrEqual(50);
  for (const name of ["a good line", "delay", "loss", "resets", "silence", "half-open"]) {
    expect({ name, wrong: seen[name].wrong }).toEqual({ name, wrong: [] });
    expect(seen[name].right).toBeGreaterThan(0);
  }
  for (const name of ["resets", "silence", "half-open"]) expect(seen[name].recovered).toBe(true);
  // The line was cut for longer than a route may wait: callers were told so.
  expect(seen["silence"].refused + seen["silence"].broken).toBeGreaterThan(0);
  expect(seen["left"]).toBe("nothing");
});
