import { expect, test } from "bun:test";
import { defaultMeshConfig, type KubeObject, refOf } from "@heddle/config";
import { applyEvents } from "./apply.ts";
import type { SourceEvent } from "./events.ts";
import { contentHash } from "./hash.ts";
import { emptyMesh, type MeshState } from "./state.ts";

/** A small deterministic generator (mulberry32), so that a failure can be repeated by its seed. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const meta = (name: string, namespace: string, more: object = {}) => ({ name, namespace, ...more });

/** One random version of one of a few objects, so that versions replace each other often. */
function randomObject(next: (below: number) => number): KubeObject {
  const namespace = `n${next(2)}`;
  const app = `a${next(3)}`;
  const ip = `10.0.0.${next(6)}`;
  switch (next(9)) {
    case 0:
      return { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels: { x: String(next(2)) } } };
    case 1:
      return {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: "node", labels: { "topology.kubernetes.io/region": `r${next(2)}` } },
      };
    case 2:
      return {
        apiVersion: "v1",
        kind: "Service",
        metadata: meta(app, namespace),
        spec: {
          clusterIP: next(3) === 0 ? "None" : "10.1.0.1",
          selector: { app: `a${next(3)}` },
          ports: [{ name: "http", port: 80 + next(2) }],
        },
      };
    case 3:
    case 4:
      return {
        apiVersion: "v1",
        kind: "Pod",
        metadata: meta(`p${next(4)}`, namespace, {
          labels: { app, "security.istio.io/tlsMode": next(2) === 0 ? "istio" : "x" },
        }),
        spec: { serviceAccountName: `s${next(2)}`, nodeName: "node", containers: [], hostNetwork: next(8) === 0 },
        status: { podIP: ip, phase: next(6) === 0 ? "Succeeded" : "Running" },
      };
    case 5:
      return {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: meta(`e${next(3)}`, namespace, { labels: { "kubernetes.io/service-name": app } }),
        ports: [{ name: "http", port: 8080 }],
        endpoints: [
          { addresses: [ip], conditions: { ready: next(3) > 0 }, targetRef: { kind: "Pod", name: `p${next(4)}` } },
        ],
      };
    case 6:
      return {
        apiVersion: "security.istio.io/v1",
        kind: "PeerAuthentication",
        metadata: meta("default", namespace),
        spec: { mtls: { mode: ["STRICT", "DISABLE", "UNSET"][next(3)] } },
      };
    case 7:
      return {
        apiVersion: "networking.istio.io/v1",
        kind: "WorkloadEntry",
        metadata: meta(`w${next(2)}`, namespace),
        spec: { address: ip, labels: { app } },
      };
    default:
      return {
        apiVersion: "networking.istio.io/v1",
        kind: "ServiceEntry",
        metadata: meta(`se${next(2)}`, namespace),
        spec: {
          hosts: [next(2) === 0 ? `h${next(2)}.example` : `${app}.${namespace}.svc.cluster.local`],
          ports: [{ number: 80, name: "http", protocol: "HTTP" }],
          resolution: "STATIC",
          workloadSelector: { labels: { app } },
          location: next(2) === 0 ? "MESH_INTERNAL" : "MESH_EXTERNAL",
        },
      };
  }
}

/** Everything that is derived. Which of two pods with one address owns it depends on history, so addresses are compared by the rest. */
function derived(state: MeshState): unknown {
  return {
    services: [...state.services.values()]
      .map((service) => ({ ...service }))
      .sort((a, b) => (a.hostname < b.hostname ? -1 : 1)),
    endpoints: [...state.endpoints].map(([host, found]) => [host, found.hash]).sort(),
  };
}

test("a history of events gives the same mesh as one listing of what is left", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const next = generator(seed);
    let state = emptyMesh({ mesh: defaultMeshConfig() });
    const objects = new Map<string, KubeObject>();
    const addresses = new Map<string, string>();
    for (let step = 0; step < 40; step++) {
      const events: SourceEvent[] = [];
      for (let i = 0; i <= next(3); i++) {
        const object = randomObject(next);
        const ref = refOf(object);
        const key = `${ref.kind}/${ref.namespace}/${ref.name}`;
        const status = object["status"] as { podIP?: string } | undefined;
        // Two live pods never share an address in a cluster.
        const owner = status?.podIP === undefined ? undefined : addresses.get(status.podIP);
        if (owner !== undefined && owner !== key) continue;
        for (const [ip, holder] of addresses) if (holder === key) addresses.delete(ip);
        if (next(4) === 0) {
          objects.delete(key);
          events.push({ kind: "delete", ref });
          continue;
        }
        if (status?.podIP !== undefined) addresses.set(status.podIP, key);
        objects.set(key, object);
        events.push({ kind: "upsert", object });
      }
      state = applyEvents(state, events).state;
    }
    const listing = [...objects.values()].map((object): SourceEvent => ({ kind: "upsert", object }));
    const fresh = applyEvents(emptyMesh({ mesh: defaultMeshConfig() }), listing).state;
    if (contentHash(derived(state)) !== contentHash(derived(fresh))) {
      expect({ seed, mesh: derived(state) }).toEqual({ seed, mesh: derived(fresh) });
    }
  }
}, 30_000);

test("a change is announced whenever services or endpoints differ", () => {
  for (let seed = 1000; seed < 1040; seed++) {
    const next = generator(seed);
    let state = emptyMesh({ mesh: defaultMeshConfig() });
    for (let step = 0; step < 40; step++) {
      const object = randomObject(next);
      const event: SourceEvent = next(4) === 0 ? { kind: "delete", ref: refOf(object) } : { kind: "upsert", object };
      const { state: after, change } = applyEvents(state, [event]);
      if (contentHash([...after.services]) !== contentHash([...state.services])) expect(change.views).toBe(true);
      for (const [host, found] of after.endpoints) {
        if (state.endpoints.get(host)?.hash !== found.hash) expect(change.endpoints).toContain(host);
      }
      state = after;
    }
  }
}, 30_000);
