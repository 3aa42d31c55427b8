/** What tests of the node agent do with pods: make them and wait for what becomes of them. */
import type { JsonObject, KubeObject } from "../src/contract/index.ts";
import { fieldsOf, listOf, text } from "../src/kubelet/spec/decode.ts";
import type { OneNode } from "./one-node.ts";

export const PODS = { group: "", version: "v1", resource: "pods" } as const;
const EVENTS = { group: "", version: "v1", resource: "events" } as const;

export const shell = (script: string): JsonObject => ({ command: ["sh", "-c", script] });

/** Looks again and again until there is something. Errors: rejects at the limit, saying what did not happen. */
export async function until<T>(what: string, look: () => Promise<T | undefined>, limitMs = 20_000): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`${what} did not happen within ${limitMs} ms`);
    await Bun.sleep(20);
  }
}

/** All in the namespace `default`. */
export function podsOn(node: OneNode) {
  const create = (kind: string, resource: string, name: string, fields: JsonObject): Promise<KubeObject> =>
    node.api.create(
      { group: "", version: "v1", resource },
      { apiVersion: "v1", kind, metadata: { name, namespace: "default" }, ...fields },
    );

  const run = (
    name: string,
    container: JsonObject,
    spec: JsonObject = {},
    metadata: JsonObject = {},
  ): Promise<KubeObject> =>
    node.api.create(PODS, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "default", ...metadata },
      spec: {
        nodeName: "heddle-node",
        terminationGracePeriodSeconds: 2,
        containers: [{ name: "main", image: "busybox", ...container }],
        ...spec,
      },
    });

  const container = async (name: string, list = "containerStatuses", index = 0) => {
    const pod = await node.api.get(PODS, "default", name);
    return fieldsOf(listOf(fieldsOf(pod["status"])[list])[index]);
  };
  const waitingReason = (name: string, reason: string): Promise<string> =>
    until(`${name} waiting for ${reason}`, async () => {
      const waiting = fieldsOf(fieldsOf((await container(name))["state"])["waiting"]);
      return waiting["reason"] === reason ? (text(waiting["message"]) ?? "") : undefined;
    });
  const ready = (name: string): Promise<boolean> =>
    until(`${name} ready`, async () => {
      const { conditions } = fieldsOf((await node.api.get(PODS, "default", name))["status"]);
      return (
        listOf(conditions).some(
          (entry) => fieldsOf(entry)["type"] === "Ready" && fieldsOf(entry)["status"] === "True",
        ) || undefined
      );
    });
  const phase = (name: string, wanted: string): Promise<boolean> =>
    until(
      `${name} ${wanted}`,
      async () => fieldsOf((await node.api.get(PODS, "default", name))["status"])["phase"] === wanted || undefined,
    );
  const gone = (name: string): Promise<boolean> =>
    until(`${name} gone`, () =>
      node.api.get(PODS, "default", name).then(
        () => undefined,
        () => true,
      ),
    );

  async function logs(name: string, containerName?: string, previous = false): Promise<string> {
    const options = {
      follow: false,
      previous,
      timestamps: false,
      ...(containerName ? { container: containerName } : {}),
    };
    let all = "";
    for await (const chunk of node.kubelet.streams.logs(
      { namespace: "default", name },
      options,
      new AbortController().signal,
    )) {
      all += Buffer.from(chunk).toString();
    }
    return all;
  }
  const logged = (name: string, wanted: string | RegExp, containerName?: string): Promise<string> =>
    until(`${name} logs ${wanted}`, async () => {
      const all = await logs(name, containerName).catch(() => "");
      return all.search(wanted) >= 0 ? all : undefined;
    });
  const eventOf = (name: string, reason: string): Promise<string> =>
    until(`event ${reason} of ${name}`, async () => {
      const all = await node.api.list(EVENTS, { namespace: "default" });
      const found = all.find(
        (event) => event["reason"] === reason && fieldsOf(event["involvedObject"])["name"] === name,
      );
      return found && (text(found["message"]) ?? "");
    });

  const remove = (...names: readonly string[]): Promise<unknown> =>
    Promise.all(names.map((name) => node.api.delete(PODS, "default", name)));

  return { create, run, container, waitingReason, ready, phase, gone, logs, logged, eventOf, remove };
}
