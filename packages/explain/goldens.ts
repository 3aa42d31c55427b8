/**
 * The goldens of this package: `testdata/<case>/in.yaml` (manifests, requests, changes) and `out.txt` (what is explained).
 * Run as a program it rewrites every `out.txt`; the test compares.
 */
import { join } from "node:path";
import {
  asKubeObject,
  defaultInjectorValues,
  defaultMeshConfig,
  type KubeObject,
  readMeta,
  refKey,
  refOf,
} from "@heddle/config";
import { createViews, spiffeId } from "@heddle/model";
import { createPatcher } from "@heddle/translate";
import { goldenFolder } from "@heddle/translate/goldens";
import { loadTypeRegistry } from "@heddle/xds-api";
import { parse } from "yaml";
import {
  atGateway,
  bypassReason,
  diffMeshes,
  diffText,
  explainRequest,
  explanationText,
  type Generator,
  generatedConfig,
  meshedPod,
  meshOf,
  readTarget,
  resolveName,
  settle,
} from "./src/index.ts";

const goldens = goldenFolder(join(import.meta.dirname, "testdata"), "out.txt");

interface Case {
  readonly objects: readonly unknown[];
  readonly requests?: readonly {
    readonly from: string;
    readonly to: string;
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
  }[];
  readonly change?: readonly unknown[];
}

export interface Golden {
  readonly expected: string;
  readonly actual: string;
}

export const goldenNames = goldens.names;

function objectOf(raw: unknown): KubeObject {
  const object = asKubeObject(raw);
  if (object === undefined) throw new Error(`not an object: ${JSON.stringify(raw)}`);
  return object;
}

function build(raw: readonly KubeObject[]) {
  const mesh = defaultMeshConfig();
  const objects = settle(raw, { mesh, values: defaultInjectorValues() });
  const state = meshOf(objects, mesh);
  if ([...state.problems.values()].flat().some(({ severity }) => severity === "error"))
    throw new Error(JSON.stringify([...state.problems]));
  return { objects, state, pods: objects.flatMap((object) => meshedPod(object) ?? []) };
}

/** Errors: throws when the case has no first line that says what it proves, or cannot be built. */
export async function runGolden(name: string): Promise<Golden> {
  const { text, proves } = goldens.input(name);
  const input = parse(text) as Case;
  const generator: Generator = {
    views: createViews(),
    patcher: await createPatcher(),
    registry: await loadTypeRegistry(),
  };
  const raw = input.objects.map(objectOf);
  const { objects, state, pods } = build(raw);
  const out = [`# ${proves}\n`];
  for (const { from, to, method, headers } of input.requests ?? []) {
    const request = readTarget(to, method, headers ?? {});
    if (typeof request === "string") throw new Error(request);
    const [namespace = "", pod = ""] = from.split("/");
    const object = objects.find(
      (one) => one.kind === "Pod" && one.metadata.name === pod && one.metadata.namespace === namespace,
    );
    if (object === undefined) throw new Error(`no pod ${from}`);
    const proxy = meshedPod(object);
    const gateway = proxy?.node.kind === "router";
    const destination = resolveName(state, request.host, request.port, namespace, proxy?.node);
    const explanation = await explainRequest({
      request,
      caller: {
        name: `${pod}.${namespace}`,
        ip: proxy?.ip ?? "10.244.9.9",
        identity: spiffeId("cluster.local", namespace, proxy?.node.serviceAccount ?? "default"),
        config: proxy === undefined ? undefined : generatedConfig(state, proxy.node, generator),
        direction: gateway ? "gateway" : "outbound",
        bypass: gateway ? undefined : bypassReason(readMeta(object.metadata).annotations, destination.ip, request.port),
        ...(gateway ? { arrival: atGateway(state, proxy.node, request.port) } : {}),
      },
      destination,
      farSide: async (ip) => {
        const far = pods.find((one) => one.ip === ip);
        return far === undefined
          ? undefined
          : { name: `${far.name}.${far.namespace}`, meshed: true, config: generatedConfig(state, far.node, generator) };
      },
    });
    const sum = explanation.outcomes.reduce((total, { share }) => total + share, 0);
    if (Math.abs(sum - 1) > 1e-9) throw new Error(`${to}: shares add up to ${sum}`);
    out.push(explanationText(explanation));
  }
  if (input.change !== undefined) {
    const changed = input.change.map(objectOf);
    const keys = new Set(changed.map((one) => refKey(refOf(one))));
    const after = build([...raw.filter((one) => !keys.has(refKey(refOf(one)))), ...changed]);
    out.push(diffText(diffMeshes({ state, pods }, after, generator, createViews)));
  }
  return { actual: out.join("\n"), expected: goldens.expected(name) };
}

if (import.meta.main) await goldens.rewrite(async (name) => (await runGolden(name)).actual);
