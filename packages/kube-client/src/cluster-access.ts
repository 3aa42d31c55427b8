import type { Credentials } from "./credentials.ts";

/** Where an API server is and how to be trusted by it. */
export interface ClusterAccess {
  /** URL without a trailing slash. */
  readonly server: string;
  /** Namespace of the context, or of the pod. Default: "default". */
  readonly namespace: string;
  readonly contextName: string | undefined;
  /** For messages: `context "x" of /root/.kube/config`, `in-cluster configuration`. */
  readonly origin: string;
  /** PEM; undefined trusts the system's roots. */
  readonly ca: string | undefined;
  /** Name to expect in the certificate instead of the URL's host. */
  readonly serverName: string | undefined;
  readonly insecureSkipVerify: boolean;
  /** HTTP proxy on the way, from the kubeconfig's `proxy-url`. */
  readonly proxyUrl: string | undefined;
  readonly impersonation: Readonly<Record<string, string>>;
  readonly credentials: Credentials;
}
