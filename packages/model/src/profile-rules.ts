import {
  alternativesOf,
  type HttpMatch,
  type HttpRetry,
  type Literal,
  type ProfileRoute,
  type ServiceProfile,
  statusMeets,
} from "@heddle/config";
import { byAge } from "./namespace-scope.ts";
import type { RoutedHttp, RoutingClient, RoutingRule, StatusClass } from "./routing-rules.ts";
import type { RuleMemo } from "./rule-memo.ts";
import type { MeshState } from "./state.ts";

/** A repeated try of Linkerd's ends when its budget does; here also after so many. */
const MOST_TRIES = 3;
/** What Linkerd takes for a failure, and what never reached anybody. */
const RETRY_ON = "5xx,reset,connect-failure,refused-stream,retriable-headers";
/** gRPC codes that Linkerd takes for failures: UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const FAILED_GRPC = [2, 4, 13, 14, 15];

/** Routes that ServiceProfiles name, for one sidecar: the profile of its own namespace before that of the Service's. */
export function profileRules(state: MeshState, client: RoutingClient, memo: RuleMemo): readonly RoutingRule[] {
  if (state.objects.serviceProfiles.size === 0) return [];
  return [...profilesFor(state, client.namespace).values()].map((profile) =>
    memo.ofProfile(profile, () => ruleOf(profile)),
  );
}

/** By host name. */
export function profilesFor(state: MeshState, namespace: string): ReadonlyMap<string, ServiceProfile> {
  const chosen = new Map<string, ServiceProfile>();
  for (const profile of [...state.objects.serviceProfiles.values()].sort(byAge)) {
    const host = profile.ref.name;
    const own = profile.ref.namespace === namespace;
    const service = state.services.get(host);
    if (service === undefined || !(own || profile.ref.namespace === service.namespace)) continue;
    if (own || !chosen.has(host)) chosen.set(host, profile);
  }
  return chosen;
}

function ruleOf(profile: ServiceProfile): RoutingRule {
  const host = profile.ref.name;
  const route = destinations(profile);
  const http: RoutedHttp[] = profile.spec.routes.map((written, i) => {
    const path = `spec.routes[${i}]`;
    return {
      name: written.name,
      match: matchesOf(written).map((match) => ({ ...match, at: { source: profile.ref, path: `${path}.condition` } })),
      route,
      mirrors: [],
      ...(written.timeout === undefined ? {} : { timeout: written.timeout }),
      ...(written.isRetryable ? { retries: retriesOf(written), retriableGrpc: FAILED_GRPC } : {}),
      statusClasses: classesOf(written),
      at: { source: profile.ref, path },
    };
  });
  // What no route names goes the same way, counted as the default.
  const rest: RoutedHttp = { match: [], route, mirrors: [], at: { source: profile.ref, path: "spec" } };
  return { hosts: [host], http: [...http, rest], tls: [], tcp: [], sources: [profile.ref] };
}

function destinations({ ref, spec }: ServiceProfile): RoutedHttp["route"] {
  if (spec.dstOverrides.length === 0) return [{ destination: { host: ref.name }, weight: 0 }];
  return spec.dstOverrides.map(({ authority, weight }) => {
    const [host = "", port] = authority.replace(/\.$/, "").split(":");
    const milli = weight.endsWith("m") ? Number(weight.slice(0, -1)) : Number(weight) * 1000;
    return {
      destination: { host, ...(port === undefined ? {} : { port: { number: Number(port) } }) },
      weight: Math.round(milli),
    };
  });
}

function matchesOf(route: ProfileRoute): readonly HttpMatch[] {
  return (alternativesOf(route.condition) ?? []).map(matchOf);
}

/** Paths are compared whole and without the query, as Linkerd does. */
function matchOf(literals: readonly Literal[]): HttpMatch {
  const values = (kind: Literal["kind"], negated: boolean) =>
    literals.filter((one) => one.kind === kind && one.negated === negated).map((one) => one.value);
  const [path, ...morePaths] = values("path", false);
  const [method, ...moreMethods] = new Set(values("method", false));
  const refusedPaths = values("path", true).map((regex) => `(?:${regex})`);
  const refusedMethods = values("method", true);
  const onlyOther = morePaths.map((regex) => `(?:${regex})`);
  return {
    ...(path === undefined ? {} : { uri: { regex: path } }),
    ...(method === undefined ? {} : { method: { exact: method } }),
    headers: {
      // Two methods at once: no request has them.
      ...(moreMethods.length === 0 ? {} : { ":method": { exact: `${method} and ${moreMethods.join(" and ")}` } }),
      ...(onlyOther.length === 0 ? {} : { ":path": { regex: `${onlyOther[0]}(?:\\?.*)?` } }),
    },
    withoutHeaders: {
      ...(refusedPaths.length === 0 ? {} : { ":path": { regex: `(?:${refusedPaths.join("|")})(?:\\?.*)?` } }),
      ...(refusedMethods.length === 0 ? {} : { ":method": { regex: refusedMethods.join("|") } }),
    },
    queryParams: {},
    sourceLabels: {},
    gateways: [],
    ignoreUriCase: false,
  };
}

function retriesOf(route: ProfileRoute): HttpRetry {
  const failing = classesOf(route).filter((one) => one.failure && one.max < 500);
  const codes = failing.flatMap(({ min, max }) => Array.from({ length: max - min + 1 }, (_, i) => String(min + i)));
  return { attempts: MOST_TRIES, retryOn: [RETRY_ON, ...codes].join(",") };
}

/** What the classes say of each status, the first that fits; statuses that no class names are left out. */
function classesOf({ responseClasses }: ProfileRoute): readonly StatusClass[] {
  const found: { min: number; max: number; failure: boolean }[] = [];
  if (responseClasses.length === 0) return found;
  for (let status = 100; status < 600; status++) {
    const failure = responseClasses.find(({ condition }) => statusMeets(condition, status))?.isFailure;
    if (failure === undefined) continue;
    const last = found.at(-1);
    if (last?.max === status - 1 && last.failure === failure) last.max = status;
    else found.push({ min: status, max: status, failure });
  }
  return found;
}

/** The budget of a host's profile, as a cluster has it. Linkerd counts per second, Envoy what is under way at a time. */
export function profileBudget(profile: ServiceProfile | undefined) {
  const budget = profile?.spec.retryBudget;
  if (budget === undefined) return undefined;
  return {
    percent: Math.min(100, budget.retryRatio * 100),
    minRetryConcurrency: budget.minRetriesPerSecond,
    budgetInterval: budget.ttl,
  };
}
