/**
 * A gRPC server with xDS credentials, as an application has it: `node proxyless-server.mjs HOST:PORT`. For Node, because in Bun 1.4.5 the
 * library's server answers plain text where its listener says TLS.
 */
import { ServerCredentials } from "@grpc/grpc-js";
import { register, XdsServer, XdsServerCredentials } from "@grpc/grpc-js-xds";

register();
const same = (bytes) => bytes;
const server = new XdsServer();
server.addService(
  {
    say: {
      path: "/echo.Echo/Say",
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    },
  },
  { say: (_call, answer) => answer(null, Buffer.from("sealed")) },
);
server.bindAsync(process.argv[2], new XdsServerCredentials(ServerCredentials.createInsecure()), (error) => {
  console.log(error === null ? "listening" : String(error));
  if (error !== null) process.exit(1);
});
