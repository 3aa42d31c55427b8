import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { defaultMeshConfig } from "@heddle/config";
import { AccessLogSchema } from "@heddle/xds-api/envoy/config/accesslog/v3/accesslog";
import { FileAccessLogSchema } from "@heddle/xds-api/envoy/extensions/access_loggers/file/v3/file";
import { accessLogs } from "./access-log.ts";

/** As Istio's documentation publishes it. Source: istio.io, "Envoy Access Logs", default access log format. */
const PUBLISHED =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n';

/** Fields that the JSON form names otherwise than after their command. */
const NAMED: Readonly<Record<string, string>> = {
  "REQ(:METHOD)": "method",
  "REQ(X-ENVOY-ORIGINAL-PATH?:PATH)": "path",
  "RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)": "upstream_service_time",
  "REQ(X-FORWARDED-FOR)": "x_forwarded_for",
  "REQ(USER-AGENT)": "user_agent",
  "REQ(X-REQUEST-ID)": "request_id",
  "REQ(:AUTHORITY)": "authority",
  UPSTREAM_CLUSTER_RAW: "upstream_cluster",
};

/** Every format in what a file's log is told. */
function formatsOf(encoding: "TEXT" | "JSON"): readonly string[] {
  const mesh = { ...defaultMeshConfig(), accessLogFile: "/tmp/log", accessLogEncoding: encoding };
  const [log = {}] = accessLogs(mesh, "http");
  const any = create(AccessLogSchema, log).configType.value;
  const sink = any === undefined ? undefined : anyUnpack(any, FileAccessLogSchema);
  const format = sink?.accessLogFormat.case === "logFormat" ? sink.accessLogFormat.value.format : undefined;
  if (format?.case === "jsonFormat") return Object.entries(format.value).flat().map(String);
  const text = format?.case === "textFormatSource" ? format.value.specifier.value : undefined;
  return typeof text === "string" ? [text] : [];
}

test("the default line is the one that Istio publishes", () => {
  expect(formatsOf("TEXT")).toEqual([PUBLISHED]);
});

test("the default JSON form has the same fields by Istio's names, and no others", () => {
  const fields = [...PUBLISHED.matchAll(/%([^%]+)%/g)].flatMap(([command, text = ""]) => [
    NAMED[text] ?? text.toLowerCase(),
    command,
  ]);
  expect(formatsOf("JSON").toSorted()).toEqual(fields.toSorted());
});
