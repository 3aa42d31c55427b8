import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { CheckRequestSchema, CheckResponseSchema } from "@heddle/xds-api/envoy/service/auth/v3/external_auth";
import {
  RateLimitRequestSchema,
  RateLimitResponse_Code,
  RateLimitResponse_RateLimit_Unit,
  RateLimitResponseSchema,
} from "@heddle/xds-api/envoy/service/ratelimit/v3/rls";
import { startGrpcServer } from "./grpc-server.ts";

/** A rate limit service: bob is over his limit, nobody else is; for broken it fails. Descriptors come back in a header. */
function limit(call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>): void {
  const { domain, descriptors } = fromBinary(RateLimitRequestSchema, call.request);
  const text = descriptors.map((d) => d.entries.map((e) => `${e.key}=${e.value}`).join(",")).join(";");
  if (text.includes("broken")) {
    reply({ code: 13, details: "out of order" });
    return;
  }
  const over = text.includes("bob");
  const code = over ? RateLimitResponse_Code.OVER_LIMIT : RateLimitResponse_Code.OK;
  const answer = create(RateLimitResponseSchema, {
    overallCode: code,
    statuses: descriptors.map(() => ({
      code,
      currentLimit: { requestsPerUnit: 10, unit: RateLimitResponse_RateLimit_Unit.MINUTE, name: "ten" },
      limitRemaining: over ? 0 : 9,
      durationUntilReset: { seconds: 7n },
    })),
    requestHeadersToAdd: [{ key: "x-granted-by", value: `${domain} ${text}` }],
    responseHeadersToAdd: [{ key: "x-why", value: text }],
    rawBody: over ? Buffer.from("too much") : new Uint8Array(0),
  });
  reply(null, Buffer.from(toBinary(RateLimitResponseSchema, answer)));
}

/** An authorization service: alice may, bob may not, for anybody else it fails. */
function check(call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>): void {
  const { attributes } = fromBinary(CheckRequestSchema, call.request);
  const seen = attributes?.request?.http;
  const user = seen?.headers["x-user"];
  const place = attributes?.contextExtensions["place"] ?? "";
  const meta = attributes?.metadataContext?.filterMetadata["envoy.filters.http.jwt_authn"];
  const routeMeta = attributes?.routeMetadataContext?.filterMetadata["place"];
  // Only where the configuration asks for them.
  const told = [
    seen?.body === "" ? "" : ` body=${seen?.body} partial=${seen?.headers["x-envoy-auth-partial-body"]}`,
    meta === undefined ? "" : ` meta=${JSON.stringify(meta).length > 10}`,
    routeMeta === undefined ? "" : ` route=${JSON.stringify(routeMeta)}`,
  ].join("");
  const answer = (fields: MessageInitShape<typeof CheckResponseSchema>) =>
    reply(null, Buffer.from(toBinary(CheckResponseSchema, create(CheckResponseSchema, fields))));
  if (user === "alice") {
    answer({
      status: { code: 0 },
      dynamicMetadata: { word: "yes" },
      httpResponse: {
        case: "okResponse",
        value: {
          headers: [
            {
              header: {
                key: "x-granted-by",
                value: `${seen?.method} ${seen?.path} ${seen?.host} ${place}${told}`,
              },
            },
          ],
          headersToRemove: ["x-user"],
          responseHeadersToAdd: [{ header: { key: "x-checked", value: "yes" } }],
        },
      },
    });
  } else if (user === "bob") {
    answer({
      status: { code: 7 },
      dynamicMetadata: { word: "no" },
      httpResponse: {
        case: "deniedResponse",
        value: { status: { code: 429 }, body: "no", headers: [{ header: { key: "x-why", value: "bob" } }] },
      },
    });
  } else {
    reply({ code: 13, details: "out of order" });
  }
}

/** Both services on one port. */
export function startAuthorizer(): Promise<{ readonly port: number; close(): void }> {
  return startGrpcServer(
    { path: "/envoy.service.auth.v3.Authorization/Check", handle: check },
    { path: "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit", handle: limit },
  );
}
