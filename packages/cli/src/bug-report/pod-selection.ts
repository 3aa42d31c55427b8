import type { KubeObject } from "@heddle/kube-client";
import { at, listOf, literalRegex, textOf } from "@heddle/std";
import { UsageError } from "../context.ts";

/** Which pods a bug report is about. */
export interface PodSelection {
  namespace(name: string): boolean;
  pod(pod: KubeObject): boolean;
}

/** Namespaces that a report leaves out by itself. Source: istioctl `bug-report`. */
export const DEFAULT_EXCLUDES = ["kube-node-lease,kube-public,kube-system,local-path-storage"];

interface Spec {
  readonly namespaces: readonly RegExp[];
  readonly deployments: readonly RegExp[];
  readonly pods: readonly RegExp[];
  readonly labels: readonly Pair[];
  readonly annotations: readonly Pair[];
  readonly containers: readonly RegExp[];
}
type Pair = readonly [name: string, value: RegExp];

/**
 * `NS1,NS2/DEPLOYMENTS/PODS/LABELS/ANNOTATIONS/CONTAINERS`, each a list with `*`; parts at the end may be left out. Several specs add
 * up; excludes win. Source: istioctl `bug-report --include --exclude`. Errors: UsageError naming the flag.
 */
export function podSelection(includes: readonly string[], excludes: readonly string[]): PodSelection {
  const wanted = includes.map((text) => parseSpec(text, "--include"));
  const unwanted = excludes.map((text) => parseSpec(text, "--exclude"));
  return {
    namespace: (name) =>
      (wanted.length === 0 || wanted.some((spec) => any(spec.namespaces, name))) &&
      !unwanted.some((spec) => any(spec.namespaces, name) && isWholeNamespace(spec)),
    pod: (pod) =>
      (wanted.length === 0 || wanted.some((spec) => matches(spec, pod))) &&
      !unwanted.some((spec) => matches(spec, pod)),
  };
}

function parseSpec(text: string, flag: string): Spec {
  const parts = text.split("/");
  if (parts.length > 6)
    throw new UsageError(
      `${flag} ${text}: expected at most namespaces/deployments/pods/labels/annotations/containers, lists divided by commas`,
    );
  const list = (i: number) => (parts[i] ?? "").split(",").filter((word) => word !== "");
  const pairs = (i: number): readonly Pair[] =>
    list(i).map((word) => {
      const [name = "", value = "*"] = word.split("=", 2);
      return [name, glob(value)];
    });
  const globs = (i: number) => list(i).map(glob);
  return {
    namespaces: globs(0),
    deployments: globs(1),
    pods: globs(2),
    labels: pairs(3),
    annotations: pairs(4),
    containers: globs(5),
  };
}

function glob(text: string): RegExp {
  return new RegExp(`^${text.split("*").map(literalRegex).join(".*")}$`);
}

const any = (patterns: readonly RegExp[], text: string) =>
  patterns.length === 0 || patterns.some((pattern) => pattern.test(text));

function isWholeNamespace(spec: Spec): boolean {
  return [spec.deployments, spec.pods, spec.labels, spec.annotations, spec.containers].every((p) => p.length === 0);
}

function matches(spec: Spec, pod: KubeObject): boolean {
  const { name, namespace = "", labels = {}, annotations = {} } = pod.metadata;
  const owners = listOf(at(pod, "metadata", "ownerReferences")).map((owner) => textOf(at(owner, "name")));
  const hash = labels["pod-template-hash"];
  const deployments = owners.map((owner) => (hash ? owner.replace(`-${hash}`, "") : owner));
  const containers = listOf(at(pod, "spec", "containers")).map((c) => textOf(at(c, "name")));
  const has = (values: Readonly<Record<string, string>>, wanted: readonly Pair[]) =>
    wanted.every(([key, value]) => values[key] !== undefined && value.test(values[key] ?? ""));
  return (
    any(spec.namespaces, namespace) &&
    (spec.deployments.length === 0 || deployments.some((d) => any(spec.deployments, d))) &&
    any(spec.pods, name) &&
    has(labels, spec.labels) &&
    has(annotations, spec.annotations) &&
    (spec.containers.length === 0 || containers.some((c) => any(spec.containers, c)))
  );
}
