import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";

const flags = process.getuid?.() === 0 ? ["-n"] : ["-Urn"];
const available = spawnSync("unshare", [...flags, "true"]).status === 0;
if (!available) console.log("skipped: this machine does not let this user make network namespaces");

test.skipIf(!available)("the kernel takes what we write and gives it back", () => {
  const child = spawnSync("unshare", [...flags, process.execPath, `${import.meta.dir}/kernel-child.ts`], {
    encoding: "utf8",
  });
  expect(child.stderr).toBe("");
  const seen = JSON.parse(child.stdout);
  expect(seen.addresses).toContain("10.7.7.7");
  expect(seen.merged).toEqual([
    "OUTPUT: immediate",
    "OUTPUT: counter immediate",
    "OURS: meta cmp immediate redir",
    "OURS: meta byteorder cmp cmp immediate",
  ]);
  expect(seen.replaced).toBe(3);
  expect(seen.missingChain).toStartWith('rule "jump NOWHERE" of chain A, table nat: ENOENT');
  expect(seen.afterFailure).toBe(3);
  expect(seen.missingLink).toStartWith("link nope0: ENODEV");
});
