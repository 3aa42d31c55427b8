import { readFile } from "node:fs/promises";
import { create } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { readMessage, writeMessage } from "@heddle/xds-api";
import {
  type IstioCertificateRequest,
  IstioCertificateRequestSchema,
  IstioCertificateResponseSchema,
} from "@heddle/xds-api/istio/v1/auth/ca";

/** A CSR in, a certificate chain out. */
export interface CertificateAuthorityClient {
  /** PEM certificates, leaf first. Errors: `SigningError`. */
  sign(csrPem: string, validitySeconds: number): Promise<readonly string[]>;
  close(): void;
}

/** Why there is no certificate; the sentence names the likely cause and the next step. */
export class SigningError extends Error {
  /** False when asking again with the same token cannot help by itself. */
  readonly retryable: boolean;
  constructor(message: string, retryable: boolean) {
    super(message);
    this.name = "SigningError";
    this.retryable = retryable;
  }
}

const METHOD = "/istio.v1.auth.IstioCertificateService/CreateCertificate";
const DEADLINE_MS = 10_000;

const CAUSES: Readonly<Partial<Record<status, string>>> = {
  [status.UNAVAILABLE]:
    "the control plane can't be reached; is istiod running, and does its certificate lead to the mounted root?",
  [status.DEADLINE_EXCEEDED]: "the control plane did not answer in time",
  [status.UNAUTHENTICATED]:
    "the control plane refused the token or certificate; is it expired, or from another cluster?",
  [status.PERMISSION_DENIED]: "the control plane refuses this identity for this token",
};

export interface AuthorityClientOptions {
  readonly address: string;
  readonly tokenFile: string;
  /** The own cluster's name: its API server vouches for the token. */
  readonly clusterId: string;
  readonly rootFile: string;
  /**
   * The certificate that is held, for workloads whose token nobody renews: once the token is no good, it vouches for its successor.
   * Default: only tokens count.
   */
  readonly held?: () => { readonly chain: string; readonly key: string } | undefined;
}

/** Talks to `istio.v1.auth.IstioCertificateService`; token and root are read anew for each call, because both rotate. */
export function createAuthorityClient(options: AuthorityClientOptions): CertificateAuthorityClient {
  let client: Client | undefined;
  let roots = "";
  const connect = async (): Promise<Client> => {
    const now = await readFile(options.rootFile, "utf8").catch(() => {
      throw new SigningError(
        `${options.rootFile} is not there yet; the control plane writes ConfigMap istio-ca-root-cert into each namespace`,
        true,
      );
    });
    if (client && now === roots) return client;
    client?.close();
    roots = now;
    client = new Client(options.address, credentials.createSsl(Buffer.from(now)), { "grpc.enable_retries": 0 });
    return client;
  };
  return {
    async sign(csrPem, validitySeconds) {
      const token = (await readFile(options.tokenFile, "utf8").catch(() => "")).trim();
      const held = options.held?.();
      if (!token && held === undefined)
        throw new SigningError(
          `${options.tokenFile} is missing or empty; a pod needs its projected token with audience istio-ca, a host that or a certificate (PROV_CERT)`,
          true,
        );
      const channel = await connect();
      const metadata = new Metadata();
      if (token) metadata.set("authorization", `Bearer ${token}`);
      metadata.set("clusterid", options.clusterId);
      const request = create(IstioCertificateRequestSchema, {
        csr: csrPem,
        validityDuration: BigInt(Math.round(validitySeconds)),
      });
      if (held === undefined) return ask(channel, request, metadata, options.address);
      try {
        if (token) return await ask(channel, request, metadata, options.address);
      } catch (error) {
        if (!(error instanceof SigningError) || error.retryable) throw error;
      }
      const { chain, key } = held;
      const proven = credentials.createSsl(Buffer.from(roots), Buffer.from(key), Buffer.from(chain));
      const own = new Client(options.address, proven, { "grpc.enable_retries": 0 });
      try {
        return await ask(own, request, new Metadata(), options.address);
      } finally {
        own.close();
      }
    },
    close: () => client?.close(),
  };
}

function ask(
  channel: Client,
  request: IstioCertificateRequest,
  metadata: Metadata,
  address: string,
): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    channel.makeUnaryRequest(
      METHOD,
      (message: IstioCertificateRequest) => Buffer.from(writeMessage(IstioCertificateRequestSchema, message)),
      (bytes: Buffer) => readMessage(IstioCertificateResponseSchema, bytes),
      request,
      metadata,
      { deadline: Date.now() + DEADLINE_MS },
      (error, response) => {
        if (!error) return resolve(response?.certChain ?? []);
        const cause = CAUSES[error.code] ?? "the control plane failed";
        const sentence = `${cause} (${address}: ${status[error.code]}: ${error.details})`;
        reject(new SigningError(sentence, error.code !== status.UNAUTHENTICATED));
      },
    );
  });
}
