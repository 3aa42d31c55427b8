import { formatProblem, linkDefinition, readResource } from "@heddle/config";
import type { KubeClient, KubeObject } from "@heddle/kube-client";
import { at, listOf, numberOf, textOf } from "@heddle/std";
import { EXTENSION_NAMESPACE, GATEWAY, SERVICE_MIRROR } from "../../multicluster/links/extension-options.ts";
import { gatewayStates, linksOf } from "../../multicluster/links/gateway-states.ts";
import type { CheckCategory, CheckItem, CheckNote, CheckTarget } from "../check.ts";

const MIRRORS = { labelSelector: "mirror.linkerd.io/mirrored-service=true" };
const CLUSTER = "mirror.linkerd.io/cluster-name";

const clusterOf = (link: KubeObject): string => textOf(at(link, "spec", "targetClusterName"));

/** A line about each Link. `look` gives what is wrong with one, or "". */
function eachLink(
  description: string,
  anchor: string,
  severity: CheckItem["severity"],
  look: (link: KubeObject, kube: KubeClient) => string | Promise<string>,
): CheckItem {
  return {
    description,
    anchor,
    severity,
    run: async (target) => {
      const kube = await target.client();
      const links = await linksOf(kube);
      if (links.length === 0) return { kind: "nothing" };
      const wrong = await Promise.all(links.map(async (link) => [clusterOf(link), await look(link, kube)] as const));
      const bad = wrong.filter(([, reason]) => reason !== "");
      if (bad.length > 0) throw new Error(bad.map(([name, reason]) => `* ${name}: ${reason}`).join("\n"));
      return { kind: "found", names: links.map(clusterOf) };
    },
  };
}

function condition(link: KubeObject, type: string): { readonly status: string; readonly message: string } {
  const found = listOf(at(link, "status", "conditions")).find((one) => textOf(at(one, "type")) === type);
  return { status: textOf(at(found, "status")), message: textOf(at(found, "message")) };
}

/** A line about mirrors. `look` gives those that something is wrong with. */
async function mirrorsWhere(
  target: CheckTarget,
  sentence: string,
  look: (mirror: KubeObject, kube: KubeClient) => Promise<boolean>,
): Promise<CheckNote | undefined> {
  const kube = await target.client();
  const { items } = await kube.list({ group: "", version: "v1", resource: "services" }, MIRRORS);
  if (items.length === 0) return { kind: "nothing" };
  const bad: string[] = [];
  for (const mirror of items)
    if (await look(mirror, kube)) bad.push(`${mirror.metadata.name}.${mirror.metadata.namespace}`);
  if (bad.length > 0) throw new Error(`${sentence}:\n${bad.map((name) => `* ${name}`).join("\n")}`);
  return undefined;
}

async function hasReadyEndpoints(mirror: KubeObject, kube: KubeClient): Promise<boolean> {
  const { name, namespace } = mirror.metadata;
  const { items } = await kube.list(
    {
      group: "discovery.k8s.io",
      version: "v1",
      resource: "endpointslices",
      ...(namespace === undefined ? {} : { namespace }),
    },
    { labelSelector: `kubernetes.io/service-name=${name}` },
  );
  return items.some((slice) =>
    listOf(slice["endpoints"]).some((endpoint) => at(endpoint, "conditions", "ready") !== false),
  );
}

async function deploymentReady(kube: KubeClient, name: string): Promise<string> {
  const ref = { group: "apps", version: "v1", resource: "deployments", name, namespace: EXTENSION_NAMESPACE } as const;
  const deployment = await kube.find(ref);
  if (deployment === undefined)
    return `deployment ${name} is missing; run linkerd multicluster install | kubectl apply -f -`;
  const ready = numberOf(at(deployment, "status", "readyReplicas"));
  const wanted = numberOf(at(deployment, "spec", "replicas"));
  return ready >= Math.max(1, wanted)
    ? ""
    : `deployment ${name} has ${ready} of ${wanted} replicas ready; look at kubectl -n ${EXTENSION_NAMESPACE} describe pods`;
}

/** `multicluster check`. Descriptions and anchors are Linkerd's. */
export const links: CheckCategory = {
  name: "linkerd-multicluster",
  items: [
    {
      description: "Link CRD exists",
      anchor: "l5d-multicluster-link-crd-exists",
      severity: "fatal",
      run: async (target) => void (await linksOf(await target.client())),
    },
    eachLink("Link resources are valid", "l5d-multicluster-links-are-valid", "fatal", (link) => {
      const read = readResource(linkDefinition, link);
      return read.ok ? "" : read.problems.map(formatProblem).join("; ");
    }),
    eachLink("remote cluster access credentials are valid", "l5d-smc-target-clusters-access", "warning", (link) => {
      const { status, message } = condition(link, "Reachable");
      if (status === "True") return "";
      return message || "the service mirror has said nothing about it yet; is it running?";
    }),
    eachLink("clusters share trust anchors", "l5d-multicluster-clusters-share-anchors", "warning", (link) => {
      const { status, message } = condition(link, "TrustAnchorsShared");
      if (status === "True") return "";
      return message || "its roots could not be read; may its account get ConfigMap istio-ca-root-cert?";
    }),
    {
      description: "service mirror controller has required permissions",
      anchor: "l5d-multicluster-source-rbac-correct",
      severity: "warning",
      run: async (target) => {
        const kube = await target.client();
        const user = `system:serviceaccount:${EXTENSION_NAMESPACE}:${SERVICE_MIRROR}`;
        const groups = ["system:serviceaccounts", "system:authenticated"];
        const missing: string[] = [];
        for (const [group, resource] of [
          ["", "services"],
          ["", "endpoints"],
          ["discovery.k8s.io", "endpointslices"],
        ] as const)
          for (const verb of ["list", "watch", "create", "patch", "delete"]) {
            const spec = { user, groups, resourceAttributes: { group, resource, verb } };
            const review = await kube.create({
              apiVersion: "authorization.k8s.io/v1",
              kind: "SubjectAccessReview",
              metadata: { name: "" },
              spec,
            });
            if (at(review, "status", "allowed") !== true) missing.push(`${verb} ${resource}`);
          }
        if (missing.length > 0)
          throw new Error(`${SERVICE_MIRROR} may not ${missing.join(", ")}; run linkerd multicluster install again`);
      },
    },
    {
      description: "service mirror controllers are running",
      anchor: "l5d-multicluster-service-mirror-running",
      severity: "fatal",
      retry: true,
      run: async (target) => {
        const reason = await deploymentReady(await target.client(), SERVICE_MIRROR);
        if (reason !== "") throw new Error(reason);
      },
    },
    {
      description: "probe services able to communicate with all gateway mirrors",
      anchor: "l5d-multicluster-gateways-endpoints",
      severity: "warning",
      run: async (target) => {
        const states = await gatewayStates(await target.client());
        if (states.length === 0) return { kind: "nothing" };
        const dead = states.filter(({ alive }) => !alive).map(({ clusterName }) => `* ${clusterName}`);
        if (dead.length > 0)
          throw new Error(
            `gateways that do not answer their probe (is the line up, port 4191 open?):\n${dead.join("\n")}`,
          );
        return { kind: "found", names: states.map(({ clusterName }) => clusterName) };
      },
    },
    {
      description: "all mirror services have endpoints",
      anchor: "l5d-multicluster-services-endpoints",
      severity: "warning",
      run: async (target) => {
        const sentence = "Some mirror services do not have endpoints (no ready pod there, or a dead gateway)";
        return mirrorsWhere(target, sentence, async (mirror, kube) => !(await hasReadyEndpoints(mirror, kube)));
      },
    },
    {
      description: "all mirror services are part of a Link",
      anchor: "l5d-multicluster-orphaned-services",
      severity: "warning",
      run: async (target) => {
        const linked = new Set((await linksOf(await target.client())).map(clusterOf));
        return mirrorsWhere(target, "mirror services are not part of any Link", async (mirror) => {
          const cluster = mirror.metadata.labels?.[CLUSTER];
          return cluster !== undefined && !linked.has(cluster);
        });
      },
    },
    {
      description: "multicluster extension proxies are healthy",
      anchor: "l5d-multicluster-proxy-healthy",
      severity: "fatal",
      retry: true,
      run: async (target) => {
        const kube = await target.client();
        const ref = { group: "apps", version: "v1", resource: "deployments" } as const;
        const there = await kube.find({ ...ref, name: GATEWAY, namespace: EXTENSION_NAMESPACE });
        // A cluster that only calls others has none.
        if (there === undefined) return { kind: "nothing" };
        const reason = await deploymentReady(kube, GATEWAY);
        if (reason !== "") throw new Error(reason);
        return undefined;
      },
    },
    {
      description: "multicluster extension proxies and cli versions match",
      anchor: "l5d-multicluster-proxy-cli-version",
      severity: "warning",
      run: async (target) => {
        const kube = await target.client();
        const { items } = await kube.list({
          group: "",
          version: "v1",
          resource: "pods",
          namespace: EXTENSION_NAMESPACE,
        });
        for (const pod of items)
          for (const container of listOf(at(pod, "spec", "containers"))) {
            const image = textOf(at(container, "image"));
            if (!image.endsWith(`:${target.cliVersion}`))
              throw new Error(`${pod.metadata.name} runs ${image}, this program is ${target.cliVersion}; restart it`);
          }
      },
    },
  ],
};
