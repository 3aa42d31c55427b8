import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ServerReadableStream, sendUnaryData } from "@grpc/grpc-js";
import {
  type StreamAccessLogsMessage,
  StreamAccessLogsMessageSchema,
  StreamAccessLogsResponseSchema,
} from "@heddle/xds-api/envoy/service/accesslog/v3/als";
import { startGrpcServer } from "./grpc-server.ts";

/** An access log service that keeps what it gets. */
export async function startLogService(): Promise<{
  readonly port: number;
  readonly messages: readonly StreamAccessLogsMessage[];
  /** What the heads of streams said in `x-mesh`, each once. */
  readonly meshes: ReadonlySet<string>;
  close(): void;
}> {
  const messages: StreamAccessLogsMessage[] = [];
  const meshes = new Set<string>();
  const server = await startGrpcServer({
    path: "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs",
    requestStream: true,
    handle: (call: ServerReadableStream<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
      for (const mesh of call.metadata.get("x-mesh")) meshes.add(mesh.toString());
      // The identifier stands in the first message of a stream only.
      let identifier: StreamAccessLogsMessage["identifier"];
      call.on("data", (bytes: Buffer) => {
        const message = fromBinary(StreamAccessLogsMessageSchema, bytes);
        identifier ??= message.identifier;
        messages.push({ ...message, identifier });
      });
      call.on("end", () =>
        answer(null, Buffer.from(toBinary(StreamAccessLogsResponseSchema, create(StreamAccessLogsResponseSchema)))),
      );
      call.on("error", () => undefined);
    },
  });
  return { ...server, messages, meshes };
}
