import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Server, ServerCredentials, type ServerReadableStream, type sendUnaryData } from "@grpc/grpc-js";
import {
  type StreamAccessLogsMessage,
  StreamAccessLogsMessageSchema,
  StreamAccessLogsResponseSchema,
} from "@heddle/xds-api/envoy/service/accesslog/v3/als";

const PASS = (bytes: Buffer) => bytes;

/** An access log service that keeps what it gets. */
export async function startLogService(): Promise<{
  readonly port: number;
  readonly messages: readonly StreamAccessLogsMessage[];
  close(): void;
}> {
  const messages: StreamAccessLogsMessage[] = [];
  const server = new Server();
  server.addService(
    {
      stream: {
        path: "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs",
        requestStream: true,
        responseStream: false,
        requestSerialize: PASS,
        requestDeserialize: PASS,
        responseSerialize: PASS,
        responseDeserialize: PASS,
      },
    },
    {
      stream: (call: ServerReadableStream<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
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
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return { port, messages, close: () => server.forceShutdown() };
}
