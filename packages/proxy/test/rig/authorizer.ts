import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { CheckRequestSchema, CheckResponseSchema } from "@heddle/xds-api/envoy/service/auth/v3/external_auth";

const PASS = (bytes: Buffer) => bytes;

/** An authorization service: alice may, bob may not, for anybody else it fails. */
export async function startAuthorizer(): Promise<{ readonly port: number; close(): void }> {
  const server = new Server();
  const method = {
    path: "/envoy.service.auth.v3.Authorization/Check",
    requestStream: false,
    responseStream: false,
    requestSerialize: PASS,
    requestDeserialize: PASS,
    responseSerialize: PASS,
    responseDeserialize: PASS,
  };
  server.addService(
    { check: method },
    {
      check: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => {
        const { attributes } = fromBinary(CheckRequestSchema, call.request);
        const seen = attributes?.request?.http;
        const user = seen?.headers["x-user"];
        const place = attributes?.contextExtensions["place"] ?? "";
        const answer = (fields: MessageInitShape<typeof CheckResponseSchema>) =>
          reply(null, Buffer.from(toBinary(CheckResponseSchema, create(CheckResponseSchema, fields))));
        if (user === "alice") {
          answer({
            status: { code: 0 },
            httpResponse: {
              case: "okResponse",
              value: {
                headers: [
                  { header: { key: "x-granted-by", value: `${seen?.method} ${seen?.path} ${seen?.host} ${place}` } },
                ],
                headersToRemove: ["x-user"],
                responseHeadersToAdd: [{ header: { key: "x-checked", value: "yes" } }],
              },
            },
          });
        } else if (user === "bob") {
          answer({
            status: { code: 7 },
            httpResponse: {
              case: "deniedResponse",
              value: { status: { code: 429 }, body: "no", headers: [{ header: { key: "x-why", value: "bob" } }] },
            },
          });
        } else {
          reply({ code: 13, details: "out of order" });
        }
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return { port, close: () => server.forceShutdown() };
}
