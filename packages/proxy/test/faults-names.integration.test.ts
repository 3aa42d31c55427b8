/** Name resolution fails in every way: who has addresses goes on with them, who has none says so, and both recover. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { runInNamespace } from "./rig/namespace.ts";

setDefaultTimeout(120_000);
const available =
  process.getuid?.() === 0 &&
  spawnSync("unshare", ["-m", "mount", "--bind", "/etc/resolv.conf", "/etc/resolv.conf"]).status === 0;
if (!available) console.log("skipped: needs root and mount namespaces");

test.skipIf(!available)("failures, unknown names, silence, a new address", async () => {
  const { code, out, errors } = await runInNamespace("-m", "faults-names-child.ts");
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
  expect(JSON.parse(out)).toEqual({
    failure: [],
    unknown: [],
    silence: [],
    "never resolved": "503 no healthy upstream",
    moved: true,
    "resolved at last": true,
  });
});
