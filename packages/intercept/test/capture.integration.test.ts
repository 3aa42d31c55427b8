import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";

const isRoot = process.getuid?.() === 0;
const available = isRoot && spawnSync("unshare", ["-n", "true"]).status === 0;
if (!available) console.log("skipped: needs root and network namespaces, as it runs programs under several user ids");

test.skipIf(!available)(
  "traffic of a pod goes where Istio's rules say",
  () => {
    const child = spawnSync("unshare", ["-n", process.execPath, `${import.meta.dir}/pod-child.ts`], {
      encoding: "utf8",
    });
    expect(child.stderr).toBe("");
    const seen = JSON.parse(child.stdout);
    expect(seen).toMatchObject({
      "exit codes": [0, 0],
      "application out": "out 10.99.0.1:80",
      "proxy out": "node -",
      "excluded port": "node -",
      "excluded range": "node -",
      loopback: "app 127.0.0.1:8080",
      "own address": "app 10.99.0.2:8080",
      "proxy to itself": "in 10.99.0.2:8080",
      "pass-through": "app 10.99.0.2:8080",
      incoming: "in 10.99.0.2:8080",
      "excluded incoming port": "app 10.99.0.2:15090",
      "mark exit code": 0,
      "mark: application out": "out 10.99.0.1:80",
      "mark: proxy out": "node -",
    });
    if (seen.ipv6 === undefined) console.log("skipped: IPv6, which this kernel does not have");
    else {
      const [node, pod] = ["fd000099000000000000000000000001", "fd000099000000000000000000000002"];
      expect(seen.ipv6).toEqual({
        "exit code": 0,
        "application out": `out ${node}:80`,
        "proxy out": "node -",
        "excluded port": "node -",
        "own address": `app ${pod}:8080`,
        incoming: `in ${pod}:8080`,
        "excluded incoming port": `app ${pod}:15090`,
      });
    }
    expect(seen["without capability"][0]).toBe(1);
    expect(seen["without capability"][1]).toContain("lacks the capability NET_ADMIN");
  },
  60_000,
);
