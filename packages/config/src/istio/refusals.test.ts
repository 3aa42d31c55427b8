import { expect, test } from "bun:test";
import type { KubeObject } from "../kube/object.ts";
import { parseResource } from "../resources.ts";

/** Path and the beginning of the reason of the first error; "" when the object is accepted. */
function refusal(apiVersion: string, kind: string, spec: unknown): string {
  const object = { apiVersion, kind, metadata: { name: "x", namespace: "a" }, spec } as unknown as KubeObject;
  const parsed = parseResource(object);
  if (parsed.ok) return "";
  const first = parsed.problems.find((problem) => problem.severity === "error");
  return `${first?.path}: ${first?.reason}`;
}

const networking = "networking.istio.io/v1";
const server = (more: object) => ({
  selector: { a: "b" },
  servers: [{ port: { number: 443, name: "https", protocol: "HTTPS" }, hosts: ["*"], ...more }],
});
const patch = (applyTo: string, operation: string, value?: unknown) => ({
  configPatches: [{ applyTo, patch: { operation, value } }],
});
const hashed = (more: object) => ({
  host: "a",
  trafficPolicy: { loadBalancer: { consistentHash: { useSourceIp: true, ...more } } },
});
const target = (more: object = {}) => ({ group: "gateway.networking.k8s.io", kind: "Gateway", name: "a", ...more });
const allow = (rule: object) => ({ rules: [rule] });

const logged = (expression: string) => ({ accessLogging: [{ filter: { expression } }] });
const logFilter = "spec.accessLogging[0].filter.expression:";
const tagged = (tagOverrides: object) => ({ metrics: [{ overrides: [{ tagOverrides }] }] });
const tagA = 'spec.metrics[0].overrides[0].tagOverrides["a"]';

/** What is refused, and the beginning of what is said about it; "" is accepted. */
const cases: readonly (readonly [string, string, unknown, string])[] = [
  [networking, "Gateway", server({ tls: { mode: "SIMPLE", credentialName: "c" } }), ""],
  [networking, "Gateway", server({}), "spec.servers[0].tls: is required for protocol HTTPS"],
  [networking, "Gateway", server({ tls: { mode: "SIMPLE" } }), "spec.servers[0].tls.credentialName: mode SIMPLE needs"],
  [
    networking,
    "Gateway",
    server({ tls: { mode: "SIMPLE", credentialName: "c", caCrl: "x" } }),
    "spec.servers[0].tls.caCrl: lists of",
  ],
  [
    networking,
    "Gateway",
    { servers: [{ port: { number: 80, name: "h", protocol: "HTTP" }, hosts: ["a/b/c"] }] },
    'spec.servers[0].hosts[0]: "a/b/c"',
  ],
  [
    networking,
    "ServiceEntry",
    { hosts: ["a.com"], ports: [{ number: 1, name: "a", protocol: "NOPE" }] },
    'spec.ports[0].protocol: "NOPE" is not a protocol',
  ],
  [networking, "WorkloadEntry", { address: "not an address!" }, 'spec.address: "not an address!" is not'],
  [networking, "WorkloadEntry", { address: "unix:///run/a.sock" }, ""],
  [networking, "Gateway", { servers: [] }, "spec.servers: needs at least one"],
  [networking, "DestinationRule", hashed({ ringHash: { minimumRingSize: 8_388_608 } }), ""],
  [networking, "DestinationRule", hashed({ maglev: { tableSize: 65_537 } }), ""],
  [
    networking,
    "DestinationRule",
    hashed({ ringHash: { minimumRingSize: 9_000_000 } }),
    "spec.trafficPolicy.loadBalancer.consistentHash.ringHash.minimumRingSize: must be between 0 and 8388608",
  ],
  [
    networking,
    "DestinationRule",
    hashed({ maglev: { tableSize: 1000 } }),
    "spec.trafficPolicy.loadBalancer.consistentHash.maglev.tableSize: must be a prime number",
  ],
  [
    networking,
    "DestinationRule",
    { host: "a", trafficPolicy: { tunnel: { targetHost: "b", targetPort: 1 } } },
    "spec.trafficPolicy.tunnel: TCP is not",
  ],
  [
    networking,
    "DestinationRule",
    { host: "a", trafficPolicy: { loadBalancer: { zoneAwareLbSetting: { enabled: true } } } },
    "spec.trafficPolicy.loadBalancer.zoneAwareLbSetting: shares by zone",
  ],
  [
    networking,
    "DestinationRule",
    { host: "a", trafficPolicy: { outlierDetection: { outlierDetectionHttpErrorCodes: [429] } } },
    "spec.trafficPolicy.outlierDetection.outlierDetectionHttpErrorCodes: which codes",
  ],
  [
    networking,
    "Sidecar",
    { ingress: [{ port: { number: 1, name: "a", protocol: "HTTP" }, defaultEndpoint: "10.0.0.1:80" }] },
    "spec.ingress[0].defaultEndpoint:",
  ],
  [networking, "Sidecar", { egress: [{ captureMode: "NONE", hosts: ["./*"] }] }, "spec.egress[0].port: is required"],
  ...(
    [
      [{ headers: { request: { set: { "x-a": "b\r\nevil: 1" } } } }, 'headers.request.set["x-a"]: holds a line break'],
      [{ headers: { request: { set: { ":path": "/x" } } } }, "headers.request.set: :path can't be changed"],
      [{ headers: { request: { set: { Host: "inner" }, add: { "x-a": "%DOWNSTREAM_REMOTE_ADDRESS% 100%%" } } } }, ""],
      [{ headers: { response: { add: { "bad name": "x" } } } }, 'headers.response.add: "bad name" is not'],
      [{ headers: { response: { set: { "x-a": "50% off" } } } }, 'headers.response.set["x-a"]: has a percent sign'],
      [{ headers: { request: { set: { "x-a": "%FOO%" } } } }, 'headers.request.set["x-a"]: %FOO% is no command'],
      [{ headers: { request: { remove: ["host"] } } }, "headers.request.remove[0]: host can't be"],
      [{ rewrite: { authority: "a\nb" } }, "rewrite.authority: holds a line break"],
      [{ match: [{ headers: { "a\r\n": { exact: "x" } } }] }, 'match[0].headers: "a\\r\\n" is not'],
      [{ match: [{ headers: { "@request.auth.claims.sub": { exact: "x" } } }] }, ""],
      [{ match: [{ uri: { regex: "((a{1,1000}){1,1000}){1,1000}" } }] }, "match[0].uri.regex: is not a regular"],
      [{ match: [{ uri: { regex: "(((a{0,100}){0,10}){0,10})" } }] }, "match[0].uri.regex: is not a regular"],
      [{ match: [{ uri: { regex: "\\p{Script=Greek}" } }] }, "match[0].uri.regex: is not a regular"],
      [{ match: [{ uri: { regex: "(?P<n>a)(?i)b\\z" } }] }, ""],
      [{ retries: { attempts: 1, retryOn: "5xx, 503,foo" } }, 'retries.retryOn: "foo" is not a retry condition'],
      [{ retries: { attempts: 1, retryOn: "connect-failure,503" } }, ""],
      [{ fault: { abort: { grpcStatus: "NOPE" } } }, 'fault.abort.grpcStatus: "NOPE" is not'],
      [{ timeout: "99999999999s" }, "timeout: must be at most 876000h"],
    ] as const
  ).map(
    ([more, reason]) =>
      [
        networking,
        "VirtualService",
        { hosts: ["a"], http: [{ ...more, route: [{ destination: { host: "a" } }] }] },
        reason === "" ? "" : `spec.http[0].${reason}`,
      ] as const,
  ),
  ...(
    [
      [{ httpHeaderName: "" }, 'httpHeaderName: "" is not the name of a header'],
      [{ useSourceIp: true, maglev: { tableSize: 4 } }, "maglev.tableSize: must be a prime number, is 4"],
      [{ useSourceIp: true, ringHash: { minimumRingSize: 9_000_000 } }, "ringHash.minimumRingSize: must be between"],
    ] as const
  ).map(
    ([consistentHash, reason]) =>
      [
        networking,
        "DestinationRule",
        { host: "a", trafficPolicy: { loadBalancer: { consistentHash } } },
        `spec.trafficPolicy.loadBalancer.consistentHash.${reason}`,
      ] as const,
  ),
  [
    networking,
    "DestinationRule",
    { host: "a", trafficPolicy: { tls: { mode: "SIMPLE", sni: "a".repeat(256) } } },
    "spec.trafficPolicy.tls.sni: is longer than 255",
  ],
  [
    networking,
    "Sidecar",
    { egress: [{ port: { number: 1, name: "a", protocol: "HTTP" }, bind: "nowhere", hosts: ["./*"] }] },
    'spec.egress[0].bind: "nowhere" is not an address',
  ],
  [
    networking,
    "VirtualService",
    {
      hosts: ["a"],
      http: Array.from({ length: 100 }, (_, i) => ({
        match: [{ uri: { regex: `/(x{1,200}){1,4}r${i}` } }],
        route: [{ destination: { host: "a" } }],
      })),
    },
    "spec: its regular expressions come to more than 100000 instructions",
  ],
  [networking, "WorkloadEntry", { address: "1.2.3.999" }, 'spec.address: "1.2.3.999" is not'],
  [networking, "WorkloadEntry", { address: "10.0.0.1", weight: 4_000_000_000 }, "spec.weight: must be between"],
  [networking, "WorkloadEntry", { address: `unix:///${"a".repeat(200)}` }, 'spec.address: "unix:///aaa'],
  ["networking.istio.io/v1alpha3", "EnvoyFilter", patch("CLUSTER", "REMOVE"), ""],
  [
    "networking.istio.io/v1alpha3",
    "EnvoyFilter",
    patch("CLUSTER", "MERGE"),
    "spec.configPatches[0].patch.value: is required",
  ],
  [
    "networking.istio.io/v1alpha3",
    "EnvoyFilter",
    patch("CLUSTER", "INSERT_BEFORE", {}),
    "spec.configPatches[0].patch.operation: INSERT_BEFORE is for",
  ],
  [
    "networking.istio.io/v1alpha3",
    "EnvoyFilter",
    patch("BOOTSTRAP", "MERGE", {}),
    "spec.configPatches[0].applyTo: BOOTSTRAP is not made",
  ],
  [
    "telemetry.istio.io/v1",
    "Telemetry",
    { targetRefs: [{ kind: "Gateway", name: "a" }] },
    "spec.targetRefs[0].kind: Gateway can't be a target",
  ],
  ["telemetry.istio.io/v1", "Telemetry", { targetRefs: [target()] }, ""],
  ["telemetry.istio.io/v1", "Telemetry", { targetRef: target({ group: "networking.istio.io" }) }, ""],
  [
    "telemetry.istio.io/v1",
    "Telemetry",
    { targetRef: target({ group: "", kind: "Service" }) },
    "spec.targetRef.kind: Service is a target for waypoints",
  ],
  [
    "telemetry.istio.io/v1",
    "Telemetry",
    { targetRefs: [target({ namespace: "other" })] },
    "spec.targetRefs[0].namespace: must not be set",
  ],
  ["telemetry.istio.io/v1", "Telemetry", { targetRefs: [target({ name: "" })] }, "spec.targetRefs[0].name: must not"],
  [
    "telemetry.istio.io/v1",
    "Telemetry",
    { targetRefs: [target()], selector: { matchLabels: { app: "a" } } },
    "spec: only one of selector, targetRef, targetRefs may be set",
  ],
  ["security.istio.io/v1", "AuthorizationPolicy", {}, ""],
  ["security.istio.io/v1", "AuthorizationPolicy", { action: "AUDIT" }, "spec.action: AUDIT is not available"],
  [
    "networking.istio.io/v1",
    "ServiceEntry",
    { hosts: ["*.example.com"], ports: [{ number: 443, name: "tls", protocol: "TLS" }], resolution: "DYNAMIC_DNS" },
    "spec.resolution: DYNAMIC_DNS is not available: proxies do not look up",
  ],
  ["security.istio.io/v1", "AuthorizationPolicy", { action: "CUSTOM" }, "spec.provider: CUSTOM needs provider.name"],
  ["security.istio.io/v1", "AuthorizationPolicy", { action: "CUSTOM", provider: { name: "opa" } }, ""],
  ["security.istio.io/v1", "AuthorizationPolicy", { provider: { name: "opa" } }, "spec.provider: has a meaning for"],
  [
    "security.istio.io/v1",
    "AuthorizationPolicy",
    allow({ from: [{ source: { requestPrincipals: ["*"] } }] }),
    "spec.rules[0].from[0].source.requestPrincipals[0]: needs RequestAuthentication",
  ],
  [
    "security.istio.io/v1",
    "AuthorizationPolicy",
    allow({ when: [{ key: "request.auth.claims[a]", values: ["b"] }] }),
    "spec.rules[0].when[0].key: needs RequestAuthentication",
  ],
  [
    "security.istio.io/v1",
    "AuthorizationPolicy",
    allow({ when: [{ key: "source.ip", values: ["nowhere"] }] }),
    'spec.rules[0].when[0].values[0]: "nowhere" is not an address',
  ],
  [
    "security.istio.io/v1",
    "AuthorizationPolicy",
    allow({ to: [{ operation: { ports: ["http"] } }] }),
    "spec.rules[0].to[0].operation.ports[0]:",
  ],
  ["telemetry.istio.io/v1", "Telemetry", logged("response.code >= 400 || 'x-debug' in request.headers"), ""],
  ["telemetry.istio.io/v1", "Telemetry", logged("request.host"), `${logFilter} gives a string; a condition is needed`],
  ["telemetry.istio.io/v1", "Telemetry", logged("respnse.code > 1"), `${logFilter} cannot be read at character 8:`],
  ["telemetry.istio.io/v1", "Telemetry", logged("upstream_peer.app == 'a'"), `${logFilter} asks for upstream_peer.app`],
  ["telemetry.istio.io/v1", "Telemetry", logged("string(response.code) == '1'"), `${logFilter} has string() or +`],
  ["telemetry.istio.io/v1", "Telemetry", logged("xds.node.id == 'a'"), `${logFilter} asks for xds.node.id`],
  ["telemetry.istio.io/v1", "Telemetry", tagged({ a: { value: "string(destination.port)" } }), ""],
  ["telemetry.istio.io/v1", "Telemetry", tagged({ a: { operation: "REMOVE" } }), ""],
  [
    "telemetry.istio.io/v1",
    "Telemetry",
    tagged({ a: { value: "istio_operationId" } }),
    `${tagA}.value: cannot be read at`,
  ],
  ["telemetry.istio.io/v1", "Telemetry", tagged({ a: { value: "['a']" } }), `${tagA}.value: gives a list`],
  ["telemetry.istio.io/v1", "Telemetry", tagged({ a: {} }), `${tagA}.value: is required when operation is UPSERT`],
  ["telemetry.istio.io/v1", "Telemetry", tagged({ a: { operation: "REMOVE", value: "1" } }), `${tagA}.value: must not`],
  ["telemetry.istio.io/v1", "Telemetry", tagged({ a: { operation: "UPSET" } }), `${tagA}.operation: expected one of`],
  [
    "telemetry.istio.io/v1",
    "Telemetry",
    tagged({ le: { value: "'a'" } }),
    'spec.metrics[0].overrides[0].tagOverrides["le"]: le is taken',
  ],
  [
    "telemetry.istio.io/v1",
    "Telemetry",
    { metrics: [{ overrides: [{ match: { metric: "REQUESTS" } }] }] },
    "spec.metrics[0].overrides[0].match.metric: expected one of ALL_METRICS",
  ],
  [
    "telemetry.istio.io/v1",
    "Telemetry",
    { metrics: [{ overrides: [{ match: { metric: "REQUEST_COUNT", customMetric: "a" } }] }] },
    "spec.metrics[0].overrides[0].match: only one of metric, customMetric",
  ],
  [
    "telemetry.istio.io/v1",
    "Telemetry",
    { metrics: [{ reportingInterval: "10ms" }] },
    "spec.metrics[0].reportingInterval: must be 1s or more",
  ],
];

test.each(
  cases.map(
    ([version, kind, spec, reason]) => [`${kind} ${JSON.stringify(spec)}`, version, kind, spec, reason] as const,
  ),
)("%s", (_title, version, kind, spec, reason) => {
  const found = refusal(version, kind, spec);
  if (reason === "") expect(found).toBe("");
  else expect(found).toStartWith(reason);
});

test("overrides of metrics that are not made are accepted with a warning that says so", () => {
  const warnings = (match: object): readonly string[] => {
    const spec = { metrics: [{ overrides: [{ match, disabled: true }] }] };
    const object = {
      apiVersion: "telemetry.istio.io/v1",
      kind: "Telemetry",
      metadata: { name: "x", namespace: "a" },
      spec,
    };
    const parsed = parseResource(object as unknown as KubeObject);
    if (!parsed.ok) throw new Error("refused");
    return parsed.warnings.map(
      ({ path, reason }) => `${path.slice(path.lastIndexOf(".") + 1)}: ${reason.slice(0, 40)}`,
    );
  };
  expect(warnings({ metric: "GRPC_REQUEST_MESSAGES" })).toEqual([]);
  expect(warnings({ customMetric: "mine" })).toEqual(["customMetric: has no effect: no other metrics are defi"]);
  expect(warnings({ customMetric: "requests_total" })).toEqual([]);
  expect(warnings({ metric: "REQUEST_COUNT" })).toEqual([]);
  expect(warnings({})).toEqual([]);
});

test("what is not looked at says so: kinds without effect, and policies on trial", () => {
  const security = (kind: string, annotations: Record<string, string>) =>
    parseResource({
      apiVersion: "security.istio.io/v1",
      kind,
      metadata: { name: "x", namespace: "a", annotations },
      spec: {},
    } as unknown as KubeObject);
  const tokens = security("RequestAuthentication", {});
  expect(tokens.ok ? "" : tokens.problems[0]?.reason).toContain("tokens would go unchecked");
  const trial = security("AuthorizationPolicy", { "istio.io/dry-run": "true" });
  expect(trial.ok ? trial.warnings.map(({ reason }) => reason).join() : "").toContain("the policy is left out");
  const enforced = security("AuthorizationPolicy", { "istio.io/dry-run": "false" });
  expect(enforced.ok && enforced.warnings).toEqual([]);
});
