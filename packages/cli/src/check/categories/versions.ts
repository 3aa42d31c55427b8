import { at, listOf, textOf } from "@heddle/std";
import type { CheckCategory } from "../check.ts";

export const controlPlaneVersion: CheckCategory = {
  name: "control-plane-version",
  items: [
    {
      description: "can retrieve the control plane version",
      anchor: "l5d-version-control",
      severity: "fatal",
      retry: true,
      run: async (target) => {
        const kube = await target.client();
        await kube.proxyRequest(
          { kind: "services", namespace: target.meshNamespace, name: "istiod", port: 15014 },
          "GET",
          "/version",
        );
      },
    },
    {
      description: "control plane and cli versions match",
      anchor: "l5d-version-control",
      severity: "warning",
      run: async (target) => {
        const kube = await target.client();
        const deployment = await kube.get({
          group: "apps",
          version: "v1",
          resource: "deployments",
          name: "istiod",
          namespace: target.meshNamespace,
        });
        const image = textOf(at(listOf(at(deployment, "spec", "template", "spec", "containers"))[0], "image"));
        if (!image.endsWith(`:${target.cliVersion}`))
          throw new Error(`control plane runs ${image}, this program is ${target.cliVersion}`);
      },
    },
  ],
};
