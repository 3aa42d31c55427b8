import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { virtualService } from "../istio/virtual-service.ts";
import { meshConfig } from "../mesh/mesh-config.ts";
import { fieldRows, istioReference } from "./field-table.ts";

test("docs/istio.md says what the definitions say", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../../docs/istio.md"), "utf8");
  expect(text === istioReference() ? "" : "run bin/bun packages/config/generate-docs.ts").toBe("");
});

test("rows reach into lists, name defaults, and say what has no effect", () => {
  const rows = fieldRows(virtualService.spec);
  expect(rows.find((row) => row.path === "http[].route[].weight")).toMatchObject({
    type: "uint32",
    presence: "0",
    note: "",
  });
  expect(rows.find((row) => row.path === "http[].route[].destination.host")?.presence).toBe("required");
  expect(fieldRows(meshConfig).find((row) => row.path === "zoneAwareLbSetting")?.note).toContain(
    "has no effect: shares by zone are not computed",
  );
});
