import { expect, test } from "bun:test";
import { typeUrls } from "@heddle/xds-api";
import { createServerStream, createSnapshotCache, type OutgoingResponse } from "./index.ts";

const body = new Uint8Array([0x0a, 1, 97]);

test("clients of a group follow its resources; other groups hear nothing", () => {
  const cache = createSnapshotCache();
  const sent: OutgoingResponse[] = [];
  const stream = createServerStream({ dialect: "delta", send: (response) => sent.push(response) });
  stream.receive({ typeUrl: typeUrls.listener, nonce: "", rejection: undefined, names: { kind: "all", names: [] } });
  const stop = cache.follow("edge", (snapshot) => stream.update(snapshot));
  expect(sent.map((response) => response.resources.length)).toEqual([0]);
  cache.set("other", typeUrls.listener, { name: "x", version: "1", body });
  expect(sent).toHaveLength(1);
  stream.receive({
    typeUrl: typeUrls.listener,
    nonce: "1",
    rejection: undefined,
    names: { kind: "change", subscribe: [], unsubscribe: [], known: {} },
  });
  cache.batch(() => {
    cache.set("edge", typeUrls.listener, { name: "a", version: "1", body });
    cache.set("edge", typeUrls.listener, { name: "b", version: "1", body });
  });
  expect(sent.at(-1)?.resources.map((resource) => resource.name)).toEqual(["a", "b"]);
  expect(stream.status()[0]?.ackedNonce).toBe("1");
  expect(cache.remove("edge", typeUrls.listener, "nobody")).toBe(false);
  stop();
  cache.remove("edge", typeUrls.listener, "a");
  expect(sent).toHaveLength(2);
});

test("replace drops what is not named", () => {
  const cache = createSnapshotCache();
  cache.set("g", typeUrls.cluster, { name: "a", version: "1", body });
  cache.replace("g", typeUrls.cluster, [{ name: "b", version: "1", body }]);
  expect([...(cache.snapshot("g").set(typeUrls.cluster)?.names() ?? [])]).toEqual(["b"]);
});
