import { expect, test } from "bun:test";
import { refusedKinds } from "../istio/refused-kinds.ts";
import { isObject, type JsonObject } from "../json.ts";
import { definitions } from "../resources.ts";
import { crds } from "./crds.ts";

test("every kind that the mesh reads has a CRD with exactly one stored version", () => {
  const all = crds();
  expect(all.length).toBe(definitions.length + refusedKinds.length);
  for (const crd of all) {
    const spec = crd["spec"];
    const versions =
      isObject(spec) && Array.isArray((spec as JsonObject)["versions"])
        ? ((spec as JsonObject)["versions"] as JsonObject[])
        : [];
    expect(versions.filter((v) => v["storage"] === true).length).toBe(1);
    expect(JSON.stringify(versions[0])).toContain('"openAPIV3Schema":{"type":"object"');
  }
});
