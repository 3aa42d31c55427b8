import {
  defaultInjectorValues,
  defaultMeshConfig,
  formatProblem,
  type Parsed,
  parseInjectorValues,
  parseMeshConfig,
} from "@heddle/config";
import { annotateManifest, type InjectContext, type ManifestChange, outcomeLine, renderManifest } from "@heddle/inject";
import { at, recordOf, textOf } from "@heddle/std";
import type { Command } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import { type GlobalOptions, globalOptions } from "../global-options.ts";
import { readManifest } from "../manifest-input.ts";
import { findMeshNamespace } from "../mesh-namespace.ts";
import { renderManifests } from "../output.ts";

/** Flag → annotation, for the flags of `linkerd inject` that the sidecar understands. */
const ANNOTATION_FLAGS = {
  skipInboundPorts: "config.linkerd.io/skip-inbound-ports",
  skipOutboundPorts: "config.linkerd.io/skip-outbound-ports",
  proxyLogLevel: "config.linkerd.io/proxy-log-level",
  proxyCpuRequest: "config.linkerd.io/proxy-cpu-request",
  proxyCpuLimit: "config.linkerd.io/proxy-cpu-limit",
  proxyMemoryRequest: "config.linkerd.io/proxy-memory-request",
  proxyMemoryLimit: "config.linkerd.io/proxy-memory-limit",
  dataPlane: "heddle.io/data-plane",
} as const;

type Flags = { readonly [K in keyof typeof ANNOTATION_FLAGS]?: string } & {
  readonly manual?: boolean;
  readonly ingress?: boolean;
  readonly ignoreCluster?: boolean;
  readonly verbose?: boolean;
};

/** Mesh configuration for `--manual`: the cluster's, or the defaults with `--ignore-cluster`. */
async function manualContext(
  context: CliContext,
  global: GlobalOptions,
  flags: Flags,
): Promise<(namespace: string | undefined) => InjectContext> {
  const image = { image: `heddle/heddle:${context.version}`, envoyImage: `heddle/heddle-envoy:${context.version}` };
  let mesh = defaultMeshConfig();
  const defaults = defaultInjectorValues();
  let values = {
    ...defaults,
    global: { ...defaults.global, istioNamespace: global.meshNamespace, proxy: { ...defaults.global.proxy, ...image } },
  };
  if (!flags.ignoreCluster) {
    const kube = await context.kube(global);
    const namespace = await findMeshNamespace(kube, global);
    const data = async (name: string, key: string) => {
      const found = await kube.find({ apiVersion: "v1", kind: "ConfigMap", name, namespace });
      if (found) return textOf(at(found, "data", key));
      throw new UsageError(
        `no ConfigMap ${name} in namespace ${namespace}: the mesh is not installed there; use --ignore-cluster for the defaults`,
      );
    };
    mesh = valueOrRefusal(parseMeshConfig(await data("istio", "mesh")));
    values = valueOrRefusal(parseInjectorValues(await data("istio-sidecar-injector", "values")));
  }
  return (namespace) => ({ namespace: { name: namespace ?? "default", labels: {}, annotations: {} }, mesh, values });
}

/** Errors: UsageError with every problem of the cluster's configuration. */
function valueOrRefusal<T>(parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw new UsageError(parsed.problems.map(formatProblem).join("\n"));
}

/** Prints changed objects on stdout and the report on stderr; any failure makes the exit code 1, as Linkerd's does. */
export function reportChanges(context: CliContext, changes: readonly ManifestChange[]): void {
  context.out(
    renderManifests(
      changes.map((c) => c.object),
      "yaml",
    ),
  );
  const outcomes = changes.flatMap((c) => c.outcomes);
  context.err("\n");
  for (const outcome of outcomes) {
    for (const warning of outcome.warnings) context.err(`‼ ${warning}\n`);
    context.err(`${outcomeLine(outcome)}\n`);
  }
  context.err("\n");
  if (outcomes.some((o) => o.result === "failed")) process.exitCode = 1;
}

/** istioctl's `kube-inject -f FILE`: the sidecar itself, with the cluster's configuration. */
function addKubeInject(program: Command, context: CliContext): void {
  program
    .command("kube-inject")
    .description("render the sidecar into the workloads of a manifest")
    .requiredOption("-f, --filename <file>", "manifest: a file, a folder, an address, or - for standard input")
    .option("--ignore-cluster", "use defaults, ask no cluster")
    .action(async (flags: Flags & { readonly filename: string }, self: Command) => {
      const objects = await readManifest(context, flags.filename);
      const contextOf = await manualContext(context, globalOptions(self), flags);
      reportChanges(
        context,
        objects.map((o) => renderManifest(o, contextOf)),
      );
    });
}

export function addInject(program: Command, context: CliContext): void {
  addKubeInject(program, context);
  const command = program
    .command("inject <file>")
    .description(
      "add the mesh's annotations to the workloads of a manifest: a file, a folder, an address, or - for standard input",
    )
    .option("--manual", "render the sidecar itself instead of annotations")
    .option("--ingress", "annotate for ingress mode")
    .option("--ignore-cluster", "with --manual: use defaults, ask no cluster")
    .option("--verbose", "accepted for linkerd's sake: the report is always whole");
  for (const flag of Object.keys(ANNOTATION_FLAGS)) {
    command.option(`--${flag.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)} <value>`);
  }
  command.action(async (file: string, flags: Flags, self: Command) => {
    const objects = await readManifest(context, file);
    if (flags.manual) {
      const contextOf = await manualContext(context, globalOptions(self), flags);
      return reportChanges(
        context,
        objects.map((o) => renderManifest(o, contextOf)),
      );
    }
    const annotations = Object.fromEntries(
      Object.entries(ANNOTATION_FLAGS).flatMap(([flag, name]) => {
        const value = recordOf(flags)[flag];
        return typeof value === "string" ? [[name, value]] : [];
      }),
    );
    reportChanges(
      context,
      objects.map((o) => annotateManifest(o, { mode: flags.ingress ? "ingress" : "enabled", annotations })),
    );
  });
}
