import type { KubeObject } from "@heddle/kube-client";
import { at, textOf } from "@heddle/std";

/** How the API server says for whom it asks. Source: ConfigMap `extension-apiserver-authentication` in `kube-system`. */
export interface FrontProxy {
  /** Signs the certificate that the API server shows. */
  readonly caPem: string;
  /** Common names that may speak for others; empty: every name below that CA. */
  readonly allowedNames: readonly string[];
  readonly userHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraPrefixes: readonly string[];
}

/** Who asks, as the API server found out. */
export interface RemoteUser {
  readonly name: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export const FRONT_PROXY_REF = {
  group: "",
  version: "v1",
  resource: "configmaps",
  namespace: "kube-system",
  name: "extension-apiserver-authentication",
} as const;

/** Errors: an Error whose sentence says what the cluster lacks. */
export function readFrontProxy(object: KubeObject): FrontProxy {
  const text = (key: string) => textOf(at(object, "data", key));
  const caPem = text("requestheader-client-ca-file");
  if (caPem === "")
    throw new Error(
      "the ConfigMap kube-system/extension-apiserver-authentication has no requestheader-client-ca-file: the API server's aggregation layer is off; start it with --requestheader-client-ca-file",
    );
  return {
    caPem,
    allowedNames: list(text("requestheader-allowed-names")),
    userHeaders: list(text("requestheader-username-headers")),
    groupHeaders: list(text("requestheader-group-headers")),
    extraPrefixes: list(text("requestheader-extra-headers-prefix")),
  };
}

/** The ConfigMap holds lists as JSON. */
function list(json: string): readonly string[] {
  let value: unknown;
  try {
    value = json === "" ? [] : JSON.parse(json);
  } catch {
    return [];
  }
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

/** Whether the holder of a certificate of the CA may say who asks. */
export function maySpeak({ allowedNames }: FrontProxy, commonName: string): boolean {
  return allowedNames.length === 0 || allowedNames.includes(commonName);
}

/** The user of a request whose sender may speak for others; undefined where it names nobody. `headers`: name, value, name, value … as they came. */
export function remoteUser(frontProxy: FrontProxy, headers: readonly string[]): RemoteUser | undefined {
  const groups: string[] = [];
  const extra: Record<string, string[]> = {};
  let name = "";
  const isOne = (names: readonly string[], header: string) => names.some((n) => n.toLowerCase() === header);
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const header = (headers[i] ?? "").toLowerCase();
    const value = headers[i + 1] ?? "";
    if (name === "" && isOne(frontProxy.userHeaders, header)) name = value;
    if (isOne(frontProxy.groupHeaders, header)) groups.push(value);
    const prefix = frontProxy.extraPrefixes.find((p) => header.startsWith(p.toLowerCase()));
    if (prefix !== undefined) {
      const key = unescaped(header.slice(prefix.length));
      extra[key] = [...(extra[key] ?? []), value];
    }
  }
  return name === "" ? undefined : { name, groups, extra };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
