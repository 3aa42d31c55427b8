import { expect, test } from "bun:test";
import { parse } from "yaml";
import { UsageError } from "../context.ts";
import { createProgram } from "../program.ts";
import { gatewayOptions } from "./gateway-options.ts";
import { valuesOfFiles } from "./values-file.ts";

/** Runs a printing command; `files` by their names. */
async function printed(dialect: "heddle" | "istioctl", ...argv: string[]) {
  let out = "";
  const context = {
    dialect,
    env: {},
    version: "0.1.0",
    out: (text: string) => {
      out += text;
    },
    err: () => undefined,
    readStdin: async () => "",
    kube: () => Promise.reject(new Error("no cluster is asked")),
  };
  await createProgram(context).parseAsync([...argv], { from: "user" });
  const objects = out.split(/^---$/m).filter((text) => text.trim() !== "");
  return objects.map(
    (text) => parse(text) as { kind: string; metadata: { name: string }; spec: Record<string, unknown> },
  );
}

const names = (objects: readonly { kind: string; metadata: { name: string } }[]) =>
  objects.map((o) => `${o.kind}/${o.metadata.name}`);

test("profiles: istioctl's default has an ingress gateway, minimal and heddle's own install have none", async () => {
  const byDefault = await printed("istioctl", "manifest", "generate", "--skip-crds");
  expect(names(byDefault)).toContain("Deployment/istio-ingressgateway");
  expect(names(byDefault)).not.toContain("Deployment/istio-egressgateway");
  const minimal = await printed("istioctl", "manifest", "generate", "--skip-crds", "--set", "profile=minimal");
  expect(names(minimal)).not.toContain("Deployment/istio-ingressgateway");
  expect(names(await printed("heddle", "install", "--skip-crds"))).not.toContain("Deployment/istio-ingressgateway");
});

test("the gateway's pod is a router of the mesh that may read its certificates", async () => {
  const objects = await printed("istioctl", "manifest", "generate", "--skip-crds");
  const find = (name: string) => JSON.stringify(objects.find((o) => names([o])[0] === name));
  expect(find("Deployment/istio-ingressgateway")).toContain('"args":["proxy","router"');
  expect(find("Deployment/istio-ingressgateway")).toContain(
    '"ISTIO_META_WORKLOAD_NAME","value":"istio-ingressgateway"',
  );
  expect(find("Deployment/istio-ingressgateway")).not.toContain("pod-template-hash");
  expect(find("Service/istio-ingressgateway")).toContain(
    '{"name":"tls","port":15443,"targetPort":15443,"protocol":"TCP"}',
  );
  expect(find("Role/istio-ingressgateway-sds")).toContain('"list"');
});

test("components and values choose gateways, both operator forms", () => {
  const fromNew = gatewayOptions(
    "minimal",
    {
      components: {
        egressGateways: [{ name: "istio-egressgateway", enabled: true }],
        ingressGateways: [{ enabled: true }],
      },
    },
    { gateways: { "istio-egressgateway": { env: { ISTIO_META_REQUESTED_NETWORK_VIEW: "external" } } } },
  );
  expect(fromNew.map(({ name, serviceType }) => [name, serviceType])).toEqual([
    ["istio-ingressgateway", "LoadBalancer"],
    ["istio-egressgateway", "ClusterIP"],
  ]);
  expect(fromNew[1]?.env).toEqual({ ISTIO_META_REQUESTED_NETWORK_VIEW: "external" });
  const fromOld = gatewayOptions("default", { gateways: { components: { ingressGateway: { enabled: false } } } }, {});
  expect(fromOld).toEqual([]);
  const ported = gatewayOptions(
    "default",
    {},
    {
      gateways: {
        "istio-ingressgateway": {
          type: "NodePort",
          ports: [{ port: 15443, targetPort: 15443, name: "tls", nodePort: 32000 }],
        },
      },
    },
  );
  expect(ported[0]).toMatchObject({ serviceType: "NodePort", ports: [{ port: 15443, nodePort: 32000 }] });
});

test("wrong fields are named", () => {
  const fails =
    (spec: Record<string, unknown>, values: Record<string, unknown> = {}) =>
    () =>
      gatewayOptions("default", spec, values);
  expect(fails({ components: { ingressGateways: {} } })).toThrow("components.ingressGateways: expected a list");
  expect(fails({ components: { ingressGateways: [{ name: "No Name" }] } })).toThrow("ingressGateways[0].name");
  expect(fails({}, { gateways: { "istio-ingressgateway": { type: "Cloud" } } })).toThrow("none of LoadBalancer");
  expect(fails({}, { gateways: { "istio-ingressgateway": { ports: [{ port: 0 }] } } })).toThrow("ports[0].port");
  expect(() => valuesOfFiles(["/nowhere/values.yaml"])).toThrow(UsageError);
});

test("multiCluster.enabled brings the way for names below .global", async () => {
  const objects = await printed(
    "istioctl",
    "manifest",
    "generate",
    "--skip-crds",
    "--set",
    "values.global.multiCluster.enabled=true",
  );
  expect(names(objects)).toContain("Gateway/istio-multicluster-ingressgateway");
  expect(names(objects)).toContain("DestinationRule/istio-multicluster-destinationrule");
});

test("values.global.meshNetworks becomes the mesh's MeshNetworks; a wrong field is named", async () => {
  const generate = async (value: string) => {
    const flags = ["--skip-crds", "--set", "profile=minimal", "--set", `values.global.meshNetworks.far.${value}`];
    const objects = await printed("istioctl", "manifest", "generate", ...flags);
    return objects.find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === "istio");
  };
  expect(await generate("endpoints[0].fromRegistry=west")).toMatchObject({
    data: { meshNetworks: "networks:\n  far:\n    endpoints:\n      - fromRegistry: west\n" },
  });
  await expect(generate("nothing=1")).rejects.toThrow("values.global.meshNetworks");
});
