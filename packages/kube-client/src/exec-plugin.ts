import { spawn } from "node:child_process";
import type { Clock } from "@heddle/std";
import type { ClientCertificate, Credentials } from "./credentials.ts";
import { isRecord, recordAt, textAt } from "./json-fields.ts";
import { KubeError } from "./kube-error.ts";

/** `users[].user.exec` of a kubeconfig. Source: client.authentication.k8s.io/v1 and v1beta1. */
export interface ExecPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly installHint?: string;
  readonly interactive: boolean;
  /** Handed to the plugin when `provideClusterInfo` is set. */
  readonly cluster?: Readonly<Record<string, unknown>>;
}

interface Issued {
  readonly headers: Readonly<Record<string, string>>;
  readonly certificate: ClientCertificate | undefined;
  readonly expiresAtMs: number | undefined;
}

const PLUGIN_TIMEOUT_MS = 60_000;
const EXPIRY_MARGIN_MS = 10_000;

/** Credentials from a program such as `aws eks get-token`. One run serves all callers until it expires. */
export function execPlugin(
  plugin: ExecPlugin,
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): Credentials {
  let running: Promise<Issued> | undefined;
  const issued = async (): Promise<Issued> => {
    if (running !== undefined) {
      const known = await running;
      if (known.expiresAtMs === undefined || known.expiresAtMs - EXPIRY_MARGIN_MS > clock.now()) return known;
    }
    running = run(plugin, env, clock);
    running.catch(() => {
      running = undefined;
    });
    return running;
  };
  return {
    headers: async () => (await issued()).headers,
    clientCertificate: async () => (await issued()).certificate,
    invalidate() {
      running = undefined;
      return true;
    },
  };
}

async function run(
  plugin: ExecPlugin,
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): Promise<Issued> {
  const info = {
    apiVersion: plugin.apiVersion,
    kind: "ExecCredential",
    spec: { interactive: plugin.interactive, ...(plugin.cluster && { cluster: plugin.cluster }) },
  };
  const text = await output(plugin, { ...env, ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) }, clock);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw unavailable(plugin, "printed something that is not JSON");
  }
  return decode(plugin, parsed);
}

function decode(plugin: ExecPlugin, value: unknown): Issued {
  const status = recordAt(value, "status");
  if (!isRecord(value) || value["kind"] !== "ExecCredential" || status === undefined)
    throw unavailable(plugin, "printed no ExecCredential with a status");
  const token = textAt(status, "token");
  const cert = textAt(status, "clientCertificateData");
  const key = textAt(status, "clientKeyData");
  if (token === undefined && (cert === undefined || key === undefined))
    throw unavailable(plugin, "printed neither a token nor a client certificate with its key");
  const expires = Date.parse(textAt(status, "expirationTimestamp") ?? "");
  return {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    certificate: cert !== undefined && key !== undefined ? { cert, key } : undefined,
    expiresAtMs: Number.isNaN(expires) ? undefined : expires,
  };
}

function output(plugin: ExecPlugin, env: Readonly<Record<string, string | undefined>>, clock: Clock): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(plugin.command, [...plugin.args], {
      env: { ...env },
      stdio: [plugin.interactive ? "inherit" : "ignore", "pipe", "inherit"],
    });
    const timer = clock.after(PLUGIN_TIMEOUT_MS, () => {
      child.kill("SIGKILL");
      reject(unavailable(plugin, `did not answer within ${PLUGIN_TIMEOUT_MS / 1000} s`));
    });
    const chunks: string[] = [];
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => chunks.push(chunk));
    child.on("error", (cause) => {
      timer.cancel();
      reject(unavailable(plugin, "could not be started", cause));
    });
    child.on("close", (code) => {
      timer.cancel();
      if (code === 0) resolve(chunks.join(""));
      else reject(unavailable(plugin, `ended with code ${code}`));
    });
  });
}

function unavailable(plugin: ExecPlugin, what: string, cause?: unknown): KubeError {
  const hint =
    plugin.installHint === undefined ? "run it by hand to see why, or log in again" : plugin.installHint.trim();
  return new KubeError(
    0,
    "CredentialsUnavailable",
    `the kubeconfig's credential program "${plugin.command}" ${what}: ${hint}`,
    { cause },
  );
}
