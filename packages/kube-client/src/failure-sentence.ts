import type { ClusterAccess } from "./cluster-access.ts";
import { isRecord, numberAt, textAt } from "./json-fields.ts";
import { KubeError } from "./kube-error.ts";

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there: is the cluster running?",
  ConnectionRefused: "nothing listens there: is the cluster running?",
  ENOTFOUND: "its name cannot be resolved: is the server's host right, and is DNS working?",
  EAI_AGAIN: "its name cannot be resolved now: is DNS working?",
  ETIMEDOUT: "no answer: does a firewall or VPN stand in between?",
  EHOSTUNREACH: "no route to it: does it need a VPN?",
  ENETUNREACH: "no route to it: does it need a VPN?",
  ECONNRESET: "the connection was closed: is the cluster just starting or stopping?",
  ConnectionClosed: "the connection was closed: is the cluster just starting or stopping?",
};

const TLS_CODE = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|INVALID_CA)/;

/** The sentence for a connection that failed before an HTTP answer. */
export function connectionError(access: ClusterAccess, cause: unknown): KubeError {
  const code = textAt(cause, "code") ?? "";
  const text = cause instanceof Error ? cause.message : String(cause);
  const who = `the Kubernetes API at ${access.server} (${access.origin})`;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return new KubeError(
      0,
      "UntrustedCertificate",
      `the certificate of ${who} is for another name; set tls-server-name of the cluster in the kubeconfig`,
      { cause },
    );
  }
  if (code === "CERT_HAS_EXPIRED") {
    return new KubeError(
      0,
      "UntrustedCertificate",
      `the certificate of ${who} has expired (or this machine's clock is wrong); renew it`,
      { cause },
    );
  }
  if (TLS_CODE.test(code)) {
    const next =
      access.ca === undefined
        ? "the kubeconfig gives no certificate authority"
        : "was the cluster made anew since the kubeconfig was written? Fetch the kubeconfig again";
    return new KubeError(
      0,
      "UntrustedCertificate",
      `the certificate of ${who} is not signed by the expected authority (${code}); ${next}`,
      { cause },
    );
  }
  return new KubeError(0, "Unreachable", `cannot reach ${who}: ${UNREACHABLE[code] ?? text}`, { cause });
}

/** The error for an answer that is not 2xx. Reads the body. */
export async function answerError(
  access: ClusterAccess,
  method: string,
  path: string,
  response: Response,
): Promise<KubeError> {
  const text = await response.text().catch(() => "");
  let status: unknown;
  try {
    status = JSON.parse(text);
  } catch {
    status = undefined;
  }
  const isStatus = isRecord(status) && status["kind"] === "Status";
  const said =
    (isStatus ? textAt(status, "message") : undefined) ??
    (text.trim().slice(0, 300) || `${method} ${path}: HTTP ${response.status}`);
  const code = (isStatus ? numberAt(status, "code") : undefined) ?? response.status;
  const reason = (isStatus ? textAt(status, "reason") : undefined) ?? reasonOf(code);
  const details = isRecord(status) ? status["details"] : undefined;
  return new KubeError(code, reason, withNextStep(access, code, said), { details });
}

function withNextStep(access: ClusterAccess, code: number, said: string): string {
  if (code === 401) {
    // Links and remote Secrets are made by commands of ours; nobody logs in with them.
    const anew = access.origin.startsWith("Secret ")
      ? "or be revoked; make the Secret anew (create-remote-secret, or multicluster link)"
      : "or belong to another cluster; log in again or fetch a new kubeconfig";
    return `the Kubernetes API at ${access.server} did not accept the credentials of ${access.origin}: the token or client certificate may have expired ${anew}`;
  }
  if (code === 403)
    return `${said}; an administrator must grant this with a Role and RoleBinding (see \`kubectl auth can-i --list\`)`;
  return said;
}

function reasonOf(code: number): string {
  switch (code) {
    case 400:
      return "BadRequest";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 405:
      return "MethodNotAllowed";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 422:
      return "Invalid";
    case 429:
      return "TooManyRequests";
    case 503:
      return "ServiceUnavailable";
    case 504:
      return "Timeout";
    default:
      return code >= 500 ? "InternalError" : "Unknown";
  }
}
