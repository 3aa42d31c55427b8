import type { KubeClient } from "@heddle/kube-client";
import { configText } from "../secrets/data-text.ts";

const NAME = "istio-ca-root-cert";
const KEY = "root-cert.pem";

/** The roots that pods of a cluster trust, PEM; every namespace has them. Errors: `KubeError`. */
export async function trustAnchors(kube: KubeClient, signal?: AbortSignal): Promise<string> {
  const object = await kube.get(
    { group: "", version: "v1", resource: "configmaps", name: NAME, namespace: "default" },
    signal === undefined ? {} : { signal },
  );
  return configText(object, KEY);
}

/** Whether two clusters have a root in common; undefined while one of them is not known. */
export function shareAnchor(a: string | undefined, b: string | undefined): boolean | undefined {
  if (a === undefined || b === undefined) return undefined;
  const there = new Set(certificates(b));
  return certificates(a).some((one) => there.has(one));
}

function certificates(pem: string): readonly string[] {
  return [...pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g)].map(([, body = ""]) =>
    body.replace(/\s/g, ""),
  );
}
