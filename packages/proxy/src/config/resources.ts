import type { JsonObject } from "@bufbuild/protobuf";
import { err, ok, type Result } from "@heddle/std";
import { readMessage, typeUrls } from "@heddle/xds-api";
import { ScopedRouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/scoped_route";
import { valueProblems } from "../runtime/decode-runtime.ts";
import { type ClusterConfig, decodeCluster } from "./cluster.ts";
import { decodeLoadAssignment, type LoadAssignmentConfig } from "./endpoints.ts";
import { fingerprint } from "./fingerprint.ts";
import { decodeListener, type ListenerConfig } from "./listener.ts";
import { ClusterLoadAssignmentSchema, ClusterSchema, ListenerSchema, RuntimeSchema, SecretSchema } from "./proto.ts";
import { decodeRouteTableInSteps, type RouteTableConfig } from "./route-table.ts";
import { type ConfigProblem, createScope, type DecodeScope } from "./scope.ts";
import { decodeScope, type RouteScope } from "./scoped-routes.ts";
import { decodeSecret, type SecretConfig } from "./secret.ts";
import { runSteps, type Steps } from "./steps.ts";

/** One decoded resource of any type. */
export type ResourceConfig =
  | { readonly kind: "listener"; readonly config: ListenerConfig; readonly fingerprint: string }
  | { readonly kind: "route"; readonly config: RouteTableConfig; readonly fingerprint: string }
  | { readonly kind: "scope"; readonly config: RouteScope; readonly fingerprint: string }
  | { readonly kind: "cluster"; readonly config: ClusterConfig; readonly fingerprint: string }
  | { readonly kind: "endpoints"; readonly config: LoadAssignmentConfig; readonly fingerprint: string }
  | { readonly kind: "secret"; readonly config: SecretConfig; readonly fingerprint: string }
  | { readonly kind: "runtime"; readonly config: RuntimeResource; readonly fingerprint: string };

/** Values of the runtime that a discovery server brings. */
export interface RuntimeResource {
  readonly name: string;
  readonly values: JsonObject;
}

type Decoded = Omit<ResourceConfig, "fingerprint"> | undefined;
/** In steps where one resource can be too much for one turn. */
type Decoder = (bytes: Uint8Array, scope: DecodeScope) => Decoded | Steps<Decoded>;

const DECODERS: Readonly<Record<string, Decoder>> = {
  [typeUrls.listener]: (bytes, scope) => wrap("listener", decodeListener(readMessage(ListenerSchema, bytes), scope)),
  *[typeUrls.route](bytes, scope) {
    return wrap("route", yield* decodeRouteTableInSteps(bytes, scope));
  },
  [typeUrls.scopedRoute]: (bytes, scope) =>
    wrap("scope", decodeScope(readMessage(ScopedRouteConfigurationSchema, bytes), scope)),
  [typeUrls.cluster]: (bytes, scope) => wrap("cluster", decodeCluster(readMessage(ClusterSchema, bytes), scope)),
  [typeUrls.endpoint]: (bytes, scope) =>
    wrap("endpoints", decodeLoadAssignment(readMessage(ClusterLoadAssignmentSchema, bytes), scope)),
  [typeUrls.secret]: (bytes, scope) => wrap("secret", decodeSecret(readMessage(SecretSchema, bytes), scope)),
  [typeUrls.runtime]: (bytes, scope) => {
    const { name, layer: values = {} } = readMessage(RuntimeSchema, bytes);
    for (const problem of valueProblems(values)) scope.field("layer").problem(problem);
    return wrap("runtime", { name, values });
  },
};

function wrap<K extends string, C>(
  kind: K,
  config: C | undefined,
): { readonly kind: K; readonly config: C } | undefined {
  return config === undefined ? undefined : { kind, config };
}

/** What decoding a resource comes to: all of it, or every problem with its field path. */
export type DecodedResource = Result<ResourceConfig, readonly ConfigProblem[]>;

/** Decodes a resource completely or not at all. Errors: every problem with its field path. */
export function decodeResource(typeUrl: string, bytes: Uint8Array): DecodedResource {
  return runSteps(decodeResourceInSteps(typeUrl, bytes));
}

/** The same, in steps that each take well under a millisecond mostly, between which the caller may do other things. */
export function* decodeResourceInSteps(typeUrl: string, bytes: Uint8Array): Steps<DecodedResource> {
  const decoder = DECODERS[typeUrl];
  const scope = createScope();
  if (decoder === undefined) {
    scope.problem(`this proxy does not know resources of type ${typeUrl}`);
    return err(scope.problems);
  }
  try {
    const begun = decoder(bytes, scope);
    const decoded = begun !== undefined && "next" in begun ? yield* begun : begun;
    if (decoded !== undefined && scope.problems.length === 0) {
      return ok({ ...decoded, fingerprint: fingerprint(bytes) } as ResourceConfig);
    }
  } catch (error) {
    scope.problem(`the bytes can't be decoded: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (scope.problems.length === 0) scope.problem("the resource is incomplete");
  return err(scope.problems);
}
