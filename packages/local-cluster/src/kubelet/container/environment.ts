import type { KubeObject } from "../../contract/index.ts";
import type { ContainerSpec, EnvEntry } from "../spec/container-spec.ts";
import { textMap } from "../spec/decode.ts";
import type { PodSpec } from "../spec/pod-spec.ts";
import { expandVariables } from "./env-expansion.ts";
import { type PodFacts, podField, resourceField } from "./pod-fields.ts";

export interface EnvironmentInput {
  readonly container: ContainerSpec;
  readonly spec: PodSpec;
  readonly facts: PodFacts;
  /** ConfigMaps and Secrets that were found, by `kind/name`. */
  readonly objects: ReadonlyMap<string, KubeObject>;
  readonly serviceVariables: Readonly<Record<string, string>>;
}

export type Environment =
  | { readonly kind: "environment"; readonly env: Readonly<Record<string, string>> }
  | { readonly kind: "invalid"; readonly message: string };

export const objectKey = (kind: "configMap" | "secret", name: string): string => `${kind}/${name}`;

/** ConfigMaps and Secrets that a container's environment needs. */
export function referencedObjects(
  container: ContainerSpec,
): readonly { readonly kind: "configMap" | "secret"; readonly name: string }[] {
  const ofEnv = container.env.flatMap(({ source }) =>
    source.kind === "configMap" || source.kind === "secret" ? [source] : [],
  );
  const all = [...container.envFrom, ...ofEnv].map(
    ({ kind, name }) => [objectKey(kind, name), { kind, name }] as const,
  );
  return [...new Map(all).values()];
}

/** Values of a ConfigMap or Secret as text. */
export function objectTexts(object: KubeObject): Readonly<Record<string, string>> {
  const data = textMap(object["data"]);
  if (object.kind !== "Secret") return data;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")]),
  );
}

class EnvironmentProblem extends Error {}

/** The variables that a container starts with. Pure. Source: kubelet `makeEnvironmentVariables`. */
export function buildEnvironment(input: EnvironmentInput): Environment {
  const env: Record<string, string> = {};
  try {
    for (const from of input.container.envFrom) {
      const object = input.objects.get(objectKey(from.kind, from.name));
      if (!object && !from.optional)
        throw new EnvironmentProblem(`${from.kind.toLowerCase()} "${from.name}" not found`);
      for (const [key, value] of Object.entries(object ? objectTexts(object) : {})) env[`${from.prefix}${key}`] = value;
    }
    for (const entry of input.container.env) {
      const value = entryValue(entry, env, input);
      if (value !== undefined) env[entry.name] = value;
    }
  } catch (error) {
    if (error instanceof EnvironmentProblem) return { kind: "invalid", message: error.message };
    throw error;
  }
  return { kind: "environment", env: { ...input.serviceVariables, ...env } };
}

function entryValue(
  entry: EnvEntry,
  env: Readonly<Record<string, string>>,
  input: EnvironmentInput,
): string | undefined {
  const { source } = entry;
  switch (source.kind) {
    case "value":
      return expandVariables(source.value, { ...input.serviceVariables, ...env });
    case "field":
    case "resource": {
      const containers = [...input.spec.containers, ...input.spec.initContainers];
      const result =
        source.kind === "field"
          ? podField(source.path, input.facts)
          : resourceField(
              source.resource,
              source.divisor,
              source.container ? containers.find((c) => c.name === source.container) : input.container,
              input.facts,
            );
      if (result.kind === "unknown") throw new EnvironmentProblem(`env ${entry.name}: ${result.message}`);
      return result.value;
    }
    case "configMap":
    case "secret": {
      const object = input.objects.get(objectKey(source.kind, source.name));
      const value = object && objectTexts(object)[source.key];
      if (value !== undefined || source.optional) return value;
      if (!object) throw new EnvironmentProblem(`${source.kind.toLowerCase()} "${source.name}" not found`);
      const kind = source.kind === "configMap" ? "ConfigMap" : "Secret";
      throw new EnvironmentProblem(
        `couldn't find key ${source.key} in ${kind} ${input.facts.pod.metadata.namespace}/${source.name}`,
      );
    }
  }
}
