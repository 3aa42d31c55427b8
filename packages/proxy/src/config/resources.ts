import { err, ok, type Result } from "@heddle/std";
import { readMessage, typeUrls } from "@heddle/xds-api";
import { type ClusterConfig, decodeCluster } from "./cluster.ts";
import { decodeLoadAssignment, type LoadAssignmentConfig } from "./endpoints.ts";
import { fingerprint } from "./fingerprint.ts";
import { decodeListener, type ListenerConfig } from "./listener.ts";
import {
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  ListenerSchema,
  RouteConfigurationSchema,
  SecretSchema,
} from "./proto.ts";
import { decodeRouteTable, type RouteTableConfig } from "./route-table.ts";
import { type ConfigProblem, createScope, type DecodeScope } from "./scope.ts";
import { decodeSecret, type SecretConfig } from "./secret.ts";

/** One decoded resource of any type. */
export type ResourceConfig =
  | { readonly kind: "listener"; readonly config: ListenerConfig; readonly fingerprint: string }
  | { readonly kind: "route"; readonly config: RouteTableConfig; readonly fingerprint: string }
  | { readonly kind: "cluster"; readonly config: ClusterConfig; readonly fingerprint: string }
  | { readonly kind: "endpoints"; readonly config: LoadAssignmentConfig; readonly fingerprint: string }
  | { readonly kind: "secret"; readonly config: SecretConfig; readonly fingerprint: string };

type Decoder = (bytes: Uint8Array, scope: DecodeScope) => Omit<ResourceConfig, "fingerprint"> | undefined;

const DECODERS: Readonly<Record<string, Decoder>> = {
  [typeUrls.listener]: (bytes, scope) => wrap("listener", decodeListener(readMessage(ListenerSchema, bytes), scope)),
  [typeUrls.route]: (bytes, scope) =>
    wrap("route", decodeRouteTable(readMessage(RouteConfigurationSchema, bytes), scope)),
  [typeUrls.cluster]: (bytes, scope) => wrap("cluster", decodeCluster(readMessage(ClusterSchema, bytes), scope)),
  [typeUrls.endpoint]: (bytes, scope) =>
    wrap("endpoints", decodeLoadAssignment(readMessage(ClusterLoadAssignmentSchema, bytes), scope)),
  [typeUrls.secret]: (bytes, scope) => wrap("secret", decodeSecret(readMessage(SecretSchema, bytes), scope)),
};

function wrap<K extends string, C>(
  kind: K,
  config: C | undefined,
): { readonly kind: K; readonly config: C } | undefined {
  return config === undefined ? undefined : { kind, config };
}

/** Decodes a resource completely or not at all. Errors: every problem with its field path. */
export function decodeResource(typeUrl: string, bytes: Uint8Array): Result<ResourceConfig, readonly ConfigProblem[]> {
  const decoder = DECODERS[typeUrl];
  const scope = createScope();
  if (decoder === undefined) {
    scope.problem(`this proxy does not know resources of type ${typeUrl}`);
    return err(scope.problems);
  }
  try {
    const decoded = decoder(bytes, scope);
    if (decoded !== undefined && scope.problems.length === 0) {
      return ok({ ...decoded, fingerprint: fingerprint(bytes) } as ResourceConfig);
    }
  } catch (error) {
    scope.problem(`the bytes can't be decoded: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (scope.problems.length === 0) scope.problem("the resource is incomplete");
  return err(scope.problems);
}
