import type { KubeClient } from "@heddle/kube-client";
import { at, listOf, textOf } from "@heddle/std";
import { UsageError } from "../context.ts";

const TEN_YEARS_S = 315_360_000;
const TOKEN_TYPE = "kubernetes.io/service-account-token";

/**
 * A lasting token of a ServiceAccount, from its token Secret. Where no controller fills such Secrets, one that is bound to the Secret: it
 * ends when the Secret is deleted. Errors: UsageError when the account or its Secret is missing.
 */
export async function accountToken(kube: KubeClient, namespace: string, account: string): Promise<string> {
  const type = { group: "", version: "v1" } as const;
  if ((await kube.find({ ...type, resource: "serviceaccounts", name: account, namespace })) === undefined)
    throw new UsageError(`there is no ServiceAccount ${account} in namespace ${namespace} of this cluster`);
  const { items } = await kube.list({ ...type, resource: "secrets", namespace });
  const secret = items.find(
    (one) =>
      textOf(one["type"]) === TOKEN_TYPE &&
      one.metadata.annotations?.["kubernetes.io/service-account.name"] === account,
  );
  if (secret === undefined)
    throw new UsageError(
      `ServiceAccount ${namespace}/${account} has no Secret of type ${TOKEN_TYPE}; create one with annotation kubernetes.io/service-account.name: ${account}`,
    );
  const filled = textOf(at(secret, "data", "token"));
  if (filled !== "") return Buffer.from(filled, "base64").toString("utf8");
  const { name, uid } = secret.metadata;
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const answer: unknown = await (
    await kube.request("POST", path, {
      body: {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: { expirationSeconds: TEN_YEARS_S, boundObjectRef: { apiVersion: "v1", kind: "Secret", name, uid } },
      },
    })
  ).json();
  return textOf(at(answer, "status", "token"));
}

/**
 * The URL by which other clusters reach this one's API server: the one that was given, else the kubeconfig's; where that is this machine's
 * loopback, the external address of a node. Errors: UsageError saying which flag to use.
 */
export async function remoteServer(kube: KubeClient, given: string | undefined, flag: string): Promise<string> {
  const server = given ?? kube.server;
  if (!URL.canParse(server) || new URL(server).protocol !== "https:")
    throw new UsageError(`${flag} ${server}: expected the https URL of an API server, such as https://198.18.1.1:6443`);
  if (given !== undefined || !isLoopback(server)) return server;
  const outside = await outsideServer(kube);
  if (outside === undefined)
    throw new UsageError(
      `${server} is this machine's own address, other clusters can't reach it; say how they do with ${flag} https://ADDRESS:PORT`,
    );
  return outside;
}

/** The API server at the external address of a node, as embedded clusters serve it; undefined where no node has one. */
export async function outsideServer(kube: KubeClient): Promise<string | undefined> {
  const { items } = await kube.list({ group: "", version: "v1", resource: "nodes" });
  const external = items
    .flatMap((node) => listOf(at(node, "status", "addresses")))
    .find((address) => textOf(at(address, "type")) === "ExternalIP");
  const ref = { group: "", version: "v1", resource: "endpoints", name: "kubernetes", namespace: "default" } as const;
  const api = external === undefined ? undefined : await kube.find(ref);
  const port = textOf(at(listOf(at(listOf(api?.["subsets"])[0], "ports"))[0], "port"));
  return port === "" ? undefined : `https://${textOf(at(external, "address"))}:${port}`;
}

/** True for an address that means another machine in every other cluster. */
export function isLoopback(server: string): boolean {
  const host = URL.canParse(server) ? new URL(server).hostname : "";
  return host === "localhost" || host === "[::1]" || host.startsWith("127.") || host === "0.0.0.0";
}
