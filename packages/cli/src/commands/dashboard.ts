import type { KubeClient } from "@heddle/kube-client";
import { at, textOf } from "@heddle/std";
import type { Command } from "commander";
import { openBrowser } from "../browser.ts";
import { type CliContext, UsageError } from "../context.ts";
import { type GlobalOptions, globalOptions } from "../global-options.ts";
import { findMeshNamespace } from "../mesh-namespace.ts";
import { forwardPod } from "../pod-forward.ts";
import { findMeshedPod, findPod } from "../pods.ts";
import { portNumber } from "../port-number.ts";
import { stopAsked } from "../stop-asked.ts";

interface Flags {
  readonly namespace?: string;
  readonly address: string;
  readonly port: string;
  readonly browser: string | boolean;
  readonly uiPort?: string;
  readonly ctrlz_port?: string;
}

/** A tool that people install beside the mesh. Source: the addon manifests of Istio, Linkerd's viz, and ours. */
interface Tool {
  readonly name: string;
  readonly port: number;
  readonly path: string;
  readonly selectors: readonly string[];
  /** What to do where it isn't there. */
  readonly absent: string;
}

const named = (name: string): readonly string[] => [`app.kubernetes.io/name=${name}`, `app=${name}`];

const GRAFANA: Tool = {
  name: "grafana",
  port: 3000,
  path: "/",
  selectors: named("grafana"),
  absent: "install it and load dashboards/grafana/*.json; heddle viz dashboard needs nothing",
};

const TOOLS: readonly Tool[] = [
  {
    name: "prometheus",
    port: 9090,
    path: "/",
    selectors: named("prometheus"),
    absent: "bring one with: heddle viz install --prometheus | kubectl apply -f -",
  },
  GRAFANA,
  {
    name: "jaeger",
    port: 16_686,
    path: "/",
    selectors: named("jaeger"),
    absent: "install it, or look at the traces in heddle viz dashboard",
  },
  {
    name: "zipkin",
    port: 9411,
    path: "/zipkin/",
    selectors: named("zipkin"),
    absent: "install it, or look at the traces in heddle viz dashboard",
  },
  {
    name: "kiali",
    port: 20_001,
    path: "/kiali",
    selectors: named("kiali"),
    absent: "install it; the graph in heddle viz dashboard needs nothing",
  },
  {
    name: "skywalking",
    port: 8080,
    path: "/",
    selectors: ["app=skywalking-ui", "app.kubernetes.io/name=skywalking-ui"],
    absent: "install it, or look at the traces in heddle viz dashboard",
  },
];
const ENVOY_ADMIN = 15_000;
/** The control plane's own pages are on its monitoring port. */
const CONTROL_PLANE = { port: 15_014, path: "/debug" };

/** `dashboard TOOL`, as istioctl has it: a port of this machine leads to the tool's pod until Ctrl-C. */
export function addDashboards(program: Command, context: CliContext): void {
  const group = program.command("dashboard").alias("dash").alias("d").description("pages of tools beside the mesh");
  for (const tool of TOOLS)
    withFlags(group.command(tool.name), tool.port)
      .description(`${tool.name} in a browser, until Ctrl-C`)
      .action((flags: Flags, command: Command) => openTool(context, tool, flags, globalOptions(command)));
  withFlags(group.command("envoy [pod]").alias("proxy"), ENVOY_ADMIN)
    .description("the admin page of a pod's proxy, ours or Envoy's: POD[.NAMESPACE] or deploy/NAME")
    .option("--ui-port <port>", "port of the proxy's admin page", String(ENVOY_ADMIN))
    .action(async (target: string | undefined, flags: Flags, command: Command) => {
      if (target === undefined) throw new UsageError("name a pod, as heddle dashboard envoy deploy/web -n emojivoto");
      const kube = await context.kube(globalOptions(command));
      const found = await findMeshedPod(kube, target, flags.namespace ?? kube.namespace);
      const port = portNumber(flags.uiPort ?? String(ENVOY_ADMIN), "--ui-port");
      await open(context, kube, { ...found, port, path: "/" }, flags, port);
    });
  withFlags(group.command("controlz [pod]"), CONTROL_PLANE.port)
    .description("the control plane's debug pages (default: a running replica)")
    .option("--ctrlz_port <port>", "port of the pages", String(CONTROL_PLANE.port))
    .action(async (target: string | undefined, flags: Flags, command: Command) => {
      const global = globalOptions(command);
      const kube = await context.kube(global);
      const namespace = flags.namespace ?? (await findMeshNamespace(kube, global));
      const found = await findPod(kube, target ?? "deploy/istiod", namespace);
      const port = portNumber(flags.ctrlz_port ?? String(CONTROL_PLANE.port), "--ctrlz_port");
      await open(context, kube, { ...found, port, path: CONTROL_PLANE.path }, flags, port);
    });
}

async function openTool(context: CliContext, tool: Tool, flags: Flags, global: GlobalOptions): Promise<void> {
  const kube = await context.kube(global);
  const found = await findTool(kube, tool, flags.namespace, global);
  await open(context, kube, { ...found, port: tool.port, path: tool.path }, flags, tool.port);
}

/** Grafana in a browser, until Ctrl-C: `linkerd viz dashboard --show grafana`. */
export function openGrafana(context: CliContext, address: string, global: GlobalOptions): Promise<void> {
  return openTool(context, GRAFANA, { address, port: "0", browser: "true" }, global);
}

function withFlags(command: Command, port: number): Command {
  return command
    .option("-n, --namespace <namespace>", "namespace of the pod")
    .option("--address <address>", "address to listen on", "localhost")
    .option("-p, --port <port>", `port to listen on, 0: ${port}, or any where that is taken`, "0")
    .option("--browser [true|false]", "open a browser where there is one; false: only print the address", "true");
}

async function findTool(
  kube: KubeClient,
  tool: Tool,
  namespace: string | undefined,
  global: GlobalOptions,
): Promise<{ readonly namespace: string; readonly pod: string }> {
  for (const labelSelector of tool.selectors) {
    const where = namespace === undefined ? {} : { namespace };
    const { items } = await kube.list({ apiVersion: "v1", kind: "Pod", ...where }, { labelSelector });
    const running = items.filter((p) => textOf(at(p, "status", "phase")) === "Running");
    // Several: the mesh's own comes first.
    const rank = (ns = "") => (ns === global.meshNamespace ? 0 : ns === "linkerd-viz" ? 1 : 2);
    const [pod] = running.sort((a, b) => rank(a.metadata.namespace) - rank(b.metadata.namespace));
    if (pod) return { namespace: pod.metadata.namespace ?? "", pod: pod.metadata.name };
  }
  const place = namespace === undefined ? "in the cluster" : `in namespace ${namespace}`;
  throw new UsageError(`no running ${tool.name} pod ${place}; ${tool.absent}`);
}

async function open(
  context: CliContext,
  kube: KubeClient,
  target: { readonly namespace: string; readonly pod: string; readonly port: number; readonly path: string },
  flags: Flags,
  usual: number,
): Promise<void> {
  const wanted = portNumber(flags.port, "-p");
  const { address } = flags;
  const forward =
    wanted === 0
      ? await forwardPod(kube, target, { address, port: usual }).catch(() =>
          forwardPod(kube, target, { address, port: 0 }),
        )
      : await forwardPod(kube, target, { address, port: wanted });
  const url = `http://${address}:${forward.port}${target.path}`;
  const stopped = stopAsked();
  context.out(`${url}\n`);
  context.err(`forwards to ${target.pod}.${target.namespace}:${target.port} until Ctrl-C\n`);
  if (flags.browser !== "false") openBrowser(url, context.env);
  await stopped;
  void forward.close();
}
