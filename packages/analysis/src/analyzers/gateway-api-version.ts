import { readMeta, refOf } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";

const annotation = "gateway.networking.k8s.io/bundle-version";
/** Oldest bundle whose v1 kinds are complete; the newest that was tested. Source: Gateway API's release notes. */
const oldest = [1, 0] as const;
const complete = [1, 1] as const;
const newest = [1, 6] as const;

/** The CRDs of Gateway API are of a release that the mesh knows. */
export const gatewayApiVersion: Analyzer = {
  name: "k8sgateway.Version",
  about: "CRDs of Gateway API are of a release that the mesh was tested with",
  codes: ["IST0156", "IST0172", "IST0176"],
  analyze: (input) =>
    input.ofKind("apiextensions.k8s.io", "CustomResourceDefinition").flatMap((object) => {
      if (!object.metadata.name.endsWith(".gateway.networking.k8s.io")) return [];
      const version = readMeta(object.metadata).annotations[annotation] ?? "";
      const match = /^v(\d+)\.(\d+)/.exec(version);
      if (match === null) return [];
      const found = [Number(match[1]), Number(match[2])] as const;
      const ref = refOf(object);
      if (before(found, oldest))
        return [
          finding(
            "IST0156",
            ref,
            "",
            `The Gateway API CRD version ${version} is lower than the minimum version: v${oldest.join(".")}; its resources are not read. Install a newer bundle`,
          ),
        ];
      if (before(found, complete))
        return [
          finding(
            "IST0176",
            ref,
            "",
            `The Gateway API CRD version ${version} is older than v${complete.join(".")}, which newer kinds need; install a newer bundle`,
          ),
        ];
      return before(newest, found)
        ? [
            finding(
              "IST0172",
              ref,
              "",
              `The Gateway API CRD version ${version} is newer than the newest that was tested (v${newest.join(".")}); it may have fields that have no effect`,
            ),
          ]
        : [];
    }),
};

function before(a: readonly [number, number], b: readonly [number, number]): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}
