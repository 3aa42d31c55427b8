import { expect, test } from "bun:test";
import { typeUrls } from "@heddle/xds-api";
import { createResourceSet, createServerStream, createSnapshot, type OutgoingResponse } from "../index.ts";

const { cluster: CDS, endpoint: EDS } = typeUrls;
const resource = (name: string, version: string) => ({ name, version, body: new Uint8Array([1]) });

/** A client as Envoy is: it answers changed clusters only when it has got their endpoints again. */
function start() {
  const sent: OutgoingResponse[] = [];
  const server = createServerStream({ dialect: "sotw", send: (response) => sent.push(response) });
  const ask = (typeUrl: string, names: readonly string[], nonce = "") =>
    server.receive({ typeUrl, nonce, rejection: undefined, names: { kind: "all", names } });
  const snapshot = (clusters: string, endpoints: string) =>
    createSnapshot({
      [CDS]: createResourceSet(clusters, [resource("a", clusters)]),
      [EDS]: createResourceSet(endpoints, [resource("a", endpoints)]),
    });
  const nonce = () => sent.at(-1)?.nonce ?? "";
  server.update(snapshot("1", "1"));
  ask(CDS, []);
  ask(CDS, [], nonce());
  ask(EDS, ["a"]);
  ask(EDS, ["a"], nonce());
  return { sent, server, ask, snapshot, nonce, eds: nonce() };
}

test("endpoints come again for a changed cluster that warms, before the clusters are acknowledged", () => {
  const { sent, server, ask, snapshot, eds } = start();
  const before = sent.length;
  server.update(snapshot("2", "1"));
  expect(sent.slice(before).map((r) => r.typeUrl)).toEqual([CDS]);
  ask(EDS, ["a"], eds);
  expect(sent.at(-1)).toMatchObject({ typeUrl: EDS, resources: [{ name: "a", version: "1" }] });
});

test("a repeated request without a change of clusters gets nothing, so that nobody talks for ever", () => {
  const { sent, ask, eds } = start();
  ask(EDS, ["a"], eds);
  const after = sent.length;
  ask(EDS, ["a"], sent.at(-1)?.nonce);
  ask(EDS, ["a"], sent.at(-1)?.nonce);
  expect(sent.length).toBe(after);
});
