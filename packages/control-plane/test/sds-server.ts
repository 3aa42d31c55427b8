import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import {
  createResourceSet,
  createServerStream,
  createSnapshot,
  encodeSotwResponse,
  readSotwRequest,
} from "@heddle/xds";
import { typeUrls } from "@heddle/xds-api";
import { SecretSchema } from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/secret";
import { type DiscoveryRequest, DiscoveryRequestSchema } from "@heddle/xds-api/envoy/service/discovery/v3/discovery";

/** Serves `default` and `ROOTCA` as the agent beside an Envoy does. Returns its port. */
export function startSdsServer(material: { key: string; cert: string; roots: string }): Promise<number> {
  const inline = (value: string) => ({ specifier: { case: "inlineString" as const, value } });
  const secrets = [
    create(SecretSchema, {
      name: "default",
      type: {
        case: "tlsCertificate",
        value: { certificateChain: inline(material.cert), privateKey: inline(material.key) },
      },
    }),
    create(SecretSchema, {
      name: "ROOTCA",
      type: { case: "validationContext", value: { trustedCa: inline(material.roots) } },
    }),
  ];
  const set = createResourceSet(
    "1",
    secrets.map((secret) => ({ name: secret.name, version: "1", body: toBinary(SecretSchema, secret) })),
  );
  const server = new Server();
  const same = (bytes: Buffer): Buffer => bytes;
  server.addService(
    {
      streamSecrets: {
        path: "/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets",
        requestStream: true,
        responseStream: true,
        requestSerialize: same,
        requestDeserialize: (bytes: Buffer) => fromBinary(DiscoveryRequestSchema, bytes),
        responseSerialize: same,
        responseDeserialize: same,
      },
    },
    {
      streamSecrets(call: ServerDuplexStream<DiscoveryRequest, Buffer>) {
        const stream = createServerStream({
          dialect: "sotw",
          send: (response) => call.write(Buffer.from(encodeSotwResponse(response))),
        });
        stream.update(createSnapshot({ [typeUrls.secret]: set }));
        call.on("data", (request: DiscoveryRequest) =>
          stream.receive(readSotwRequest({ ...request, typeUrl: typeUrls.secret })),
        );
        call.on("error", () => {});
        call.on("end", () => call.end());
      },
    },
  );
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}
