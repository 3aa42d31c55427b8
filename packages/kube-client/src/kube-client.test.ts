import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import {
  createTestAuthority,
  startTlsServer,
  type TestAuthority,
  type TestIdentity,
  type TlsServer,
} from "../test/tls-server.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { fixed } from "./credentials.ts";
import { type KubeClient, kubeClientFor } from "./kube-client.ts";

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly authorized: boolean;
}

let authority: TestAuthority;
let client: TestIdentity;
let server: TlsServer;
/** What the next requests get, by method and path. */
const answers = new Map<string, (response: ServerResponse, seen: Seen) => void>();
const seen: Seen[] = [];

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

beforeAll(async () => {
  authority = await createTestAuthority();
  client = await authority.issue("client", []);
  server = await startTlsServer(
    await authority.issue("server", ["127.0.0.1", "kube.test"]),
    authority.ca,
    (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { method = "", url = "", headers } = request;
        const told: Seen = {
          method,
          url,
          headers,
          body: Buffer.concat(chunks).toString(),
          authorized: (request.socket as TLSSocket).authorized,
        };
        seen.push(told);
        const answer = answers.get(`${method} ${url.split("?")[0]}`);
        if (answer === undefined)
          json(response, 404, { kind: "Status", code: 404, reason: "NotFound", message: `no ${url}` });
        else answer(response, told);
      });
    },
  );
  answers.set("GET /api/v1", (response) =>
    json(response, 200, {
      resources: [
        { name: "pods", kind: "Pod", namespaced: true, verbs: [] },
        { name: "nodes", kind: "Node", namespaced: false, verbs: [] },
        { name: "pods/log", kind: "Pod", namespaced: true, verbs: [] },
      ],
    }),
  );
});
afterAll(() => server.close());

function connect(changes: Partial<ClusterAccess> = {}): KubeClient {
  const access: ClusterAccess = {
    server: server.url,
    namespace: "web",
    contextName: "c",
    origin: 'context "c" of kubeconfig',
    ca: authority.ca,
    serverName: undefined,
    insecureSkipVerify: false,
    proxyUrl: undefined,
    impersonation: {},
    credentials: fixed({ authorization: "Bearer t" }, client),
    ...changes,
  };
  return kubeClientFor(access, {});
}

const POD = { apiVersion: "v1", kind: "Pod", metadata: { name: "p" } };

describe("connection", () => {
  test("server certificate, client certificate and token", async () => {
    answers.set("GET /ok", (response) => json(response, 200, {}));
    await connect().request("GET", "/ok");
    expect(seen.at(-1)).toMatchObject({
      authorized: true,
      headers: { authorization: "Bearer t", "user-agent": "heddle" },
    });
    await connect({ serverName: "kube.test" }).request("GET", "/ok");
  });

  const wrong: readonly [string, () => Partial<ClusterAccess>, string, RegExp][] = [
    [
      "no CA",
      () => ({ ca: undefined }),
      "UntrustedCertificate",
      /not signed by the expected authority .*gives no certificate authority/,
    ],
    ["another CA", () => ({ ca: otherCa }), "UntrustedCertificate", /Fetch the kubeconfig again/],
    [
      "another name",
      () => ({ serverName: "other.test" }),
      "UntrustedCertificate",
      /for another name; set tls-server-name/,
    ],
    [
      "nobody there",
      () => ({ server: "https://127.0.0.1:1" }),
      "Unreachable",
      /nothing listens there: is the cluster running/,
    ],
    ["no such host", () => ({ server: "https://no-such-host.invalid" }), "Unreachable", /cannot be resolved/],
  ];
  let otherCa = "";
  for (const [name, changes, reason, message] of wrong) {
    test(name, async () => {
      otherCa = (await createTestAuthority()).ca;
      const failure = await connect(changes())
        .request("GET", "/ok")
        .catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 0, reason });
      expect(String(failure)).toMatch(message);
    });
  }

  test("a server that doesn't answer, and an abort", async () => {
    answers.set("GET /slow", () => {});
    await expect(connect().request("GET", "/slow", { timeoutMs: 50 })).rejects.toMatchObject({ reason: "Timeout" });
    await expect(connect().request("GET", "/slow", { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
      name: "TimeoutError",
    });
  });

  test("a server that stops in the middle of a list", async () => {
    answers.set("GET /api/v1/pods", (response) => response.writeHead(200).write('{"items": ['));
    const pods = { group: "", version: "v1", resource: "pods" };
    await expect(connect().list(pods, { pageTimeoutMs: 50 })).rejects.toMatchObject({
      reason: "Timeout",
      message: expect.stringContaining("did not list /api/v1/pods within 0.05 s"),
    });
  });
});

describe("answers", () => {
  test("a Status becomes an error; 401 and 403 say what to do", async () => {
    const cases: readonly [number, string, RegExp][] = [
      [409, "AlreadyExists", /^KubeError: pods "p" already there$/],
      [401, "Unauthorized", /did not accept the credentials of context "c" of kubeconfig.*log in again/],
      [403, "Forbidden", /pods "p" already there; an administrator must grant this/],
    ];
    for (const [code, reason, message] of cases) {
      answers.set("POST /api/v1/namespaces/web/pods", (response) =>
        json(response, code, { kind: "Status", code, reason, message: 'pods "p" already there' }),
      );
      const failure = await connect()
        .create(POD)
        .catch((error: unknown) => error);
      expect(failure).toMatchObject({ code, reason });
      expect(String(failure)).toMatch(message);
    }
  });

  test("a token that expired is fetched anew, once", async () => {
    let token = "old";
    const credentials = {
      headers: async () => ({ authorization: `Bearer ${token}` }),
      clientCertificate: async () => undefined,
      invalidate: () => {
        token = "new";
        return true;
      },
    };
    answers.set("GET /guarded", (response, { headers }) =>
      json(response, headers.authorization === "Bearer new" ? 200 : 401, {}),
    );
    expect((await connect({ credentials }).request("GET", "/guarded")).status).toBe(200);
    answers.set("GET /never", (response) => json(response, 401, {}));
    await expect(connect({ credentials }).request("GET", "/never")).rejects.toMatchObject({ code: 401 });
  });

  test("pages are put together; items get their kind", async () => {
    answers.set("GET /api/v1/namespaces/web/pods", (response, { url }) =>
      url.includes("continue=more")
        ? json(response, 200, {
            kind: "PodList",
            apiVersion: "v1",
            metadata: { resourceVersion: "7" },
            items: [{ metadata: { name: "b" } }],
          })
        : json(response, 200, {
            kind: "PodList",
            apiVersion: "v1",
            metadata: { resourceVersion: "7", continue: "more" },
            items: [{ metadata: { name: "a" } }],
          }),
    );
    const list = await connect().list({ apiVersion: "v1", kind: "Pod", namespace: "web" }, { labelSelector: "a=b" });
    expect(list).toEqual({
      resourceVersion: "7",
      items: [
        { apiVersion: "v1", kind: "Pod", metadata: { name: "a" } },
        { apiVersion: "v1", kind: "Pod", metadata: { name: "b" } },
      ],
    });
    expect(seen.at(-1)?.url).toBe("/api/v1/namespaces/web/pods?labelSelector=a%3Db&limit=500&continue=more");
  });
});

describe("paths", () => {
  test("a cluster-scoped kind has no namespace, an unknown kind is named", async () => {
    answers.set("GET /api/v1/nodes/n", (response) =>
      json(response, 200, { apiVersion: "v1", kind: "Node", metadata: { name: "n" } }),
    );
    await connect().get({ apiVersion: "v1", kind: "Node", name: "n", namespace: "web" });
    await expect(connect().get({ apiVersion: "v1", kind: "Loom", name: "n" })).rejects.toThrow(
      'the cluster has no kind "Loom" in v1; install its CustomResourceDefinition first',
    );
  });

  test("server-side apply: type, manager, force; created or not", async () => {
    answers.set("PATCH /api/v1/namespaces/web/pods/p", (response) => json(response, 201, POD));
    const [applied] = await connect().applyObjects([POD], { fieldManager: "me" });
    expect(applied?.created).toBe(true);
    expect(seen.at(-1)).toMatchObject({
      url: "/api/v1/namespaces/web/pods/p?fieldManager=me&force=true",
      headers: { "content-type": "application/apply-patch+yaml" },
      body: JSON.stringify(POD),
    });
    answers.set("PATCH /api/v1/namespaces/web/pods/p", (response) =>
      json(response, 409, { kind: "Status", code: 409, reason: "Conflict", message: "conflict with kubectl" }),
    );
    await expect(connect().applyObjects([POD])).rejects.toThrow("Pod p: conflict with kubectl");
  });

  test("through the API server to a Service", async () => {
    answers.set("GET /api/v1/namespaces/viz/services/metrics-api%3A8085/proxy/api/stat", (response) =>
      response.end("yes"),
    );
    const response = await connect().proxyRequest(
      { kind: "services", namespace: "viz", name: "metrics-api", port: 8085 },
      "GET",
      "/api/stat",
      { query: { resource: "deploy" } },
    );
    expect(await response.text()).toBe("yes");
    expect(seen.at(-1)?.url).toEndWith("?resource=deploy");
  });
});
