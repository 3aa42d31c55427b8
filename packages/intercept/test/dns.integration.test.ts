import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";

const isRoot = process.getuid?.() === 0;
const available = isRoot && spawnSync("unshare", ["-n", "true"]).status === 0;
if (!available) console.log("skipped: needs root and network namespaces, as it asks as several users");

test.skipIf(!available)(
  "questions to the pod's DNS server reach the proxy's, but for its own, in iptables' form of the rules and in nft's",
  () => {
    const child = spawnSync("unshare", ["-n", process.execPath, `${import.meta.dir}/dns-child.ts`], {
      encoding: "utf8",
      timeout: 30_000,
    });
    expect(child.stderr).toBe("");
    const seen = JSON.parse(child.stdout) as Record<string, unknown>;
    const captured = {
      // The answer comes from where the question went.
      "application udp": "proxy as 10.99.0.53:53",
      "application tcp": "proxy",
      "proxy udp": "captured as 10.99.0.53:53",
      "application udp, another server": "other as 10.99.0.54:53",
    };
    expect(seen["native"]).toEqual(captured);
    if (seen["xtables"] === undefined) console.log("skipped: iptables' form, which this kernel does not have");
    else expect(seen["xtables"]).toEqual(captured);
  },
  40_000,
);
