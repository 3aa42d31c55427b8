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
