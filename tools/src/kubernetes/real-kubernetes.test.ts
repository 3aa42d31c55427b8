import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findRealKubernetes } from "./real-kubernetes.ts";

test("the scripts are where HEDDLE_KUBE_DIR says or beside the checkout, else the reason names the places", async () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-kube-"));
  try {
    const checkout = join(folder, "clone");
    mkdirSync(checkout);
    const absent = await findRealKubernetes(checkout, {});
    expect("missing" in absent && absent.missing).toContain(`${folder}/shared/kube not there; HEDDLE_KUBE_DIR`);
    for (const place of ["shared/kube", "elsewhere"]) {
      mkdirSync(join(folder, place), { recursive: true });
      writeFileSync(join(folder, place, "prepare.sh"), "");
    }
    const named = await findRealKubernetes(checkout, { HEDDLE_KUBE_DIR: "../elsewhere" });
    const beside = await findRealKubernetes(checkout, {});
    if (process.getuid?.() === 0) {
      expect(named).toEqual({ folder: join(folder, "elsewhere") });
      expect(beside).toEqual({ folder: join(folder, "shared/kube") });
    } else expect("missing" in beside && beside.missing).toContain("needs root");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
