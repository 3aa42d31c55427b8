import { watchedKinds } from "@heddle/config";
import type { KubeClient, KubeObject } from "@heddle/kube-client";
import { at, listOf, textOf } from "@heddle/std";
import { stringify } from "yaml";
import { podGet } from "../pod-http.ts";
import { isMeshed } from "../pods.ts";
import type { PodSelection } from "./pod-selection.ts";
import { redactLine, redactObject } from "./redaction.ts";

export interface ReportOptions {
  readonly meshNamespace: string;
  readonly selection: PodSelection;
  /** What logs begin with: a moment, in RFC 3339; undefined: all that is kept. */
  readonly since: string | undefined;
  readonly until: string | undefined;
  /** Pods that are asked at the same time. */
  readonly concurrency: number;
  /** After it only what is there already is kept. */
  readonly signal: AbortSignal;
  onProgress(sentence: string): void;
}

/** Files by their path in the archive. */
export type ReportFiles = Map<string, string>;

/** Kinds of Kubernetes that say how the mesh's workloads are run. */
const CLUSTER_KINDS = [
  ["v1", "Namespace"],
  ["v1", "Node"],
  ["v1", "Pod"],
  ["v1", "Service"],
  ["v1", "Event"],
  ["apps/v1", "Deployment"],
  ["apps/v1", "ReplicaSet"],
  ["apps/v1", "StatefulSet"],
  ["apps/v1", "DaemonSet"],
  ["discovery.k8s.io/v1", "EndpointSlice"],
  ["admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"],
  ["admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"],
] as const;
const PROXY_PAGES = ["config_dump", "clusters?format=json", "listeners", "certs", "server_info", "stats"];
const CONTROL_PLANE_PAGES = ["debug/syncz", "debug/analyze", "debug/endpointz", "debug/registryz", "metrics"];
const MAX_LOG_BYTES = 20 * 1024 * 1024;

/** Everything that helps to understand a mesh from afar. What can't be read is a line in `errors.txt`, never the end. */
export async function collectReport(kube: KubeClient, options: ReportOptions): Promise<ReportFiles> {
  const files: ReportFiles = new Map();
  const errors: string[] = [];
  const attempt = async (path: string, read: () => Promise<string>): Promise<void> => {
    if (options.signal.aborted) return;
    try {
      files.set(path, await read());
    } catch (error) {
      errors.push(`${path}: ${error instanceof Error ? redactLine(error.message) : String(error)}`);
    }
  };
  await attempt("cluster/version.json", async () => (await kube.request("GET", "/version")).text());
  options.onProgress("resources");
  await collectResources(kube, options, attempt);
  const { items } = await kube.list({ apiVersion: "v1", kind: "Pod" });
  const running = items.filter((pod) => textOf(at(pod, "status", "phase")) === "Running");
  const planes = running.filter(
    (pod) => pod.metadata.namespace === options.meshNamespace && pod.metadata.labels?.["app"] === "istiod",
  );
  const meshed = running.filter((pod) => isMeshed(pod) && options.selection.pod(pod));
  const jobs = [
    ...planes.map((pod) => () => collectPod(kube, pod, "control-plane", 15_014, CONTROL_PLANE_PAGES, options, attempt)),
    ...meshed.map((pod) => () => collectPod(kube, pod, "proxies", 15_000, PROXY_PAGES, options, attempt)),
  ];
  options.onProgress(`${planes.length} replicas of the control plane, ${meshed.length} pods with a proxy`);
  await inTurns(jobs, options.concurrency);
  if (options.signal.aborted) errors.push("the time was over before everything was read; --timeout gives more");
  if (errors.length > 0) files.set("errors.txt", `${errors.join("\n")}\n`);
  return files;
}

type Attempt = (path: string, read: () => Promise<string>) => Promise<void>;

async function collectResources(kube: KubeClient, options: ReportOptions, attempt: Attempt): Promise<void> {
  const custom = watchedKinds
    .filter(({ optional }) => optional)
    .map(({ group, version, kind }) => [`${group}/${version}`, kind] as const);
  for (const [apiVersion, kind] of [...CLUSTER_KINDS, ...custom])
    await attempt(`cluster/${kind}${apiVersion.includes(".istio.io") ? "" : suffixOf(apiVersion)}.yaml`, async () => {
      const { items } = await kube.list({ apiVersion, kind });
      const shown = items.filter(({ metadata: { namespace } }) =>
        namespace === undefined || namespace === options.meshNamespace ? true : options.selection.namespace(namespace),
      );
      return asYaml(shown);
    });
  for (const kind of ["ConfigMap", "Secret"])
    await attempt(`cluster/${kind}.yaml`, async () =>
      asYaml((await kube.list({ apiVersion: "v1", kind, namespace: options.meshNamespace })).items),
    );
}

/** Kinds of one name exist in several groups. */
const suffixOf = (apiVersion: string): string => (apiVersion.includes(".") ? `.${apiVersion.split("/")[0]}` : "");

const asYaml = (objects: readonly KubeObject[]): string =>
  objects.map((object) => `---\n${stringify(redactObject(object))}`).join("");

async function collectPod(
  kube: KubeClient,
  pod: KubeObject,
  folder: string,
  port: number,
  pages: readonly string[],
  options: ReportOptions,
  attempt: Attempt,
): Promise<void> {
  const { name, namespace = "" } = pod.metadata;
  const base = `${folder}/${namespace}/${name}`;
  for (const page of pages)
    await attempt(`${base}/${page.replace(/\?.*/, "").replaceAll("/", "-")}.txt`, async () =>
      redactPage(await podGet(kube, namespace, name, port, `/${page}`)),
    );
  const containers = [...listOf(at(pod, "spec", "initContainers")), ...listOf(at(pod, "spec", "containers"))];
  for (const container of containers.map((c) => textOf(at(c, "name"))))
    await attempt(`${base}/logs/${container}.log`, () => readLog(kube, namespace, name, container, options));
}

/** JSON by its fields, anything else by its lines. */
function redactPage(text: string): string {
  try {
    return `${JSON.stringify(redactObject(JSON.parse(text)), undefined, 1)}\n`;
  } catch {
    return redactLine(text);
  }
}

async function readLog(
  kube: KubeClient,
  namespace: string,
  pod: string,
  container: string,
  { since, until }: ReportOptions,
): Promise<string> {
  const query = new URLSearchParams({ container, timestamps: "true", limitBytes: String(MAX_LOG_BYTES) });
  if (since !== undefined) query.set("sinceTime", since);
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log?${query}`;
  const text = redactLine(await (await kube.request("GET", path)).text());
  if (until === undefined) return text;
  const end = Date.parse(until);
  return text
    .split("\n")
    .filter((line) => !(Date.parse(line.slice(0, line.indexOf(" "))) > end))
    .join("\n");
}

async function inTurns(jobs: readonly (() => Promise<void>)[], concurrency: number): Promise<void> {
  const waiting = [...jobs];
  const worker = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await job();
  };
  await Promise.all(Array.from({ length: Math.max(1, concurrency) }, worker));
}
