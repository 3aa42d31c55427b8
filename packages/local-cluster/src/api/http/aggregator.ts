import https from "node:https";
import type { ClusterApi, KubeObject } from "../../contract/index.ts";
import { serviceUnavailable } from "../errors/api-errors.ts";
import { at, type Dict, dict, int, isDict, list, text } from "../json/json-value.ts";
import type { FrontProxyPki } from "../pki/cluster-pki.ts";
import type { Store } from "../store/store.ts";
import type { Exchange } from "./exchange.ts";
import { type ForwardTerms, findEndpoint, forward, type ProxyPlace } from "./proxy.ts";

/** Groups of the API that other servers answer, as APIService objects say. */
export interface Aggregator {
  /** Passes a request on to the server of its group. Undefined: no APIService has it. */
  serve(exchange: Exchange, group: string, version: string): Promise<void> | undefined;
  /** `APIResourceList`s of the groups whose server answers, for discovery. */
  lists(): readonly RemoteList[];
  /** Grows when `lists` changes. */
  readonly revision: number;
  start(api: ClusterApi): void;
  close(): void;
}

export interface RemoteList {
  readonly group: string;
  readonly version: string;
  readonly resources: readonly Dict[];
}

const API_SERVICES = { group: "apiregistration.k8s.io", version: "v1", resource: "apiservices" } as const;
const COLLECTION = "apiregistration.k8s.io/apiservices";
/** How often it is asked whether the servers answer: soon while one does not. Units: ms. */
const PROBE_MS = { absent: 500, present: 10_000 };
const PROBE_TIMEOUT_MS = 5000;
const LIMIT_BYTES = 1024 * 1024;
/** What only the API server may say. */
const IDENTITY_HEADER = /^x-remote-/;

export function createAggregator(deps: {
  readonly store: Store;
  readonly frontProxy: FrontProxyPki;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
}): Aggregator {
  const { store, frontProxy } = deps;
  const known = new Map<string, RemoteList>();
  const probedAt = new Map<string, number>();
  let revision = 0;
  let turn = 0;
  let timer: ReturnType<typeof setInterval> | undefined;

  const remote = (): readonly KubeObject[] =>
    store
      .collection(COLLECTION)
      .list(undefined)
      .filter((object) => isDict(at(object, "spec", "service")));

  function placeOf(service: KubeObject): ProxyPlace | string {
    const { namespace, name, port } = dict(at(service, "spec", "service"));
    const where = `${text(namespace)}/${text(name)}`;
    const found = store.collection("/services").get(text(namespace), text(name));
    if (!found) return `service/${text(name)} in ${JSON.stringify(text(namespace))} is not present`;
    const chosen = list(at(found, "spec", "ports"))
      .map(dict)
      .find((item) => item["port"] === int(port, 443));
    if (!chosen) return `service ${where} has no port ${int(port, 443)}`;
    const endpoint = findEndpoint(store, text(namespace), text(name), text(chosen["name"]), turn++);
    return endpoint
      ? { ...endpoint, secure: true }
      : `endpoints for service/${text(name)} in ${JSON.stringify(text(namespace))} have no addresses`;
  }

  function tlsOf(service: KubeObject): ForwardTerms["tls"] {
    const spec = dict(service["spec"]);
    const { namespace, name } = dict(spec["service"]);
    const bundle = text(spec["caBundle"]);
    return {
      cert: frontProxy.certPem,
      key: frontProxy.keyPem,
      servername: `${text(name)}.${text(namespace)}.svc`,
      rejectUnauthorized: spec["insecureSkipTLSVerify"] !== true,
      ...(bundle === "" ? {} : { ca: Buffer.from(bundle, "base64").toString() }),
    };
  }

  function probe(service: KubeObject): Promise<readonly Dict[]> {
    const place = placeOf(service);
    if (typeof place === "string") return Promise.reject(new Error(place));
    const path = `/apis/${text(at(service, "spec", "group"))}/${text(at(service, "spec", "version"))}`;
    return new Promise((resolve, reject) => {
      const request = https.request(
        {
          host: place.host,
          port: place.port,
          path,
          agent: false,
          signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
          headers: {
            accept: "application/json",
            "x-remote-user": "system:kube-aggregator",
            "x-remote-group": "system:masters",
          },
          ...tlsOf(service),
        },
        (answer) => {
          const chunks: Buffer[] = [];
          let size = 0;
          answer.on("data", (chunk: Buffer) => {
            size += chunk.length;
            if (size > LIMIT_BYTES) request.destroy(new Error("the answer is larger than 1 MiB"));
            else chunks.push(chunk);
          });
          answer.on("error", reject);
          answer.on("end", () => {
            if (answer.statusCode !== 200) return reject(new Error(`bad status from ${path}: ${answer.statusCode}`));
            try {
              resolve(list(at(JSON.parse(Buffer.concat(chunks).toString()), "resources")).map(dict));
            } catch {
              reject(new Error(`${path} answered something else than JSON`));
            }
          });
        },
      );
      request.on("error", reject);
      request.end();
    });
  }

  async function check(api: ClusterApi, service: KubeObject): Promise<void> {
    const { name } = service.metadata;
    const answer = await probe(service).then(
      (resources) => ({ resources, problem: "" }),
      (error: unknown) => ({ resources: undefined, problem: error instanceof Error ? error.message : String(error) }),
    );
    if (answer.resources) {
      const [group, version] = [text(at(service, "spec", "group")), text(at(service, "spec", "version"))];
      if (!known.has(name)) revision++;
      known.set(name, { group, version, resources: answer.resources });
    } else if (known.delete(name)) revision++;
    const next = {
      type: "Available",
      status: answer.resources ? "True" : "False",
      reason: answer.resources ? "Passed" : "FailedDiscoveryCheck",
      message: answer.resources ? "all checks passed" : `failing or missing response: ${answer.problem}`,
    };
    const last = list(at(service, "status", "conditions"))
      .map(dict)
      .find((c) => c["type"] === "Available");
    if (last?.["status"] === next.status && last["message"] === next.message) return;
    const conditions = [{ ...next, lastTransitionTime: new Date(deps.nowMs()).toISOString().replace(/\.\d+Z$/, "Z") }];
    await api.patch(API_SERVICES, undefined, name, { status: { conditions } }, "status");
  }

  function checkAll(api: ClusterApi): void {
    const services = remote();
    for (const name of known.keys())
      if (!services.some((s) => s.metadata.name === name) && known.delete(name)) revision++;
    for (const service of services) {
      const { name } = service.metadata;
      const lost = known.has(name) && typeof placeOf(service) === "string";
      const wait = known.has(name) && !lost ? PROBE_MS.present : PROBE_MS.absent;
      if (deps.nowMs() - (probedAt.get(name) ?? Number.NEGATIVE_INFINITY) < wait) continue;
      probedAt.set(name, deps.nowMs());
      // An object that changes meanwhile is looked at again next time.
      check(api, service).catch(() => undefined);
    }
  }

  return {
    serve(exchange, group, version) {
      const service = store.collection(COLLECTION).get("", `${version}.${group}`);
      if (!service || !isDict(at(service, "spec", "service"))) return undefined;
      const place = placeOf(service);
      if (typeof place === "string") return Promise.reject(serviceUnavailable(`service unavailable: ${place}`));
      const { actor } = exchange;
      const extra = Object.entries(actor.extra).map(
        ([key, values]) => [`x-remote-extra-${encodeURIComponent(key)}`, values] as const,
      );
      const headers = Object.fromEntries(
        Object.entries(exchange.headers).filter(([name]) => !IDENTITY_HEADER.test(name)),
      );
      return forward({ ...exchange, headers }, place, exchange.path.slice(1), {
        headers: { "x-remote-user": actor.name, "x-remote-group": actor.groups, ...Object.fromEntries(extra) },
        tls: tlsOf(service),
      });
    },
    lists: () => [...known.values()],
    get revision() {
      return revision;
    },
    start(api) {
      timer = setInterval(() => checkAll(api), PROBE_MS.absent);
    },
    close: () => clearInterval(timer),
  };
}
