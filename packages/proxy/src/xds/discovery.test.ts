import { expect, test } from "bun:test";
import { createRegistry } from "@bufbuild/protobuf";
import { createManualClock, createNullLogger } from "@heddle/std";
import type { ResourceStore } from "../resources.ts";
import { createDiscovery } from "./discovery.ts";

test("a bug while references are followed does not end discovery", async () => {
  let asked = 0;
  const resources = {
    wanted: () => {
      if (asked++ === 0) throw new Error("a bug");
      return [];
    },
  } as unknown as ResourceStore;
  const discovery = await createDiscovery({
    bootstrap: { ads: undefined, clustersFrom: undefined, listenersFrom: undefined },
    node: { id: "n", cluster: "c", metadata: {} },
    version: "1",
    registry: createRegistry(),
    clusters: { get: () => undefined },
    resources,
    clock: createManualClock(),
    random: () => 0,
    log: createNullLogger(),
  });
  expect(() => discovery.load()).toThrow("a bug");
  expect(discovery.load()).toBeUndefined();
  expect(asked).toBeGreaterThan(1);
  discovery.close();
});
