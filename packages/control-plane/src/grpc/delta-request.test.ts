import { expect, test } from "bun:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { typeUrls } from "@heddle/xds-api";
import { DeltaDiscoveryRequestSchema } from "@heddle/xds-api/envoy/service/discovery/v3/discovery";
import { decodeDeltaRequest } from "./delta-request.ts";

const typeUrl = typeUrls.endpoint;
const requests: readonly MessageInitShape<typeof DeltaDiscoveryRequestSchema>[] = [
  {},
  { typeUrl, responseNonce: "17" },
  { typeUrl },
  { responseNonce: "1" },
  { typeUrl: "größe", responseNonce: "ü" },
  { typeUrl: "t".repeat(127), responseNonce: "n".repeat(128) },
  { typeUrl, responseNonce: "17", errorDetail: { code: 13, message: "no" } },
  { typeUrl, resourceNamesSubscribe: ["a", "b"], resourceNamesUnsubscribe: ["c"] },
  { typeUrl, initialResourceVersions: { a: "1" }, node: { id: "sidecar~1" } },
];

test.each(requests.map((request, i) => [i, request] as const))("reads request %i as the library does", (_, request) => {
  const bytes = Buffer.from(toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request)));
  expect(decodeDeltaRequest(bytes)).toEqual(fromBinary(DeltaDiscoveryRequestSchema, bytes));
  // Cut off anywhere, and with each byte spoilt.
  for (let i = 0; i < bytes.length; i++) {
    for (const spoilt of [
      bytes.subarray(0, i),
      Buffer.from(bytes).fill(0xff, i, i + 1),
      Buffer.from(bytes).fill(0x12, i, i + 1),
    ])
      expect(outcome(() => decodeDeltaRequest(spoilt))).toEqual(
        outcome(() => fromBinary(DeltaDiscoveryRequestSchema, spoilt)),
      );
  }
});

function outcome(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return String(error);
  }
}
