import { create, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { type Struct, StructSchema, type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import { readMessage, writeMessage } from "@heddle/xds-api";
import type { WorkloadLabels } from "../config/endpoints.ts";

/** What metrics say about one side of an exchange. Missing parts are "unknown". */
export interface Workload {
  readonly name: string;
  readonly namespace: string;
  readonly canonicalService: string;
  readonly canonicalRevision: string;
  readonly app: string;
  readonly version: string;
  readonly cluster: string;
  /** What it told of itself; empty where only its endpoint is known. */
  readonly labels: Readonly<Record<string, unknown>>;
}

const UNKNOWN = "unknown";

export const UNKNOWN_WORKLOAD: Workload = {
  name: UNKNOWN,
  namespace: UNKNOWN,
  canonicalService: UNKNOWN,
  canonicalRevision: "latest",
  app: UNKNOWN,
  version: UNKNOWN,
  cluster: UNKNOWN,
  labels: {},
};

/** From node metadata (keys NAME NAMESPACE WORKLOAD_NAME CLUSTER_ID LABELS), as peers exchange it. */
export function workloadOfMetadata(metadata: Readonly<Record<string, unknown>>): Workload {
  const raw = metadata["LABELS"];
  const labels: Readonly<Record<string, unknown>> = typeof raw === "object" && raw !== null ? { ...raw } : {};
  const text = (value: unknown): string => (typeof value === "string" && value !== "" ? value : UNKNOWN);
  const name = text(metadata["WORKLOAD_NAME"]);
  const revision = text(
    labels["service.istio.io/canonical-revision"] ?? labels["app.kubernetes.io/version"] ?? labels["version"],
  );
  return {
    name,
    namespace: text(metadata["NAMESPACE"]),
    canonicalService: text(
      labels["service.istio.io/canonical-name"] ??
        labels["app.kubernetes.io/name"] ??
        labels["app"] ??
        metadata["WORKLOAD_NAME"],
    ),
    canonicalRevision: revision === UNKNOWN ? "latest" : revision,
    app: text(labels["app"]),
    version: text(labels["version"]),
    cluster: text(metadata["CLUSTER_ID"]),
    labels,
  };
}

/** From what the control plane wrote beside an endpoint. */
export function workloadOfEndpoint(labels: WorkloadLabels): Workload {
  const known = (value: string): string => (value === "" ? UNKNOWN : value);
  return {
    name: known(labels.workload),
    namespace: known(labels.namespace),
    canonicalService: known(labels.canonicalName),
    canonicalRevision: labels.canonicalRevision === "" ? "latest" : labels.canonicalRevision,
    app: UNKNOWN,
    version: UNKNOWN,
    cluster: known(labels.cluster),
    labels: {},
  };
}

/** A field of `upstream_peer` and `downstream_peer` in expressions; undefined: not known. */
export function peerAttribute(peer: Workload, field: string, key: string): string | undefined {
  const known = (text: string): string | undefined => (text === UNKNOWN ? undefined : text);
  switch (field) {
    case "name":
    case "workload":
      return known(peer.name);
    case "namespace":
      return known(peer.namespace);
    case "service":
      return known(peer.canonicalService);
    case "revision":
      return peer.name === UNKNOWN ? undefined : peer.canonicalRevision;
    case "app":
      return known(peer.app);
    case "version":
      return known(peer.version);
    case "cluster":
      return known(peer.cluster);
    default: {
      const label = peer.labels[key];
      return typeof label === "string" ? label : undefined;
    }
  }
}

/** Keys of the node metadata that peers get. Source: Istio's metadata exchange. */
const EXCHANGED = ["NAME", "NAMESPACE", "OWNER", "WORKLOAD_NAME", "CLUSTER_ID", "LABELS"];

/** Our own description as the header carries it: base64 of a protobuf Struct. */
export function encodePeerMetadata(metadata: Readonly<Record<string, unknown>>): string {
  const fields: Record<string, Value> = {};
  for (const key of EXCHANGED) {
    const value = metadata[key];
    if (typeof value === "string") fields[key] = textValue(value);
    else if (typeof value === "object" && value !== null) fields[key] = structValue(value);
  }
  return Buffer.from(writeMessage(StructSchema, create(StructSchema, { fields }))).toString("base64");
}

function textValue(text: string): Value {
  return create(ValueSchema, { kind: { case: "stringValue", value: text } });
}

function structValue(object: object): Value {
  const fields: Record<string, Value> = {};
  for (const [key, value] of Object.entries(object)) if (typeof value === "string") fields[key] = textValue(value);
  return create(ValueSchema, { kind: { case: "structValue", value: create(StructSchema, { fields }) } });
}

/** Reads a peer's header. Errors: undefined for anything that is not base64 of a Struct. */
export function decodePeerMetadata(base64: string): Workload | undefined {
  if (base64 === "") return undefined;
  try {
    return workloadOfMetadata(plainObject(readMessage(StructSchema, Buffer.from(base64, "base64"))));
  } catch {
    return undefined;
  }
}

function plainObject(struct: Struct): JsonObject {
  const out: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(struct.fields)) {
    const { kind } = value;
    if (kind.case === "stringValue") out[key] = kind.value;
    else if (kind.case === "structValue") out[key] = plainObject(kind.value);
  }
  return out;
}

/** Descriptions of peers by their node id; forgets the oldest. */
export interface PeerCache {
  find(id: string, metadata: string): Workload | undefined;
}

const MAX_PEERS = 1000;

class BoundedPeers implements PeerCache {
  readonly #byId = new Map<string, Workload>();

  find(id: string, metadata: string): Workload | undefined {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const workload = decodePeerMetadata(metadata);
    if (workload === undefined) return undefined;
    if (this.#byId.size >= MAX_PEERS) {
      const oldest = this.#byId.keys().next().value;
      if (oldest !== undefined) this.#byId.delete(oldest);
    }
    this.#byId.set(id, workload);
    return workload;
  }
}

export function createPeerCache(): PeerCache {
  return new BoundedPeers();
}
