import { expect, test } from "bun:test";
import { KubeError, type ObjectRef } from "@heddle/kube-client";
import { presentManifests } from "./present.ts";

const manifest = (kind: string, name: string, namespace?: string) => ({
  apiVersion: "v1",
  kind,
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
});
const all = [manifest("Service", "istiod", "istio-system"), manifest("Gateway", "x"), manifest("Service", "dns")];

const kindOf = (ref: ObjectRef): string => ("kind" in ref ? ref.kind : "");

async function printed(find: (ref: ObjectRef) => string | undefined) {
  const said: string[] = [];
  const kube = {
    find: async (ref: ObjectRef) => {
      const reason = find(ref);
      if (reason === "NotThere") return undefined;
      if (reason !== undefined) throw new KubeError(0, reason, "no answer");
      return { apiVersion: "v1", kind: kindOf(ref), metadata: { name: ref.name } };
    },
  };
  const found = await presentManifests({ err: (text) => void said.push(text) }, async () => kube, all);
  return { names: found.map(({ metadata }) => metadata.name), said: said.join("") };
}

test("only what the cluster has is printed; a kind without definition has no objects", async () => {
  const find = (ref: ObjectRef) =>
    kindOf(ref) === "Gateway" ? "UnknownKind" : ref.name === "dns" ? "NotThere" : undefined;
  expect(await printed(find)).toEqual({ names: ["istiod"], said: "" });
});

test("nothing there, and a cluster that does not answer, are said", async () => {
  const nothing = await printed(() => "NotThere");
  expect(nothing.names).toEqual([]);
  expect(nothing.said).toContain("nothing to delete");
  const silent = await printed(() => "ConnectFailed");
  expect(silent.names).toEqual(["istiod", "x", "dns"]);
  expect(silent.said).toContain("--ignore-not-found");
});
