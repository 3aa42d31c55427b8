import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Clock } from "@heddle/std";
import type { ClusterAccess } from "./cluster-access.ts";
import { anonymous, type ClientCertificate, type Credentials, fixed, tokenFile } from "./credentials.ts";
import { execPlugin } from "./exec-plugin.ts";
import { booleanAt, isRecord, type JsonRecord, listAt, recordAt, textAt, textsAt } from "./json-fields.ts";
import { KubeError } from "./kube-error.ts";

type Env = Readonly<Record<string, string | undefined>>;

interface Entry {
  readonly value: JsonRecord;
  /** File that it stands in: relative paths start there. */
  readonly file: string;
}

/** One or several kubeconfig files, merged as kubectl does: the first file that names a thing wins. */
export interface Kubeconfig {
  readonly files: readonly string[];
  readonly currentContext: string | undefined;
  readonly clusters: ReadonlyMap<string, Entry>;
  readonly users: ReadonlyMap<string, Entry>;
  readonly contexts: ReadonlyMap<string, Entry>;
}

/** Reads the files. Errors: `NoKubeconfig` when none is there, `InvalidKubeconfig`. */
export async function readKubeconfig(files: readonly string[]): Promise<Kubeconfig> {
  const found: [file: string, text: string][] = [];
  for (const file of files) {
    const text = await readFile(file, "utf8").catch((error: unknown) => {
      if (isRecord(error) && error["code"] === "ENOENT") return undefined;
      throw new KubeError(0, "InvalidKubeconfig", `cannot read the kubeconfig ${file}: ${messageOf(error)}`, {
        cause: error,
      });
    });
    if (text !== undefined) found.push([file, text]);
  }
  if (found.length === 0) {
    throw new KubeError(
      0,
      "NoKubeconfig",
      `no kubeconfig: ${files.join(", ")} ${files.length > 1 ? "do" : "does"} not exist; set KUBECONFIG, or start a cluster`,
    );
  }
  return merged(found);
}

/** A kubeconfig that is at hand. @param file for messages, and where relative paths start. Errors: `InvalidKubeconfig`. */
export async function parseKubeconfig(text: string, file: string): Promise<Kubeconfig> {
  return merged([[file, text]]);
}

async function merged(sources: readonly (readonly [file: string, text: string])[]): Promise<Kubeconfig> {
  const clusters = new Map<string, Entry>();
  const users = new Map<string, Entry>();
  const contexts = new Map<string, Entry>();
  let currentContext: string | undefined;
  for (const [file, text] of sources) {
    const parsed = await parse(text, file);
    currentContext ??= textAt(parsed, "current-context");
    collect(parsed, "clusters", "cluster", file, clusters);
    collect(parsed, "users", "user", file, users);
    collect(parsed, "contexts", "context", file, contexts);
  }
  return { files: sources.map(([file]) => file), currentContext, clusters, users, contexts };
}

/** The way to the cluster of a context. Errors: `InvalidKubeconfig` naming the field. */
export async function contextAccess(
  config: Kubeconfig,
  context: string | undefined,
  env: Env,
  clock: Clock,
): Promise<ClusterAccess> {
  const where = config.files.join(", ");
  const name = context ?? config.currentContext;
  if (name === undefined)
    throw invalid(`${where}: current-context is not set; choose one with \`kubectl config use-context\``);
  const entry = config.contexts.get(name);
  if (entry === undefined) {
    throw invalid(
      `${where}: there is no context "${name}"; it has: ${[...config.contexts.keys()].join(", ") || "none"}`,
    );
  }
  const clusterName = textAt(entry.value, "cluster") ?? "";
  const cluster = config.clusters.get(clusterName);
  if (cluster === undefined)
    throw invalid(`${entry.file}: context "${name}" names cluster "${clusterName}", which is not in clusters[]`);
  const server = textAt(cluster.value, "server");
  if (server === undefined || !URL.canParse(server))
    throw invalid(`${cluster.file}: clusters[${clusterName}].cluster.server is not a URL`);
  const userName = textAt(entry.value, "user");
  const user = userName === undefined ? undefined : config.users.get(userName);
  if (userName !== undefined && user === undefined)
    throw invalid(`${entry.file}: context "${name}" names user "${userName}", which is not in users[]`);
  return {
    server: server.replace(/\/+$/, ""),
    namespace: textAt(entry.value, "namespace") ?? "default",
    contextName: name,
    origin: `context "${name}" of ${entry.file}`,
    ca: await pem(cluster, "certificate-authority"),
    serverName: textAt(cluster.value, "tls-server-name"),
    insecureSkipVerify: booleanAt(cluster.value, "insecure-skip-tls-verify"),
    proxyUrl: textAt(cluster.value, "proxy-url"),
    impersonation: user === undefined ? {} : impersonation(user.value),
    credentials: user === undefined ? anonymous() : await credentialsOf(user, cluster.value, env, clock),
  };
}

async function credentialsOf(user: Entry, cluster: JsonRecord, env: Env, clock: Clock): Promise<Credentials> {
  const cert = await pem(user, "client-certificate");
  const key = await pem(user, "client-key");
  if ((cert === undefined) !== (key === undefined))
    throw invalid(`${user.file}: a user has only one of client-certificate and client-key`);
  const certificate: ClientCertificate | undefined =
    cert !== undefined && key !== undefined ? { cert, key } : undefined;
  // client-go prefers the file, which may rotate, to the value that was copied from it.
  const path = textAt(user.value, "tokenFile");
  if (path !== undefined) return tokenFile(resolve(dirname(user.file), path), certificate, clock);
  const token = textAt(user.value, "token");
  if (token !== undefined) return fixed({ authorization: `Bearer ${token}` }, certificate);
  const name = textAt(user.value, "username");
  if (name !== undefined) {
    const pair = `${name}:${textAt(user.value, "password") ?? ""}`;
    return fixed({ authorization: `Basic ${Buffer.from(pair).toString("base64")}` }, certificate);
  }
  const exec = recordAt(user.value, "exec");
  if (exec !== undefined) return plugin(exec, user.file, cluster, env, clock);
  if (recordAt(user.value, "auth-provider") !== undefined) {
    throw invalid(
      `${user.file}: auth-provider is not supported (kubectl dropped it, too); use an exec credential plugin`,
    );
  }
  return fixed({}, certificate);
}

function plugin(exec: JsonRecord, file: string, cluster: JsonRecord, env: Env, clock: Clock): Credentials {
  const command = textAt(exec, "command");
  if (command === undefined) throw invalid(`${file}: exec.command of a user is missing`);
  const extra: Record<string, string> = {};
  for (const item of listAt(exec, "env")) extra[textAt(item, "name") ?? ""] = textAt(item, "value") ?? "";
  const hint = textAt(exec, "installHint");
  const info = { server: cluster["server"], "certificate-authority-data": cluster["certificate-authority-data"] };
  return execPlugin(
    {
      apiVersion: textAt(exec, "apiVersion") ?? "client.authentication.k8s.io/v1",
      command: command.includes("/") ? resolve(dirname(file), command) : command,
      args: textsAt(exec, "args"),
      env: extra,
      interactive: textAt(exec, "interactiveMode") !== "Never" && process.stdin.isTTY === true,
      ...(hint !== undefined && { installHint: hint }),
      ...(booleanAt(exec, "provideClusterInfo") && { cluster: info }),
    },
    env,
    clock,
  );
}

function impersonation(user: JsonRecord): Readonly<Record<string, string>> {
  const name = textAt(user, "as");
  const [group, ...more] = textsAt(user, "as-groups");
  // fetch joins repeated headers by commas, which the API server reads as one group.
  if (more.length > 0)
    throw invalid("a user of the kubeconfig has more than one as-groups; this client can impersonate one group");
  return {
    ...(name !== undefined && { "impersonate-user": name }),
    ...(group !== undefined && { "impersonate-group": group }),
  };
}

async function pem(entry: Entry, field: string): Promise<string | undefined> {
  const data = textAt(entry.value, `${field}-data`);
  if (data !== undefined) return Buffer.from(data, "base64").toString("utf8");
  const path = textAt(entry.value, field);
  if (path === undefined) return undefined;
  const file = resolve(dirname(entry.file), path);
  return readFile(file, "utf8").catch((cause) => {
    throw new KubeError(0, "InvalidKubeconfig", `${entry.file}: ${field}: cannot read ${file}`, { cause });
  });
}

async function parse(text: string, file: string): Promise<unknown> {
  if (text.trim() === "") return {};
  // Loaded late: inside a pod no kubeconfig is read, and the parser costs 10 MB.
  const yaml = await import("yaml");
  try {
    return yaml.parse(text);
  } catch (cause) {
    throw new KubeError(0, "InvalidKubeconfig", `${file} is not YAML: ${messageOf(cause)}`, { cause });
  }
}

function collect(parsed: unknown, listName: string, field: string, file: string, into: Map<string, Entry>): void {
  for (const item of listAt(parsed, listName)) {
    const name = textAt(item, "name");
    const value = recordAt(item, field);
    if (name !== undefined && value !== undefined && !into.has(name)) into.set(name, { value, file });
  }
}

function invalid(message: string): KubeError {
  return new KubeError(0, "InvalidKubeconfig", message);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
