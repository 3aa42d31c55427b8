import { expect, test } from "bun:test";
import type { JsonObject } from "@bufbuild/protobuf";
import type { EndpointConfig } from "../config/endpoints.ts";
import { subsetKeyOf } from "../config/subset-key.ts";
import type { SubsetConfig } from "../config/subsets.ts";
import { createHost, type Host } from "./host.ts";
import { createSubsetChooser } from "./subset-chooser.ts";

function host(port: number, labels: JsonObject): Host {
  const endpoint: EndpointConfig = {
    address: { kind: "tcp", address: { ip: "10.0.0.1", port }, numeric: true },
    others: [],
    hostname: "",
    healthy: true,
    degraded: false,
    draining: false,
    checkPort: undefined,
    checkHostname: "",
    checkDisabled: false,
    weight: 1,
    transportLabels: undefined,
    lbLabels: labels,
    workload: undefined,
    metadata: undefined,
  };
  return createHost({ ip: "10.0.0.1", port }, 0, endpoint);
}

const hosts = [
  host(1, { version: "v1", stage: "prod" }),
  host(2, { version: "v2", stage: "prod" }),
  host(3, { version: ["v3", "v4"], stage: "dev" }),
];

const base: SubsetConfig = {
  fallback: "none",
  defaultSubset: { stage: "dev" },
  selectors: [
    { keys: ["version"], fallback: undefined, fewerKeys: [] },
    { keys: ["stage", "version"], fallback: "any", fewerKeys: [] },
  ],
  listAsAny: true,
  panicAny: false,
};

const fewer: SubsetConfig = {
  ...base,
  selectors: [
    { keys: ["version"], fallback: undefined, fewerKeys: [] },
    { keys: ["stage", "version"], fallback: "fewer-keys", fewerKeys: ["version"] },
  ],
};

test.each([
  ["fewer keys", fewer, { version: "v2", stage: "none" }, [2]],
  ["fewer keys without hosts", fewer, { version: "v9", stage: "none" }, []],
  ["one label", base, { version: "v2" }, [2]],
  ["two labels in any order", base, { version: "v1", stage: "prod" }, [1]],
  ["an item of a list", base, { version: "v4" }, [3]],
  ["no such value", base, { version: "v9" }, []],
  ["a selector's own fallback", base, { version: "v9", stage: "prod" }, [1, 2, 3]],
  ["labels without a selector", base, { other: "x" }, []],
  ["no labels", base, undefined, []],
  ["fallback to all", { ...base, fallback: "any" }, { version: "v9" }, [1, 2, 3]],
  ["fallback to the default subset", { ...base, fallback: "default" }, { version: "v9" }, [3]],
] as const)("%s", (_name, config, labels, ports) => {
  const seen: number[][] = [];
  const chooser = createSubsetChooser(
    config,
    hosts,
    (list) => ({
      pick: () => {
        seen.push(list.map((h) => h.address.port));
        return list[0];
      },
    }),
    { subsetsSelected: 0, subsetsFallback: 0 },
  );
  const picked = chooser.pick(subsetKeyOf(labels), undefined);
  expect(seen[0] ?? []).toEqual([...ports]);
  expect(picked?.address.port).toBe(ports[0]);
});
