import type { JsonObject } from "@heddle/config";
import { listAt, objectAt, stringsAt, textAt } from "./pod.ts";

/** Where the agent puts certificates for gRPC's `file_watcher`. */
const certificateFolder = "/var/lib/istio/data";
const volume = "istio-data";

/** A pod whose gRPC libraries are in the mesh themselves (Istio's template `grpc-agent`): the sidecar is an agent only. */
export function isProxyless(pod: JsonObject): boolean {
  const templates = stringsAt(pod, "metadata", "annotations")["inject.istio.io/templates"] ?? "";
  return templates.split(",").some((name) => name.trim() === "grpc-agent");
}

/** The agent's container beside what every sidecar has. */
export function withAgentRole(sidecar: JsonObject): JsonObject {
  return {
    ...sidecar,
    ports: [],
    env: [
      ...listAt(sidecar, "env"),
      { name: "ISTIO_META_GENERATOR", value: "grpc" },
      { name: "OUTPUT_CERTS", value: certificateFolder },
    ],
    volumeMounts: [...listAt(sidecar, "volumeMounts"), { name: volume, mountPath: certificateFolder }],
  };
}

/** The application's containers learn where bootstrap and certificates are; what they set themselves stays. */
export function withGrpcApplications(spec: JsonObject): JsonObject {
  const security = objectAt(spec, "securityContext");
  return {
    ...spec,
    containers: listAt(spec, "containers").map((container) =>
      textAt(container, "name") === "istio-proxy" ? container : application(container),
    ),
    volumes: [...listAt(spec, "volumes"), { name: volume, emptyDir: { medium: "Memory" } }],
    // The key is readable for this group only, and the application may run as anybody.
    securityContext: { fsGroup: 1337, ...security },
  };
}

function application(container: JsonObject): JsonObject {
  const env = listAt(container, "env");
  const add = [
    { name: "GRPC_XDS_BOOTSTRAP", value: "/etc/istio/proxy/grpc-bootstrap.json" },
    { name: "GRPC_XDS_EXPERIMENTAL_SECURITY_SUPPORT", value: "true" },
    // Without it some libraries refuse a server's configuration as soon as there is an AuthorizationPolicy.
    { name: "GRPC_XDS_EXPERIMENTAL_RBAC", value: "true" },
  ].filter(({ name }) => !env.some((own) => own["name"] === name));
  const mounts = [
    { name: "istio-envoy", mountPath: "/etc/istio/proxy", readOnly: true },
    { name: volume, mountPath: certificateFolder, readOnly: true },
  ];
  return { ...container, env: [...env, ...add], volumeMounts: [...listAt(container, "volumeMounts"), ...mounts] };
}
