import { at, listOf, textOf } from "@heddle/std";
import { askViz } from "../../viz/client.ts";
import type { CheckCategory } from "../check.ts";

/** Checked when the extension is there (namespace label `linkerd.io/extension: viz`). */
export const viz: CheckCategory = {
  name: "linkerd-viz",
  items: [
    {
      description: "linkerd-viz Namespace exists",
      anchor: "l5d-viz-ns-exists",
      severity: "fatal",
      run: async (target) =>
        void (await (await target.client()).get({ apiVersion: "v1", kind: "Namespace", name: "linkerd-viz" })),
    },
    {
      description: "viz extension pods are running",
      anchor: "l5d-viz-pods-running",
      severity: "fatal",
      retry: true,
      run: async (target) => void (await askViz(await target.client(), "/api/edges", {})),
    },
    {
      description: "tap API service is running",
      anchor: "l5d-tap-api",
      severity: "fatal",
      retry: true,
      run: async (target) => {
        const apiService = await (await target.client()).find({
          group: "apiregistration.k8s.io",
          version: "v1",
          resource: "apiservices",
          name: "v1alpha1.tap.linkerd.io",
        });
        // `--set tap.enabled=false` leaves it out.
        if (apiService === undefined) return { kind: "nothing" };
        const available = listOf(at(apiService, "status", "conditions")).find((one) => at(one, "type") === "Available");
        if (at(available, "status") === "True") return undefined;
        const why = textOf(at(available, "message")) || "the API server has not looked for it yet";
        throw new Error(`${why}; see kubectl -n linkerd-viz logs deploy/tap`);
      },
    },
    {
      description: "data plane proxy metrics are present",
      anchor: "l5d-viz-data-plane-prom",
      severity: "warning",
      run: async (target) => {
        const { gaps } = await askViz(await target.client(), "/api/stat", { kind: "deployment" });
        const first = gaps.find((g) => !g.includes("younger"));
        if (first) throw new Error(first);
      },
    },
  ],
};
