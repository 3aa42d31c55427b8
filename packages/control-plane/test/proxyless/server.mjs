/** A gRPC server with xDS credentials, as an application has it, for Node and Bun: server.mjs PORT. */
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
server.bindAsync(`0.0.0.0:${process.argv[2]}`, new XdsServerCredentials(ServerCredentials.createInsecure()), (error) => {
  console.log(error === null ? "listening" : String(error));
  if (error !== null) process.exit(1);
});
