import type { Discovery } from "../discovery/discovery.ts";
import { noSuchPath } from "../errors/api-errors.ts";
import { sendBytes, sendObject, sendText } from "./answer.ts";
import type { Exchange } from "./exchange.ts";

export interface PathHandlerDeps {
  readonly discovery: Discovery;
  /** The `/version` document. */
  readonly version: object;
  /** Documents that are made on demand: OpenAPI, OpenID. Undefined: no such path. */
  readonly documents: (exchange: Exchange) => Promise<object | undefined>;
}

const OPENAPI_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
/** kubectl up to 1.32 writes `v2@v1.0`, later ones `v2.v1.0`. */
const WANTS_PROTOBUF = /proto-openapi\.spec\.v2[@.]v1\.0\+protobuf/;

/**
 * kubectl reads OpenAPI 3 and asks for version 2, in protobuf only, about kinds that it did not find there. The answer is a document without kinds,
 * so that it goes on to say that the kind is not known. Field numbers: gnostic's openapiv2.proto.
 */
function emptyOpenApi(): Uint8Array {
  const field = (number: number, content: Uint8Array) =>
    Buffer.concat([Buffer.from([(number << 3) | 2, content.length]), content]);
  const info = Buffer.concat([field(1, Buffer.from("Kubernetes")), field(2, Buffer.from("v1.34.4"))]);
  return Buffer.concat([field(1, Buffer.from("2.0")), field(2, info), field(8, Buffer.alloc(0))]);
}

const HEALTH = ["/healthz", "/livez", "/readyz"];

/** Paths that are not resources: discovery, version, health, OpenAPI. */
export function createPathHandler(deps: PathHandlerDeps): (exchange: Exchange) => Promise<void> {
  const { discovery } = deps;
  return async (exchange) => {
    const path = exchange.path.length > 1 ? exchange.path.replace(/\/+$/, "") : exchange.path;
    if (HEALTH.some((root) => path === root || path.startsWith(`${root}/`))) {
      return sendText(exchange, 200, health(path, exchange), "text/plain; charset=utf-8");
    }
    if (path === "/openapi/v2" && WANTS_PROTOBUF.test(exchange.headers["accept"] ?? "")) {
      return sendBytes(exchange, emptyOpenApi(), OPENAPI_PROTOBUF);
    }
    const found = path === "/version" ? deps.version : (discover(path, exchange) ?? (await deps.documents(exchange)));
    if (!found) throw noSuchPath();
    const aggregated = exchange.form.as === "APIGroupDiscoveryList" && (path === "/api" || path === "/apis");
    if (!aggregated) return sendObject(exchange, 200, found);
    sendText(
      exchange,
      200,
      JSON.stringify(found),
      "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    );
  };

  function discover(path: string, exchange: Exchange): object | undefined {
    if (path === "/")
      return {
        paths: ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"],
      };
    const aggregated = exchange.form.as === "APIGroupDiscoveryList";
    const parts = path.slice(1).split("/");
    const [root, first, second] = parts;
    if (root === "api") {
      if (parts.length === 1) return aggregated ? discovery.aggregated(true) : discovery.apiVersions();
      return parts.length === 2 ? discovery.resources("", first ?? "") : undefined;
    }
    if (root !== "apis") return undefined;
    if (parts.length === 1) return aggregated ? discovery.aggregated(false) : discovery.groups();
    if (parts.length === 2) return first === "" ? undefined : discovery.group(first ?? "");
    return parts.length === 3 ? discovery.resources(first ?? "", second ?? "") : undefined;
  }
}

function health(path: string, exchange: Exchange): string {
  const name = path.split("/")[1] ?? "healthz";
  return exchange.query.has("verbose") ? `[+]ping ok\n${name} check passed\n` : "ok";
}
