import { create } from "@bufbuild/protobuf";
import type { handleUnaryCall } from "@grpc/grpc-js";
import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import {
  type IstioCertificateRequest,
  type IstioCertificateResponse,
  IstioCertificateResponseSchema,
} from "@heddle/xds-api/istio/v1/auth/ca";
import type { CertificateIssuer } from "../ca/certificate-service.ts";
import type { ListenAddress } from "../options.ts";
import type { DiscoveryServer } from "../xds/discovery-server.ts";
import { credentialsOf } from "./call-credentials.ts";
import { certificateService, discoveryService } from "./methods.ts";

/** One gRPC port with discovery and CA. */
export interface GrpcPort {
  listen(address: ListenAddress): Promise<number>;
  /** Lets calls that are under way end, for at most `graceMs`. */
  close(graceMs: number): Promise<void>;
}

export interface GrpcPortOptions {
  /** Undefined: plaintext. */
  readonly credentials: ServerCredentials | undefined;
  readonly discovery: DiscoveryServer;
  readonly issuer: CertificateIssuer;
  /** Dead peers are noticed within the sum of both. Units: ms. */
  readonly keepaliveIntervalMs: number;
  readonly keepaliveTimeoutMs: number;
  /** A discovery request came in. */
  onRequest(bytes: number): void;
}

function certificateHandler(
  issuer: CertificateIssuer,
  secure: boolean,
): handleUnaryCall<IstioCertificateRequest, IstioCertificateResponse> {
  return (call, answer) => {
    const order = { csr: call.request.csr, validitySeconds: Number(call.request.validityDuration) };
    issuer.issue(order, credentialsOf(call, secure)).then(
      (issued) => {
        if (issued.ok) answer(null, create(IstioCertificateResponseSchema, { certChain: [...issued.value] }));
        else answer({ code: issued.error.code, details: issued.error.reason });
      },
      () => answer({ code: status.INTERNAL, details: "the control plane failed; see its log" }),
    );
  };
}

class Port implements GrpcPort {
  readonly #server: Server;
  readonly #credentials: ServerCredentials;

  constructor(options: GrpcPortOptions) {
    this.#credentials = options.credentials ?? ServerCredentials.createInsecure();
    const secure = options.credentials !== undefined;
    this.#server = new Server({
      "grpc.keepalive_time_ms": options.keepaliveIntervalMs,
      "grpc.keepalive_timeout_ms": options.keepaliveTimeoutMs,
      // CSRs and subscriptions of large meshes.
      "grpc.max_receive_message_length": 16 * 1024 * 1024,
    });
    const add = (service: ServiceDefinition, handlers: UntypedServiceImplementation): void =>
      this.#server.addService(service, handlers);
    add(discoveryService(options.onRequest), { ...options.discovery.handlers(secure) });
    add(certificateService, { createCertificate: certificateHandler(options.issuer, secure) });
  }

  listen(address: ListenAddress): Promise<number> {
    const host = address.host.includes(":") ? `[${address.host}]` : address.host;
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(`${host}:${address.port}`, this.#credentials, (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
  }

  close(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, graceMs);
      this.#server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

export function createGrpcPort(options: GrpcPortOptions): GrpcPort {
  return new Port(options);
}
