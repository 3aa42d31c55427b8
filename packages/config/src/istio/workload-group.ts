import { list, map, message } from "../schema/compound.ts";
import type { Resource, ResourceDefinition } from "../schema/resource.ts";
import { int, port, string } from "../schema/scalar.ts";
import { type Infer, required, withDefault } from "../schema/schema.ts";
import { workloadEntrySpec } from "./workload-entry.ts";

/** How the agent of a workload outside of the cluster looks whether the application is well. Source: as Kubernetes' readiness probe. */
export const readinessProbe = message(
  "ReadinessProbe",
  {
    initialDelaySeconds: withDefault(int(0), 0),
    timeoutSeconds: withDefault(int(0), 1),
    periodSeconds: withDefault(int(0), 10),
    successThreshold: withDefault(int(0), 1),
    failureThreshold: withDefault(int(0), 3),
    httpGet: message("HTTPHealthCheckConfig", {
      path: withDefault(string(), "/"),
      port: required(port()),
      host: string(),
      scheme: withDefault(string(), "HTTP"),
      httpHeaders: list(message("HTTPHeader", { name: required(string()), value: withDefault(string(), "") })),
    }),
    tcpSocket: message("TCPHealthCheckConfig", { host: string(), port: required(port()) }),
    exec: message("ExecHealthCheckConfig", { command: list(string()) }),
    grpc: message("GrpcHealthCheckConfig", { port: required(port()), service: string() }),
  },
  {
    exclusive: [["httpGet", "tcpSocket", "exec", "grpc"]],
    check(value, path, sink) {
      const scheme = value.httpGet?.scheme.toUpperCase();
      if (scheme !== undefined && scheme !== "HTTP" && scheme !== "HTTPS")
        sink.error(`${path}.httpGet.scheme`, `"${value.httpGet?.scheme}" is neither HTTP nor HTTPS`);
      if (value.exec !== undefined && value.exec.command.length === 0)
        sink.error(`${path}.exec.command`, "needs a program to run");
    },
  },
);

const spec = message(
  "WorkloadGroup",
  {
    metadata: message("ObjectMeta", { labels: map(string()), annotations: map(string()) }),
    template: required(workloadEntrySpec),
    probe: readinessProbe,
  },
  {
    check(value, path, sink) {
      if (value.template?.address !== undefined)
        sink.error(`${path}.template.address`, "is each workload's own; a group must not set it");
    },
  },
);

/** What workloads outside of the cluster have in common; each that connects gets a WorkloadEntry made of it. */
export const workloadGroup: ResourceDefinition<"WorkloadGroup", Infer<typeof spec>> = {
  group: "networking.istio.io",
  kind: "WorkloadGroup",
  plural: "workloadgroups",
  shortNames: ["wg"],
  categories: ["istio-io", "networking-istio-io"],
  versions: ["v1", "v1beta1", "v1alpha3"],
  scope: "Namespaced",
  spec,
  columns: [],
};

export type WorkloadGroup = Resource<"WorkloadGroup", Infer<typeof spec>>;
