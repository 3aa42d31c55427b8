import { groupOf, type KubeObject } from "@heddle/config";
import type { ClusterAccess } from "@heddle/kube-client";

/** The list and watch part of a Kubernetes API, over HTTP on loopback. */
export interface ListWatchServer {
  readonly access: ClusterAccess;
  /** Serves a resource from now on (its CRD was installed). */
  serve(groupVersion: string, resource: string): void;
  put(object: KubeObject): void;
  remove(object: KubeObject): void;
  close(): void;
}

export function startListWatchServer(): ListWatchServer {
  const objects = new Map<string, KubeObject>();
  const watchers = new Map<string, Set<(line: string) => void>>();
  const served = new Map<string, Set<string>>();
  let version = 1;
  const collection = (object: KubeObject): string => {
    const group = groupOf(object.apiVersion);
    return `${group === "" ? "/api/v1" : `/apis/${object.apiVersion}`}/${object.kind.toLowerCase()}s`;
  };
  const tell = (type: string, object: KubeObject): void => {
    for (const write of watchers.get(collection(object)) ?? []) write(`${JSON.stringify({ type, object })}\n`);
  };
  const stream = (path: string): Response => {
    let write: (line: string) => void = () => {};
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        write = (line) => controller.enqueue(new TextEncoder().encode(line));
        if (!watchers.has(path)) watchers.set(path, new Set());
        watchers.get(path)?.add(write);
      },
      cancel() {
        watchers.get(path)?.delete(write);
      },
    });
    return new Response(body, { headers: { "content-type": "application/json" } });
  };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch(request) {
      const url = new URL(request.url);
      const path = url.pathname;
      const [, , group, apiVersion, resource] = path.split("/");
      if (path.startsWith("/apis/")) {
        const known = served.get(`${group}/${apiVersion}`);
        if (known === undefined)
          return Response.json({ kind: "Status", code: 404, reason: "NotFound" }, { status: 404 });
        if (resource === undefined)
          return Response.json({ kind: "APIResourceList", resources: [...known].map((name) => ({ name })) });
      }
      if (url.searchParams.get("watch") === "true") return stream(path);
      const items = [...objects.values()].filter((object) => collection(object) === path);
      return Response.json({
        kind: "ServiceList",
        apiVersion: "v1",
        metadata: { resourceVersion: String(version) },
        items,
      });
    },
  });
  const keyOf = (object: KubeObject): string =>
    `${collection(object)}/${object.metadata.namespace ?? ""}/${object.metadata.name}`;
  return {
    access: {
      server: `http://127.0.0.1:${server.port}`,
      namespace: "default",
      contextName: undefined,
      origin: "test",
      ca: undefined,
      serverName: undefined,
      insecureSkipVerify: false,
      proxyUrl: undefined,
      impersonation: {},
      credentials: { headers: async () => ({}), clientCertificate: async () => undefined, invalidate: () => false },
    },
    serve(groupVersion, resource) {
      served.set(groupVersion, (served.get(groupVersion) ?? new Set()).add(resource));
    },
    put(object) {
      const key = keyOf(object);
      const known = objects.get(key);
      const uid = known?.metadata["uid"] ?? key;
      const stored = { ...object, metadata: { ...object.metadata, uid, resourceVersion: String(++version) } };
      objects.set(key, stored);
      tell(known === undefined ? "ADDED" : "MODIFIED", stored);
    },
    remove(object) {
      const known = objects.get(keyOf(object));
      if (known === undefined) return;
      objects.delete(keyOf(object));
      tell("DELETED", { ...known, metadata: { ...known.metadata, resourceVersion: String(++version) } });
    },
    close: () => void server.stop(true),
  };
}
