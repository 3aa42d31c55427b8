import type { KubeObject } from "../../contract/index.ts";
import type { Reviews } from "../auth/reviews.ts";
import { methodNotAllowed, noSuchPath } from "../errors/api-errors.ts";
import { at, type Dict, text } from "../json/json-value.ts";
import type { PodPosts } from "../pods/pod-posts.ts";
import type { PodStreaming } from "../pods/pod-streaming.ts";
import type { Registry } from "../resources/registry.ts";
import type { ResourceDefinition } from "../resources/resource-definition.ts";
import type { ResourceTarget } from "../resources/resource-target.ts";
import type { ProtobufDecoder } from "../schema/protobuf.ts";
import type { Store } from "../store/store.ts";
import type { WriteRequest } from "../write/write-request.ts";
import { sendObject } from "./answer.ts";
import { type Exchange, parseBody, readBytes } from "./exchange.ts";
import { findProxyPlace, forward } from "./proxy.ts";
import { writeRequest } from "./resource-handler.ts";

/** Answers a POST to a subresource or a review. */
export type Post = (
  def: ResourceDefinition,
  subresource: string,
  namespace: string,
  name: string,
  body: Dict,
  request: WriteRequest,
) => Promise<KubeObject>;

export interface RoutesDeps {
  readonly registry: Registry;
  readonly store: Store;
  readonly protobuf: ProtobufDecoder;
  readonly post: Post;
  readonly streaming: PodStreaming;
  handlePath(exchange: Exchange): Promise<void>;
  handleResource(exchange: Exchange, target: ResourceTarget): Promise<void>;
  /** Serves a path of a group that an APIService gives to a Service. Undefined: there is none. */
  aggregated(exchange: Exchange, group: string, version: string): Promise<void> | undefined;
}

/** Subresources that the general handler serves. */
const GENERAL = new Set(["", "status", "scale", "finalize", "ephemeralcontainers"]);

/** Answers what is posted and never stored. Errors: 404 for a subresource that there is not. */
export function createPosts(deps: {
  readonly reviews: Reviews;
  readonly podPosts: PodPosts;
  requestToken(namespace: string, name: string, body: Dict): Promise<KubeObject>;
}): Post {
  return (def, subresource, namespace, name, body, request) => {
    const key = `${def.storageKey}/${subresource}`;
    if (key === "/serviceaccounts/token") return deps.requestToken(namespace, name, body);
    if (key === "/pods/binding") return deps.podPosts.bind(namespace, name, body, request);
    if (key === "/pods/eviction") return deps.podPosts.evict(namespace, name, body, request);
    if (key === "/bindings/") {
      return deps.podPosts.bind(namespace, text(at(body, "metadata", "name")), body, request);
    }
    if (!def.stored && subresource === "") return deps.reviews.answer(def, namespace, body, request.actor);
    return Promise.reject(noSuchPath());
  };
}

/** Sends every request to the part that answers it. */
export function createRoutes(deps: RoutesDeps): (exchange: Exchange) => Promise<void> {
  let turn = 0;

  async function posted(exchange: Exchange, target: ResourceTarget): Promise<void> {
    const { def, subresource, namespace, name } = target;
    if (exchange.method !== "POST") throw methodNotAllowed();
    const type = exchange.headers["content-type"] ?? "application/json";
    const body = await parseBody(await readBytes(exchange.request), type, deps.protobuf);
    const request = writeRequest(exchange, "");
    sendObject(exchange, 201, await deps.post(def, subresource, namespace, name, body, request));
  }

  return async (exchange) => {
    const { info } = exchange;
    if (info.kind === "path") {
      const [, root, group = "", version = "", more = ""] = exchange.path.split("/");
      if (root === "apis" && more !== "") {
        const served = deps.aggregated(exchange, group, version);
        if (served) return served;
      }
      return deps.handlePath(exchange);
    }
    const def = deps.registry.find(info);
    // `watch/…` with a method of its own is nothing that objects in the store have.
    if (!def || (info.watch && exchange.method !== "GET")) {
      const served = deps.aggregated(exchange, info.group, info.version);
      if (served) return served;
      throw noSuchPath();
    }
    const { namespace, name, subresource } = info;
    if (namespace !== "" && !def.namespaced && def.storageKey !== "/namespaces") throw noSuchPath();
    const target: ResourceTarget = { def, namespace: def.namespaced ? namespace : "", name, subresource };
    if (!def.stored) return posted(exchange, target);
    if (subresource === "proxy" && (def.storageKey === "/pods" || def.storageKey === "/services")) {
      return forward(exchange, findProxyPlace(deps.store, target, turn++), info.rest);
    }
    if (GENERAL.has(subresource)) {
      if (subresource === "finalize" && def.storageKey !== "/namespaces") throw noSuchPath();
      if (subresource === "ephemeralcontainers" && def.storageKey !== "/pods") throw noSuchPath();
      return deps.handleResource(exchange, target);
    }
    if (def.storageKey === "/pods" && subresource === "log") {
      if (exchange.method !== "GET") throw methodNotAllowed();
      return deps.streaming.log(exchange, namespace, name);
    }
    return posted(exchange, target);
  };
}
