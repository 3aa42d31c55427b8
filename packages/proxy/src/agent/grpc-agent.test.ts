import { afterAll, beforeAll, expect, test } from "bun:test";
import { createPublicKey, X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
} from "@grpc/grpc-js";
import {
  type Authority,
  createAuthority,
  createSelfSignedRoot,
  exportPrivateKey,
  generateKey,
  readSigningRequest,
} from "@heddle/identity";
import { createNullLogger, createSystemClock } from "@heddle/std";
import { freePort } from "@heddle/std/free-ports";
import { readMessage, writeMessage } from "@heddle/xds-api";
import {
  type IstioCertificateRequest,
  IstioCertificateRequestSchema,
  type IstioCertificateResponse,
  IstioCertificateResponseSchema,
} from "@heddle/xds-api/istio/v1/auth/ca";
import { readAgentOptions } from "./agent-options.ts";
import { runGrpcAgent } from "./grpc-agent.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-grpc-agent-"));
const same = (bytes: Buffer): Buffer => bytes;
const DISCOVERY = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";

let plane: { readonly servers: readonly Server[]; readonly authority: string; readonly discovery: string };
/** Tokens that came with signing requests. */
const tokens: string[] = [];

/** The two services of a control plane that an agent needs, with TLS; discovery wants a client's certificate. */
async function startPlane(): Promise<typeof plane> {
  const root = await createSelfSignedRoot("cluster.local", Date.now());
  const made = createAuthority(root, Date.now());
  if (!made.ok) throw new Error(JSON.stringify(made.error));
  const authority: Authority = made.value;
  const key = await generateKey();
  const own = authority.issue({
    publicKey: createPublicKey(key),
    names: { dns: ["localhost"] },
    ttlMs: 3_600_000,
    nowMs: Date.now(),
  });
  writeFileSync(join(folder, "root-cert.pem"), root.caCert);
  const pair = { private_key: Buffer.from(exportPrivateKey(key)), cert_chain: Buffer.from(own.chain.join("\n")) };
  const [signing, discovery] = [new Server(), new Server()];
  const sign = (
    call: ServerUnaryCall<IstioCertificateRequest, IstioCertificateResponse>,
    answer: (error: Error | null, response?: IstioCertificateResponse) => void,
  ): void => {
    tokens.push(String(call.metadata.get("authorization")[0]));
    const request = readSigningRequest(call.request.csr);
    if (!request.ok) {
      answer(new Error(request.error));
      return;
    }
    const { publicKey, names } = request.value;
    const ttlMs = Number(call.request.validityDuration) * 1000;
    const { chain } = authority.issue({ publicKey, names: { uris: names.uris }, ttlMs, nowMs: Date.now() });
    answer(null, create(IstioCertificateResponseSchema, { certChain: [...chain] }));
  };
  signing.addService(
    {
      sign: {
        path: "/istio.v1.auth.IstioCertificateService/CreateCertificate",
        requestStream: false,
        responseStream: false,
        requestSerialize: (message: IstioCertificateRequest) =>
          Buffer.from(writeMessage(IstioCertificateRequestSchema, message)),
        requestDeserialize: (bytes: Buffer) => readMessage(IstioCertificateRequestSchema, bytes),
        responseSerialize: (message: IstioCertificateResponse) =>
          Buffer.from(writeMessage(IstioCertificateResponseSchema, message)),
        responseDeserialize: (bytes: Buffer) => readMessage(IstioCertificateResponseSchema, bytes),
      },
    },
    { sign },
  );
  discovery.addService(
    {
      discover: {
        path: DISCOVERY,
        requestStream: true,
        responseStream: true,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    },
    {
      discover: (call: ServerDuplexStream<Buffer, Buffer>) =>
        call.on("data", (bytes: Buffer) => {
          const raw = call.getAuthContext().sslPeerCertificate?.raw;
          const caller = raw === undefined ? "nobody" : new X509Certificate(raw).subjectAltName;
          call.write(Buffer.from(`${caller} said ${bytes}`));
        }),
    },
  );
  const listen = async (server: Server, wantsCertificate: boolean): Promise<string> => {
    const secure = ServerCredentials.createSsl(Buffer.from(root.caCert), [pair], wantsCertificate);
    return new Promise((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", secure, (error, port) =>
        error === null ? resolve(`localhost:${port}`) : reject(error),
      ),
    );
  };
  return {
    servers: [signing, discovery],
    authority: await listen(signing, false),
    discovery: await listen(discovery, true),
  };
}

async function until<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = performance.now() + 15_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`${what} did not happen within 15 s`);
    await Bun.sleep(20);
  }
}

beforeAll(async () => {
  plane = await startPlane();
});

afterAll(() => {
  for (const server of plane?.servers ?? []) server.forceShutdown();
  rmSync(folder, { recursive: true, force: true });
});

test("an application finds certificate files, a bootstrap file and discovery on a socket; the agent keeps them fresh and ends when asked", async () => {
  const [statusPort, readinessPort] = [freePort(), freePort()];
  const configFolder = join(folder, "config");
  mkdirSync(configFolder);
  const token = join(folder, "token");
  const certificates = join(folder, "certificates");
  const env = {
    POD_NAME: "client-1",
    POD_NAMESPACE: "shop",
    INSTANCE_IP: "127.0.0.1",
    SERVICE_ACCOUNT: "client",
    CA_ADDR: plane.authority,
    PROXY_CONFIG: JSON.stringify({ discoveryAddress: plane.discovery, statusPort, terminationDrainDuration: "1ms" }),
    // Renewed after a second or two, and good for long, however slow the machine is.
    SECRET_TTL: "1h",
    SECRET_GRACE_PERIOD_RATIO: "0.9995",
    ISTIO_META_GENERATOR: "grpc",
    OUTPUT_CERTS: certificates,
    HEDDLE_TOKEN_FILE: token,
    HEDDLE_ROOT_CERT_FILE: join(folder, "root-cert.pem"),
    HEDDLE_CONFIG_FOLDER: configFolder,
  };
  const { options, problems } = readAgentOptions(["sidecar"], env);
  expect(problems).toEqual([]);
  let stop: () => void = () => undefined;
  const ended = runGrpcAgent({
    options,
    env,
    clock: createSystemClock(),
    random: () => 0.5,
    log: createNullLogger(),
    version: "0.1.0",
    stop: new Promise<void>((resolve) => {
      stop = resolve;
    }),
    readinessPort,
  });
  const ask = async (path: string, port = statusPort) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, text: await response.text() };
  };

  // Without a token there is no certificate, and applications don't start.
  await until("the status port", () => ask("/healthz/ready").catch(() => undefined));
  expect(await ask("/healthz/ready", readinessPort)).toEqual({
    status: 503,
    text: "the workload has no certificate yet\n",
  });
  const bootstrap = join(configFolder, "grpc-bootstrap.json");
  expect(() => statSync(bootstrap)).toThrow();
  writeFileSync(token, "a-token\n");
  await until("readiness", async () => ((await ask("/healthz/ready")).status === 200 ? true : undefined));
  expect(new Set(tokens)).toEqual(new Set(["Bearer a-token"]));

  // What the bootstrap file names is what is there.
  const read = JSON.parse(readFileSync(bootstrap, "utf8")) as {
    readonly xds_servers: readonly { readonly server_uri: string }[];
    readonly node: { readonly id: string };
    readonly certificate_providers: {
      readonly default: {
        readonly config: Readonly<Record<`${"certificate" | "private_key" | "ca_certificate"}_file`, string>>;
      };
    };
  };
  expect(read.node.id).toBe("sidecar~127.0.0.1~client-1.shop~shop.svc.cluster.local");
  const files = read.certificate_providers.default.config;
  const leaf = (): X509Certificate => new X509Certificate(readFileSync(files.certificate_file));
  const first = leaf();
  expect(first.subjectAltName).toBe("URI:spiffe://cluster.local/ns/shop/sa/client");
  expect(first.verify(new X509Certificate(readFileSync(files.ca_certificate_file)).publicKey)).toBe(true);
  // The application's group may read the key, nobody else.
  expect(statSync(files.private_key_file).mode & 0o777).toBe(0o640);

  // Discovery, under the workload's identity, without the application having to show one.
  const client = new Client(read.xds_servers[0]?.server_uri ?? "", credentials.createInsecure());
  const stream = client.makeBidiStreamRequest(DISCOVERY, same, same);
  stream.on("error", () => undefined);
  const answer = new Promise<string>((resolve) => stream.once("data", (bytes: Buffer) => resolve(String(bytes))));
  stream.write(Buffer.from("hello"));
  expect(await answer).toBe("URI:spiffe://cluster.local/ns/shop/sa/client said hello");
  expect((await ask("/stats/prometheus")).text).toContain("istio_agent_num_xds_streams 1");

  // Renewed, and key and certificate belong together.
  await until("another certificate", () => (leaf().serialNumber === first.serialNumber ? undefined : true));
  expect(leaf().publicKey.export({ type: "spki", format: "pem" })).toBe(
    createPublicKey(readFileSync(files.private_key_file)).export({ type: "spki", format: "pem" }),
  );

  const over = new Promise<void>((resolve) => stream.once("status", () => resolve()));
  stop();
  expect(await ended).toBe(0);
  await over;
  client.close();
  await expect(ask("/healthz/ready")).rejects.toThrow();
}, 30_000);
