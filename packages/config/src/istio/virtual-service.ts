import { list, map, message } from "../schema/compound.ts";
import type { Resource, ResourceDefinition } from "../schema/resource.ts";
import { boolean, double, duration, int, oneOf, port, string } from "../schema/scalar.ts";
import { deprecated, type Infer, ignored, required, withDefault } from "../schema/schema.ts";
import { cidr, exportTarget, hostName, hostPattern } from "./hosts.ts";
import { byHeader, grpcStatus, headersToWrite, headerToRemove, lineText, retryConditions } from "./http-text.ts";
import { portSelector } from "./selector.ts";
import { regex, stringMatch, withinBudget } from "./string-match.ts";

export const destination = message("Destination", {
  host: required(hostName),
  subset: string(),
  port: portSelector,
});

const headerOperations = (hostToo: boolean) =>
  message("HeaderOperations", {
    set: headersToWrite(hostToo),
    add: headersToWrite(false),
    remove: list(headerToRemove),
  });
const headers = message("Headers", { request: headerOperations(true), response: headerOperations(false) });
const percent = message("Percent", { value: withDefault(double(0, 100), 0) });

const httpMatch = message("HTTPMatchRequest", {
  name: string(),
  uri: stringMatch,
  scheme: stringMatch,
  method: stringMatch,
  authority: stringMatch,
  headers: byHeader(stringMatch),
  port: port(),
  sourceLabels: map(string()),
  gateways: list(string()),
  queryParams: map(stringMatch),
  ignoreUriCase: withDefault(boolean(), false),
  withoutHeaders: byHeader(stringMatch),
  sourceNamespace: string(),
  statPrefix: string(),
});

const httpRouteDestination = message("HTTPRouteDestination", {
  destination: required(destination),
  weight: withDefault(int(0), 0),
  headers,
});

const redirect = message(
  "HTTPRedirect",
  {
    uri: lineText,
    authority: lineText,
    port: port(),
    derivePort: oneOf("FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT"),
    scheme: oneOf("http", "https"),
    redirectCode: withDefault(int(300, 399), 301),
    prefixRewrite: lineText,
  },
  {
    exclusive: [
      ["port", "derivePort"],
      ["uri", "prefixRewrite"],
    ],
  },
);

const rewrite = message(
  "HTTPRewrite",
  {
    uri: lineText,
    authority: lineText,
    uriRegexRewrite: message("RegexRewrite", { match: required(regex), rewrite: withDefault(lineText, "") }),
  },
  { exclusive: [["uri", "uriRegexRewrite"]] },
);

const retries = message("HTTPRetry", {
  attempts: withDefault(int(0), 2),
  perTryTimeout: duration(1),
  retryOn: retryConditions,
  retryRemoteLocalities: boolean(),
  retryIgnorePreviousHosts: boolean(),
  backoff: duration(1),
});

const notImplemented = "Istio does not implement it either";

const fault = message("HTTPFaultInjection", {
  delay: message(
    "Delay",
    {
      percent: deprecated(int(0, 100), "use percentage"),
      fixedDelay: duration(1),
      exponentialDelay: ignored(duration(1), notImplemented),
      percentage: percent,
    },
    { exclusive: [["fixedDelay", "exponentialDelay"]] },
  ),
  abort: message(
    "Abort",
    {
      httpStatus: int(200, 599),
      grpcStatus,
      http2Error: ignored(string(), notImplemented),
      percentage: percent,
    },
    { exactlyOne: [["httpStatus", "grpcStatus", "http2Error"]] },
  ),
});

const cors = message("CorsPolicy", {
  allowOrigin: deprecated(list(string()), "use allowOrigins"),
  allowOrigins: list(stringMatch),
  allowMethods: list(lineText),
  allowHeaders: list(lineText),
  exposeHeaders: list(lineText),
  maxAge: duration(),
  allowCredentials: boolean(),
  unmatchedPreflights: oneOf("UNSPECIFIED", "FORWARD", "IGNORE"),
});

const httpRoute = message(
  "HTTPRoute",
  {
    name: string(),
    match: list(httpMatch),
    route: list(httpRouteDestination),
    redirect,
    directResponse: message("HTTPDirectResponse", {
      status: required(int(200, 599)),
      body: message("HTTPBody", { string: string(), bytes: string() }, { exactlyOne: [["string", "bytes"]] }),
    }),
    delegate: message("Delegate", { name: required(string()), namespace: string() }),
    rewrite,
    timeout: duration(),
    retries,
    fault,
    mirror: destination,
    mirrors: list(message("HTTPMirrorPolicy", { destination: required(destination), percentage: percent })),
    mirrorPercent: deprecated(int(0, 100), "use mirrorPercentage"),
    mirrorPercentage: percent,
    corsPolicy: cors,
    headers,
  },
  {
    exclusive: [["mirror", "mirrors"]],
    check(value, path, sink) {
      const actions = [value.route.length > 0, value.redirect, value.directResponse, value.delegate].filter(
        Boolean,
      ).length;
      if (actions === 0) sink.error(path, "needs one of route, redirect, directResponse, delegate");
      if (actions > 1) sink.error(path, "only one of route, redirect, directResponse, delegate may be set");
      checkWeights(value.route, path, sink);
      if (value.redirect !== undefined && value.rewrite !== undefined)
        sink.error(`${path}.rewrite`, "can't be combined with redirect");
      if (value.redirect !== undefined && value.fault !== undefined)
        sink.error(`${path}.fault`, "can't be combined with redirect");
    },
  },
);

const routeDestination = message("RouteDestination", {
  destination: required(destination),
  weight: withDefault(int(0), 0),
});

const l4Match = message("L4MatchAttributes", {
  destinationSubnets: list(cidr),
  port: port(),
  sourceSubnet: ignored(cidr, "it was never implemented"),
  sourceLabels: map(string()),
  gateways: list(string()),
  sourceNamespace: string(),
});

const tlsMatch = message(
  "TLSMatchAttributes",
  {
    sniHosts: list(hostPattern),
    destinationSubnets: list(cidr),
    port: port(),
    sourceLabels: map(string()),
    gateways: list(string()),
    sourceNamespace: string(),
  },
  {
    check(value, path, sink) {
      if (value.sniHosts.length === 0) sink.error(`${path}.sniHosts`, "needs at least one host");
    },
  },
);

interface Weighted {
  readonly weight: number;
}

function checkWeights(
  routes: readonly Weighted[],
  path: string,
  sink: { error(path: string, reason: string): void },
): void {
  if (routes.length > 1 && routes.every((route) => route.weight === 0)) {
    sink.error(`${path}.route`, "the weights of several destinations can't all be zero");
  }
}

const tcpRoute = message(
  "TCPRoute",
  { match: list(l4Match), route: list(routeDestination) },
  {
    check(value, path, sink) {
      if (value.route.length === 0) sink.error(`${path}.route`, "needs at least one destination");
      checkWeights(value.route, path, sink);
    },
  },
);

const tlsRoute = message(
  "TLSRoute",
  { match: list(tlsMatch), route: list(routeDestination) },
  {
    check(value, path, sink) {
      if (value.match.length === 0) sink.error(`${path}.match`, "needs at least one match with sniHosts");
      if (value.route.length === 0) sink.error(`${path}.route`, "needs at least one destination");
      checkWeights(value.route, path, sink);
    },
  },
);

const spec = withinBudget(
  message(
    "VirtualService",
    {
      hosts: list(hostPattern),
      gateways: list(string()),
      http: list(httpRoute),
      tls: list(tlsRoute),
      tcp: list(tcpRoute),
      exportTo: list(exportTarget),
    },
    {
      check(value, path, sink) {
        if (value.http.length + value.tls.length + value.tcp.length === 0)
          sink.error(path, "needs at least one of http, tls, tcp");
        if (new Set(value.hosts).size < value.hosts.length) sink.error(`${path}.hosts`, "names a host twice");
        value.http.forEach((route, index) => {
          const last = index === value.http.length - 1;
          if (!last && route.match.length === 0)
            sink.warn(`${path}.http[${index}]`, "matches everything, so the rules after it have no effect");
        });
      },
    },
  ),
);

/** How requests to hosts are routed. Source: istio/api networking/v1alpha3/virtual_service.proto. */
export const virtualService: ResourceDefinition<"VirtualService", Infer<typeof spec>> = {
  group: "networking.istio.io",
  kind: "VirtualService",
  plural: "virtualservices",
  shortNames: ["vs"],
  categories: ["istio-io", "networking-istio-io"],
  versions: ["v1", "v1beta1", "v1alpha3"],
  scope: "Namespaced",
  spec,
  columns: [
    {
      name: "Gateways",
      type: "string",
      jsonPath: ".spec.gateways",
      description: "Names of gateways and sidecars that should apply these routes.",
    },
    {
      name: "Hosts",
      type: "string",
      jsonPath: ".spec.hosts",
      description: "Destination hosts to which traffic is being sent.",
    },
  ],
};

export type VirtualService = Resource<"VirtualService", Infer<typeof spec>>;
export type HttpRoute = Infer<typeof httpRoute>;
export type HttpMatch = Infer<typeof httpMatch>;
export type HttpHeaders = Infer<typeof headers>;
export type TlsRoute = Infer<typeof tlsRoute>;
export type TcpRoute = Infer<typeof tcpRoute>;
export type Destination = Infer<typeof destination>;
export type WeightedDestination = Infer<typeof routeDestination>;
export type CorsPolicy = Infer<typeof cors>;
export type HttpFault = Infer<typeof fault>;
export type HttpRetry = Infer<typeof retries>;
