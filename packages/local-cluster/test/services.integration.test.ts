import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";

const flags = process.getuid?.() === 0 ? ["-n"] : ["-Urn"];
const available = spawnSync("unshare", [...flags, "true"]).status === 0;
if (!available) console.log("skipped: this machine does not let this user make network namespaces");

test.skipIf(!available)(
  "pods reach Services, themselves through a Service, and nothing where there is nothing",
  () => {
    const child = spawnSync("unshare", [...flags, process.execPath, `${import.meta.dir}/services-child.ts`], {
      encoding: "utf8",
    });
    expect(child.stderr).toBe("");
    const seen = JSON.parse(child.stdout);
    const [, , c] = seen.addresses;
    const node = "10.47.255.1";
    const rest = ["ECONNREFUSED at once"];
    const [both, self, sticky, empty, unknown, outside, nodePort, name, missing, foreign] = seen["from a pod"];
    expect(both).toEqual([`a ${c}`, `b ${c}`]);
    // The connection comes back to its sender, so it leaves with the node's address.
    expect(self).toEqual([`c ${node}`]);
    expect(sticky).toHaveLength(1);
    expect([empty, unknown, outside]).toEqual([rest, rest, rest]);
    expect(nodePort).toEqual([`a ${c}`, `b ${c}`]);
    expect(name).toEqual(["10.147.1.1"]);
    expect([missing, foreign]).toEqual(["ENOTFOUND", "ESERVFAIL"]);
    expect(seen["from the node"].slice(0, 2)).toEqual([[`a ${node}`, `b ${node}`], [`c ${node}`]]);
    expect(seen["from the node"].slice(3, 6)).toEqual([rest, rest, rest]);
    expect(seen["after a change"]).toEqual([[`b ${c}`]]);
    expect(seen.nodePorts).toEqual([{ port: 30777, service: "default/both" }]);
  },
  60_000,
);
