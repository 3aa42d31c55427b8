import { describe, expect, test } from "bun:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { typeUrls } from "@heddle/xds-api";
import { ClusterSchema } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { NodeSchema } from "@heddle/xds-api/envoy/config/core/v3/base";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "@heddle/xds-api/envoy/service/discovery/v3/discovery";
import {
  type Answer,
  createDeltaClient,
  createResourceSet,
  createServerStream,
  createSnapshot,
  createSotwClient,
  type DiscoveryClient,
  type EncodedResource,
  encodeDeltaResponse,
  encodeSotwResponse,
  type OutgoingResponse,
  type ResourceUpdate,
  readDeltaRequest,
  readSotwRequest,
  type ServerStream,
} from "./index.ts";

const { cluster: CDS, endpoint: EDS, listener: LDS, route: RDS, nameTable: NDS } = typeUrls;
const dialects = ["sotw", "delta"] as const;

/** Client and server joined by encoded messages that are delivered one at a time. */
class Pair {
  readonly updates: ResourceUpdate[] = [];
  readonly answers: Answer[] = [];
  readonly wire: string[] = [];
  server: ServerStream;
  reject: (update: ResourceUpdate) => string | undefined = () => undefined;
  readonly #dialect: (typeof dialects)[number];
  readonly #queue: (() => void)[] = [];
  #generation = 0;
  readonly client: Pick<
    DiscoveryClient<never>,
    "subscribe" | "unsubscribe" | "streamOpened" | "streamClosed" | "status"
  >;
  readonly #toClient: (bytes: Uint8Array) => void;
  nodes = 0;

  constructor(dialect: (typeof dialects)[number]) {
    this.#dialect = dialect;
    const node = create(NodeSchema, { id: "sidecar~1.1.1.1~a.b~b.svc.cluster.local" });
    const onUpdate = (update: ResourceUpdate): string | undefined => {
      const reason = this.reject(update);
      if (reason === undefined) this.updates.push(update);
      return reason;
    };
    if (dialect === "sotw") {
      const client = createSotwClient({
        node,
        onUpdate,
        send: (request) => this.#toServer(toBinary(DiscoveryRequestSchema, request)),
      });
      this.client = client;
      this.#toClient = (bytes) => client.receive(fromBinary(DiscoveryResponseSchema, bytes));
    } else {
      const client = createDeltaClient({
        node,
        onUpdate,
        send: (request) => this.#toServer(toBinary(DeltaDiscoveryRequestSchema, request)),
      });
      this.client = client;
      this.#toClient = (bytes) => client.receive(fromBinary(DeltaDiscoveryResponseSchema, bytes));
    }
    this.server = this.#newServer();
  }

  #newServer(): ServerStream {
    const generation = ++this.#generation;
    return createServerStream({
      dialect: this.#dialect,
      onAnswer: (answer) => this.answers.push(answer),
      send: (response) => this.#respond(response, generation),
    });
  }

  #respond(response: OutgoingResponse, generation: number): void {
    const short = response.typeUrl.slice(response.typeUrl.lastIndexOf(".") + 1);
    const removed = response.removed.map((name) => `-${name}`);
    this.wire.push(`${short}[${[...response.resources.map((resource) => resource.name), ...removed].join(" ")}]`);
    const bytes = this.#dialect === "sotw" ? encodeSotwResponse(response) : encodeDeltaResponse(response);
    this.#queue.push(() => generation === this.#generation && this.#toClient(bytes));
  }

  #toServer(bytes: Uint8Array): void {
    const generation = this.#generation;
    this.#queue.push(() => {
      if (generation !== this.#generation) return;
      if (this.#dialect === "sotw") {
        const request = fromBinary(DiscoveryRequestSchema, bytes);
        if (request.node !== undefined) this.nodes++;
        this.server.receive(readSotwRequest(request));
      } else {
        const request = fromBinary(DeltaDiscoveryRequestSchema, bytes);
        if (request.node !== undefined) this.nodes++;
        this.server.receive(readDeltaRequest(request));
      }
    });
  }

  /** Delivers one message; false when none is under way. */
  step(): boolean {
    const deliver = this.#queue.shift();
    deliver?.();
    return deliver !== undefined;
  }

  settle(): this {
    for (let i = 0; i < 1000; i++) if (!this.step()) return this;
    throw new Error("client and server never stop talking");
  }

  reconnect(): void {
    this.client.streamClosed();
    this.server = this.#newServer();
    this.client.streamOpened();
  }

  /** Names that the client has, by what it was told. */
  has(typeUrl: string): string[] {
    const names = new Set<string>();
    for (const update of this.updates) {
      if (update.typeUrl !== typeUrl) continue;
      for (const resource of update.resources) names.add(resource.name);
      for (const name of update.removed) names.delete(name);
    }
    return [...names].sort();
  }

  takeWire(): string[] {
    return this.wire.splice(0);
  }
}

function resource(name: string, version = "1"): EncodedResource {
  // Field 1 is the name in every resource type; the version makes the bytes differ.
  return { name, version, body: toBinary(ClusterSchema, create(ClusterSchema, { name, altStatName: version })) };
}

let versions = 0;
function world(sets: Record<string, EncodedResource[]>) {
  return createSnapshot(
    Object.fromEntries(Object.entries(sets).map(([type, list]) => [type, createResourceSet(`v${++versions}`, list)])),
  );
}

function opened(dialect: (typeof dialects)[number]): Pair {
  const pair = new Pair(dialect);
  pair.client.streamOpened();
  return pair;
}

describe.each(dialects)("%s", (dialect) => {
  test("a wildcard subscriber gets everything, once, and acknowledges it", () => {
    const pair = opened(dialect);
    pair.server.update(world({ [CDS]: [resource("a"), resource("b")] }));
    pair.client.subscribe(CDS);
    pair.settle();
    expect(pair.has(CDS)).toEqual(["a", "b"]);
    expect(pair.takeWire()).toEqual(["Cluster[a b]"]);
    const [status] = pair.server.status();
    expect(status).toMatchObject({ wildcard: true, pending: false, rejection: undefined });
    expect(status?.ackedVersion).toBe(status?.sentVersion ?? "none");
    expect(status?.ackedNonce).toBe(status?.sentNonce ?? "none");
    expect(pair.client.status()[0]?.version).toBe(status?.ackedVersion ?? "none");
  });

  test("the node is sent once a stream", () => {
    const pair = opened(dialect);
    pair.server.update(world({}));
    pair.client.subscribe(CDS);
    pair.client.subscribe(LDS);
    pair.settle();
    expect(pair.nodes).toBe(1);
    pair.reconnect();
    pair.settle();
    expect(pair.nodes).toBe(2);
  });

  test("requests that come before the snapshot are answered when it is there", () => {
    const pair = opened(dialect);
    pair.client.subscribe(CDS);
    pair.client.subscribe(EDS, ["a"]);
    pair.settle();
    expect(pair.takeWire()).toEqual([]);
    pair.server.update(world({ [CDS]: [resource("a")], [EDS]: [resource("a"), resource("b")] }));
    pair.settle();
    expect(pair.takeWire()).toEqual(["Cluster[a]", "ClusterLoadAssignment[a]"]);
  });

  test("an empty type is answered too, or the client would wait for it", () => {
    const pair = opened(dialect);
    pair.server.update(world({}));
    pair.client.subscribe(LDS);
    pair.settle();
    expect(pair.takeWire()).toEqual(["Listener[]"]);
  });

  test("named subscribers get only these names, and later ones without the earlier", () => {
    const pair = opened(dialect);
    pair.server.update(world({ [EDS]: [resource("a"), resource("b"), resource("c")] }));
    pair.client.subscribe(EDS, ["a"]);
    pair.settle();
    pair.client.subscribe(EDS, ["b"]);
    pair.settle();
    expect(pair.takeWire()).toEqual(["ClusterLoadAssignment[a]", "ClusterLoadAssignment[b]"]);
    expect(pair.has(EDS)).toEqual(["a", "b"]);
  });

  test("only changed endpoints are sent", () => {
    const pair = opened(dialect);
    pair.server.update(world({ [EDS]: [resource("a"), resource("b")] }));
    pair.client.subscribe(EDS, ["a", "b"]);
    pair.settle();
    pair.takeWire();
    pair.server.update(world({ [EDS]: [resource("a"), resource("b", "2")] }));
    pair.settle();
    expect(pair.takeWire()).toEqual(["ClusterLoadAssignment[b]"]);
    pair.server.update(world({ [EDS]: [resource("a"), resource("b", "2")] }));
    pair.settle();
    expect(pair.takeWire()).toEqual([]);
  });

  test("an unsubscribed name is no longer sent, and is sent again when wanted again", () => {
    const pair = opened(dialect);
    pair.server.update(world({ [RDS]: [resource("80"), resource("90")] }));
    pair.client.subscribe(RDS, ["80", "90"]);
    pair.settle();
    pair.client.unsubscribe(RDS, ["90"]);
    pair.settle();
    pair.takeWire();
    pair.server.update(world({ [RDS]: [resource("80", "2"), resource("90", "2")] }));
    pair.settle();
    expect(pair.takeWire()).toEqual(["RouteConfiguration[80]"]);
    pair.client.subscribe(RDS, ["90"]);
    pair.settle();
    expect(pair.takeWire()).toEqual(["RouteConfiguration[90]"]);
  });

  test("a rejection is recorded with its reason, is not repeated, and ends with the next good version", () => {
    const pair = opened(dialect);
    pair.reject = (update) =>
      update.resources.some((r) => r.version === "bad" || bodyHas(r.body.value, "bad")) ? "Listener a: no" : undefined;
    pair.server.update(world({ [LDS]: [resource("a")] }));
    pair.client.subscribe(LDS);
    pair.settle();
    const good = pair.server.status()[0]?.ackedVersion;
    pair.server.update(world({ [LDS]: [resource("a", "bad")] }));
    pair.settle();
    expect(pair.answers.at(-1)?.rejection).toBe("Listener a: no");
    expect(pair.server.status()[0]).toMatchObject({ rejection: "Listener a: no", ackedVersion: good, pending: false });
    expect(pair.client.status()[0]).toMatchObject({ rejection: "Listener a: no", version: good });
    expect(pair.takeWire()).toHaveLength(2);
    pair.server.update(world({ [LDS]: [resource("a", "3")] }));
    pair.settle();
    expect(pair.server.status()[0]?.rejection).toBeUndefined();
    expect(pair.client.status()[0]?.rejection).toBeUndefined();
  });

  test("order of a change: clusters, endpoints, listeners, routes, each after the answer to the one before", () => {
    const pair = opened(dialect);
    pair.server.update(
      world({ [CDS]: [resource("a")], [EDS]: [resource("a")], [LDS]: [resource("l")], [RDS]: [resource("r")] }),
    );
    pair.client.subscribe(RDS, ["r"]);
    pair.client.subscribe(LDS);
    pair.client.subscribe(EDS, ["a"]);
    pair.client.subscribe(CDS);
    pair.settle();
    pair.takeWire();
    pair.server.update(
      world({
        [CDS]: [resource("a", "2")],
        [EDS]: [resource("a", "2")],
        [LDS]: [resource("l", "2")],
        [RDS]: [resource("r", "2")],
      }),
    );
    expect(pair.wire).toEqual(["Cluster[a]"]);
    pair.settle();
    expect(pair.takeWire()).toEqual(["Cluster[a]", "ClusterLoadAssignment[a]", "Listener[l]", "RouteConfiguration[r]"]);
  });

  test("a cluster goes only after the routes that used it (make before break)", () => {
    const pair = opened(dialect);
    pair.server.update(world({ [CDS]: [resource("old")], [RDS]: [resource("r")] }));
    pair.client.subscribe(CDS);
    pair.client.subscribe(RDS, ["r"]);
    pair.settle();
    pair.takeWire();
    pair.server.update(world({ [CDS]: [resource("new")], [RDS]: [resource("r", "2")] }));
    pair.settle();
    expect(pair.takeWire()).toEqual(
      dialect === "sotw"
        ? ["Cluster[new old]", "RouteConfiguration[r]", "Cluster[new]"]
        : ["Cluster[new]", "RouteConfiguration[r]", "Cluster[-old]"],
    );
    expect(pair.has(CDS)).toEqual(["new"]);
  });

  test("a client that rejected its new routes keeps the old clusters", () => {
    const pair = opened(dialect);
    pair.server.update(world({ [CDS]: [resource("old")], [RDS]: [resource("r")] }));
    pair.client.subscribe(CDS);
    pair.client.subscribe(RDS, ["r"]);
    pair.settle();
    pair.reject = (update) => (update.typeUrl === RDS ? "no" : undefined);
    pair.server.update(world({ [CDS]: [resource("new")], [RDS]: [resource("r", "2")] }));
    pair.settle();
    expect(pair.has(CDS)).toEqual(["new", "old"]);
    pair.reject = () => undefined;
    pair.server.update(world({ [CDS]: [resource("new")], [RDS]: [resource("r", "3")] }));
    pair.settle();
    expect(pair.has(CDS)).toEqual(["new"]);
  });

  test("a removed listener is told at once", () => {
    const pair = opened(dialect);
    pair.server.update(world({ [LDS]: [resource("a"), resource("b")] }));
    pair.client.subscribe(LDS);
    pair.settle();
    pair.server.update(world({ [LDS]: [resource("b")] }));
    pair.settle();
    expect(pair.has(LDS)).toEqual(["b"]);
  });

  test("changes while the client is busy collapse into the newest", () => {
    const pair = opened(dialect);
    pair.server.update(world({ [LDS]: [resource("a")] }));
    pair.client.subscribe(LDS);
    pair.settle();
    pair.takeWire();
    for (let version = 2; version < 9; version++)
      pair.server.update(world({ [LDS]: [resource("a", String(version))] }));
    pair.settle();
    expect(pair.takeWire()).toHaveLength(2);
    expect(bodyHas(pair.updates.at(-1)?.resources[0]?.body.value ?? new Uint8Array(), "8")).toBe(true);
  });

  test("nothing is sent while paused", () => {
    const pair = opened(dialect);
    pair.server.update(world({ [LDS]: [resource("a")] }));
    pair.server.pause();
    pair.client.subscribe(LDS);
    pair.settle();
    pair.server.update(world({ [LDS]: [resource("b")] }));
    expect(pair.takeWire()).toEqual([]);
    pair.server.resume();
    pair.settle();
    expect(pair.takeWire()).toEqual(["Listener[b]"]);
  });

  test("endless endpoint changes do not starve listeners", () => {
    const pair = opened(dialect);
    const sets = (i: number, l: string) => world({ [EDS]: [resource("a", String(i))], [LDS]: [resource("l", l)] });
    pair.server.update(sets(0, "1"));
    pair.client.subscribe(EDS, ["a"]);
    pair.client.subscribe(LDS);
    pair.settle();
    pair.takeWire();
    for (let i = 1; i < 20; i++) {
      pair.server.update(sets(i, i < 3 ? "1" : "2"));
      pair.step();
    }
    expect(pair.takeWire()).toContain("Listener[l]");
  });

  test("after a reconnect the client has what the new server has", () => {
    const pair = opened(dialect);
    pair.server.update(world({ [CDS]: [resource("a"), resource("gone")], [EDS]: [resource("a")] }));
    pair.client.subscribe(CDS);
    pair.client.subscribe(EDS, ["a"]);
    pair.settle();
    pair.takeWire();
    pair.reconnect();
    pair.server.update(world({ [CDS]: [resource("a"), resource("b")], [EDS]: [resource("a")] }));
    pair.settle();
    expect(pair.has(CDS)).toEqual(["a", "b"]);
    // Only the delta client could say what it still has.
    if (dialect === "delta")
      expect(pair.takeWire()).toEqual(["Cluster[b]", "ClusterLoadAssignment[]", "Cluster[-gone]"]);
  });

  test("a subscription made while an update is applied goes out with its acknowledgement", () => {
    const pair = opened(dialect);
    pair.reject = (update) => {
      if (update.typeUrl === CDS)
        pair.client.subscribe(
          EDS,
          update.resources.map((r) => r.name),
        );
      return undefined;
    };
    pair.server.update(world({ [CDS]: [resource("a")], [EDS]: [resource("a")] }));
    pair.client.subscribe(CDS);
    pair.settle();
    expect(pair.has(EDS)).toEqual(["a"]);
  });

  test("a name that does not exist leaves the client not waiting where the dialect can say so", () => {
    const pair = opened(dialect);
    pair.server.update(world({ [RDS]: [] }));
    pair.client.subscribe(RDS, ["80"]);
    pair.settle();
    expect(pair.client.status()[0]?.unanswered).toEqual(dialect === "delta" ? [] : ["80"]);
    pair.server.update(world({ [RDS]: [resource("80")] }));
    pair.settle();
    expect(pair.has(RDS)).toEqual(["80"]);
  });

  test("a nameless type (name table) works by wildcard", () => {
    const pair = opened(dialect);
    pair.server.update(world({ [NDS]: [{ name: "", version: "1", body: new Uint8Array([0x0a, 0]) }] }));
    pair.client.subscribe(NDS);
    pair.settle();
    expect(pair.has(NDS)).toEqual([""]);
  });

  test("unknown types and stray nonces break nothing", () => {
    const pair = opened(dialect);
    pair.server.update(world({}));
    pair.server.receive({
      typeUrl: "type.googleapis.com/no.Such",
      nonce: "77",
      rejection: undefined,
      names: { kind: "all", names: [] },
    });
    pair.server.receive({
      typeUrl: "type.googleapis.com/no.Such",
      nonce: "78",
      rejection: "?",
      names: { kind: "all", names: [] },
    });
    expect(pair.answers).toEqual([]);
  });
});

function bodyHas(bytes: Uint8Array, text: string): boolean {
  return fromBinary(ClusterSchema, bytes).altStatName === text;
}
