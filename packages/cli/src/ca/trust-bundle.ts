import { isObject } from "@heddle/config";
import { readCertificates } from "@heddle/identity";
import type { KubeClient } from "@heddle/kube-client";
import { at, listOf, textOf } from "@heddle/std";
import { parse, stringify } from "yaml";
import { UsageError } from "../context.ts";

/** Who vouches for the identities of a trust domain. */
export interface TrustBundle {
  readonly trustDomain: string;
  /** Roots, PEM. */
  readonly pem: string;
}

/** The form of the bundle: a part of MeshConfig, the roots alone, or SPIFFE's JSON (Trust Domain and Bundle §4). */
export type BundleForm = "mesh" | "pem" | "spiffe";

/** Asks a cluster for the bundle of its own trust domain. Errors: UsageError where there is no mesh, `KubeError`. */
export async function bundleOfCluster(kube: KubeClient, namespace: string): Promise<TrustBundle> {
  const find = (name: string) => kube.find({ apiVersion: "v1", kind: "ConfigMap", namespace, name });
  const [mesh, roots] = await Promise.all([find("istio"), find("istio-ca-root-cert")]);
  const pem = textOf(at(roots, "data", "root-cert.pem"));
  if (mesh === undefined || pem === "")
    throw new UsageError(`there is no running mesh in namespace ${namespace} (ConfigMaps istio, istio-ca-root-cert)`);
  const config: unknown = parse(textOf(at(mesh, "data", "mesh")));
  return { trustDomain: textOf(at(config, "trustDomain")) || "cluster.local", pem: checked(pem, "istio-ca-root-cert") };
}

/** Reads PEM or SPIFFE's JSON, as SPIRE prints it (`spire-server bundle show -format spiffe`). Errors: UsageError naming the file. */
export function bundleOfText(text: string, trustDomain: string, source: string): TrustBundle {
  return { trustDomain, pem: checked(text.trimStart().startsWith("{") ? pemOfJson(text, source) : text, source) };
}

export function renderBundle(bundle: TrustBundle, form: BundleForm): string {
  const { pem, trustDomain } = bundle;
  if (form === "pem") return pem;
  if (form === "mesh")
    return stringify({ meshConfig: { caCertificates: [{ pem, trustDomains: [trustDomain] }] } }, { lineWidth: 0 });
  const read = readCertificates(pem);
  const keys = (read.ok ? read.value : []).map(({ x509 }) => ({
    ...x509.publicKey.export({ format: "jwk" }),
    use: "x509-svid",
    x5c: [x509.raw.toString("base64")],
  }));
  return `${JSON.stringify({ keys, spiffe_refresh_hint: 3600 }, null, 2)}\n`;
}

function pemOfJson(text: string, source: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${source}: neither PEM nor JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const keys = isObject(value) ? listOf(value["keys"]) : [];
  // Keys for JWTs vouch for no certificate.
  const roots = keys.filter((key) => textOf(at(key, "use")) === "x509-svid").flatMap((key) => listOf(at(key, "x5c")));
  return roots
    .map(
      (der) =>
        `-----BEGIN CERTIFICATE-----\n${textOf(der).replace(/(.{64})(?=.)/g, "$1\n")}\n-----END CERTIFICATE-----\n`,
    )
    .join("");
}

function checked(pem: string, source: string): string {
  const read = readCertificates(pem);
  if (!read.ok) throw new UsageError(`${source}: ${read.error}`);
  if (read.value.length === 0)
    throw new UsageError(`${source}: holds no root (PEM, or SPIFFE's JSON with keys of use x509-svid)`);
  const leaf = read.value.find(({ x509 }) => !x509.ca);
  if (leaf !== undefined)
    throw new UsageError(`${source}: ${leaf.x509.subject || "a certificate"} is not one of a CA; give the roots`);
  return `${read.value.map(({ x509 }) => x509.toString().trim()).join("\n")}\n`;
}
