import { create, type JsonObject, type MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { MeshConfig } from "@heddle/config";
import { packAny } from "@heddle/xds-api";
import type { AccessLogFilterSchema, AccessLogSchema } from "@heddle/xds-api/envoy/config/accesslog/v3/accesslog";
import type { SubstitutionFormatStringSchema } from "@heddle/xds-api/envoy/config/core/v3/substitution_format_string";
import { FileAccessLogSchema } from "@heddle/xds-api/envoy/extensions/access_loggers/file/v3/file";
import {
  StderrAccessLogSchema,
  StdoutAccessLogSchema,
} from "@heddle/xds-api/envoy/extensions/access_loggers/stream/v3/stream";

type AccessLog = MessageInitShape<typeof AccessLogSchema>;
type AccessLogFilter = MessageInitShape<typeof AccessLogFilterSchema>;

/** Istio's default text line. Source: istio pilot/pkg/model/telemetry_logging.go. */
const textFormat =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% ' +
  '%DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" ' +
  '"%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% ' +
  "%DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";

const jsonFormat: JsonObject = {
  start_time: "%START_TIME%",
  route_name: "%ROUTE_NAME%",
  method: "%REQ(:METHOD)%",
  path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
  protocol: "%PROTOCOL%",
  response_code: "%RESPONSE_CODE%",
  response_flags: "%RESPONSE_FLAGS%",
  response_code_details: "%RESPONSE_CODE_DETAILS%",
  connection_termination_details: "%CONNECTION_TERMINATION_DETAILS%",
  bytes_received: "%BYTES_RECEIVED%",
  bytes_sent: "%BYTES_SENT%",
  duration: "%DURATION%",
  upstream_service_time: "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
  x_forwarded_for: "%REQ(X-FORWARDED-FOR)%",
  user_agent: "%REQ(USER-AGENT)%",
  request_id: "%REQ(X-REQUEST-ID)%",
  authority: "%REQ(:AUTHORITY)%",
  upstream_host: "%UPSTREAM_HOST%",
  upstream_cluster: "%UPSTREAM_CLUSTER_RAW%",
  upstream_local_address: "%UPSTREAM_LOCAL_ADDRESS%",
  downstream_local_address: "%DOWNSTREAM_LOCAL_ADDRESS%",
  downstream_remote_address: "%DOWNSTREAM_REMOTE_ADDRESS%",
  requested_server_name: "%REQUESTED_SERVER_NAME%",
  upstream_transport_failure_reason: "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
};

/** The access log that MeshConfig asks for; none when `accessLogFile` is empty. `filter` leaves entries out. */
export function accessLogs(mesh: MeshConfig, filter?: AccessLogFilter): AccessLog[] {
  if (mesh.accessLogFile === "") return [];
  const logFormat: MessageInitShape<typeof SubstitutionFormatStringSchema> = {
    format:
      mesh.accessLogEncoding === "JSON"
        ? { case: "jsonFormat", value: customJson(mesh.accessLogFormat) ?? jsonFormat }
        : {
            case: "textFormatSource",
            value: {
              specifier: {
                case: "inlineString",
                value: mesh.accessLogFormat === "" ? textFormat : mesh.accessLogFormat,
              },
            },
          },
  };
  return [sink(mesh.accessLogFile, { case: "logFormat", value: logFormat }, filter)];
}

type LogFormat = { case: "logFormat"; value: MessageInitShape<typeof SubstitutionFormatStringSchema> };

/** The process's own streams by their logger: Envoy cannot open them by path where they are sockets. */
function sink(path: string, accessLogFormat: LogFormat, filter: AccessLogFilter | undefined): AccessLog {
  const logger = (name: string, value: Any): AccessLog => ({
    name,
    configType: { case: "typedConfig", value },
    ...(filter === undefined ? {} : { filter }),
  });
  if (path === "/dev/stdout") {
    return logger(
      "envoy.access_loggers.stdout",
      packAny(StdoutAccessLogSchema, create(StdoutAccessLogSchema, { accessLogFormat })),
    );
  }
  if (path === "/dev/stderr") {
    return logger(
      "envoy.access_loggers.stderr",
      packAny(StderrAccessLogSchema, create(StderrAccessLogSchema, { accessLogFormat })),
    );
  }
  return logger(
    "envoy.access_loggers.file",
    packAny(FileAccessLogSchema, create(FileAccessLogSchema, { path, accessLogFormat })),
  );
}

/** `accessLogFormat` as a JSON object of operators; undefined when it is empty or not one. */
function customJson(text: string): JsonObject | undefined {
  if (text === "") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}
