import { map, message } from "../schema/compound.ts";
import { anyJson, boolean, string } from "../schema/scalar.ts";
import { type Infer, notYet, required } from "../schema/schema.ts";

/** A backend that telemetry and policies may name. Source: istio/api mesh/v1alpha1/config.proto, MeshConfig.ExtensionProvider. */
export const extensionProvider = message("ExtensionProvider", {
  name: required(string()),
  envoyFileAccessLog: message("EnvoyFileAccessLogProvider", {
    path: required(string()),
    logFormat: message("LogFormat", { text: string(), labels: map(anyJson()) }, { exclusive: [["text", "labels"]] }),
    omitEmptyValues: notYet(boolean()),
  }),
  prometheus: anyJson(),
  envoyHttpAls: notYet(anyJson()),
  envoyTcpAls: notYet(anyJson()),
  envoyOtelAls: notYet(anyJson()),
  envoyExtAuthzHttp: notYet(anyJson()),
  envoyExtAuthzGrpc: notYet(anyJson()),
  zipkin: notYet(anyJson()),
  opentelemetry: notYet(anyJson()),
  lightstep: notYet(anyJson()),
  datadog: notYet(anyJson()),
  stackdriver: notYet(anyJson()),
  opencensus: notYet(anyJson()),
  skywalking: notYet(anyJson()),
  sds: notYet(anyJson()),
});

export type ExtensionProvider = Infer<typeof extensionProvider>;
