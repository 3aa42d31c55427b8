import { expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { createHeaderList } from "@heddle/wire";
import { CheckResponseSchema } from "@heddle/xds-api/envoy/service/auth/v3/external_auth";
import { frameGrpcMessage, readGrpcAnswer } from "./grpc-message.ts";
import type { CollectedResponse } from "./response-collector.ts";

function answer(body: Buffer, status: string | undefined = "0"): CollectedResponse {
  const trailers = createHeaderList();
  if (status !== undefined) trailers.set("grpc-status", status);
  return { status: 200, headers: createHeaderList(), trailers, body };
}

const good = frameGrpcMessage(toBinary(CheckResponseSchema, create(CheckResponseSchema, { status: { code: 7 } })));

test("the message of a call that went well", () => {
  expect(readGrpcAnswer(CheckResponseSchema, answer(good))?.status?.code).toBe(7);
});

test.each([
  ["a failed call", answer(good, "14")],
  ["no status", answer(good, "")],
  ["no message", answer(Buffer.alloc(0))],
  ["half a message", answer(good.subarray(0, -1))],
  ["another length than its fields have", answer(frameGrpcMessage(Buffer.from([0x0a, 0x7f, 1])))],
  ["what is no message", answer(frameGrpcMessage(Buffer.from("<html></html>")))],
])("%s: none", (_what, response) => {
  expect(readGrpcAnswer(CheckResponseSchema, response)).toBeUndefined();
});
