import { createKubeClient, isKubeError, type KubeClient } from "@heddle/kube-client";
import {
  at,
  createLineSink,
  createLogger,
  createSystemClock,
  errorText,
  type Logger,
  parseLogLevel,
} from "@heddle/std";
import { watchInventory } from "../kubernetes-inventory.ts";
import { FRONT_PROXY_REF, type RemoteUser, readFrontProxy } from "./front-proxy.ts";
import { createServingCertificate } from "./serving-certificate.ts";
import { createTapHandler } from "./tap-handler.ts";
import { TAP_GROUP, TAP_VERSION, type TapRight } from "./tap-question.ts";
import { createTapServer } from "./tap-server.ts";
import { createTapWatcher } from "./watch-question.ts";

const DEFAULTS = { port: "8089", adminPort: "9998", namespace: "linkerd-viz", logLevel: "info" };
const API_SERVICE = {
  group: "apiregistration.k8s.io",
  version: "v1",
  resource: "apiservices",
  name: `${TAP_VERSION}.${TAP_GROUP}`,
} as const;
/** Somebody may apply the APIService anew, without what the API server is to trust. Units: ms. */
const BUNDLE_CHECK_MS = 20_000;

/**
 * `heddle viz tap-apiserver [--port N] [--admin-port N] [--namespace NS] [--log-level L]`: the group `tap.linkerd.io` of the cluster's API,
 * behind its API server. Who may `watch` a resource there sees its calls. Until SIGTERM.
 */
export async function main(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const flag = (name: string, fallback: string) => {
    const found = argv.findIndex((a) => a === `--${name}` || a.startsWith(`--${name}=`));
    return found < 0 ? fallback : (/^--[^=]+=(.*)$/s.exec(argv[found] ?? "")?.[1] ?? argv[found + 1] ?? fallback);
  };
  const ports = [flag("port", DEFAULTS.port), flag("admin-port", DEFAULTS.adminPort)].map(Number);
  const [port = 0, adminPort = 0] = ports;
  if (ports.some((p) => !Number.isInteger(p) || p < 0 || p > 65_535)) {
    process.stderr.write("--port, --admin-port: expected port numbers\n");
    return 2;
  }
  const clock = createSystemClock();
  const log = createLogger({
    clock,
    sink: createLineSink("text", (line) => void process.stderr.write(line)),
    level: parseLogLevel(flag("log-level", DEFAULTS.logLevel)) ?? "info",
    scope: "tap",
  });
  const kube = await createKubeClient({ env, clock });
  const frontProxy = readFrontProxy(await kube.get(FRONT_PROXY_REF));
  const namespace = flag("namespace", DEFAULTS.namespace);
  const names = [`tap.${namespace}.svc`, `tap.${namespace}.svc.cluster.local`, `tap.${namespace}`, "tap"];
  const certificate = await createServingCertificate(names, clock.now());
  const inventory = watchInventory(kube, log);
  const handle = createTapHandler({
    mayWatch: (user, right) => mayWatch(kube, user, right),
    watch: createTapWatcher(kube, inventory),
  });
  const server = createTapServer({ frontProxy, certificate, handle, log });
  const bound = await server.listen(port);
  const trust = () => keepTrusted(kube, certificate.certPem, log);
  await trust();
  const timer = setInterval(() => void trust(), BUNDLE_CHECK_MS);
  const admin = Bun.serve({
    port: adminPort,
    hostname: "0.0.0.0",
    fetch: () =>
      inventory.synced ? new Response("ok\n") : new Response("inventory is not complete yet\n", { status: 503 }),
  });
  log.info("serving", { port: bound, group: TAP_GROUP });
  await new Promise<void>((stop) => {
    process.once("SIGTERM", stop);
    process.once("SIGINT", stop);
  });
  clearInterval(timer);
  inventory.close();
  await Promise.all([server.close(), admin.stop(true)]);
  return 0;
}

async function mayWatch(kube: KubeClient, user: RemoteUser, right: TapRight) {
  const answer = await kube.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
    body: {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: {
        user: user.name,
        groups: user.groups,
        extra: user.extra,
        resourceAttributes: { ...right, verb: "watch", group: TAP_GROUP, version: TAP_VERSION, subresource: "tap" },
      },
    },
  });
  const review: unknown = await answer.json();
  const reason = at(review, "status", "reason");
  return { allowed: at(review, "status", "allowed") === true, reason: typeof reason === "string" ? reason : "" };
}

/** The API server trusts what the APIService says: just this process' certificate. */
async function keepTrusted(kube: KubeClient, certPem: string, log: Logger): Promise<void> {
  const caBundle = Buffer.from(certPem).toString("base64");
  try {
    if (at(await kube.get(API_SERVICE), "spec", "caBundle") === caBundle) return;
    await kube.patch(API_SERVICE, { spec: { caBundle } });
    log.info("the API server was told whom to trust", { apiService: API_SERVICE.name });
  } catch (error) {
    const next = isKubeError(error, 404) ? "apply the manifests of heddle viz install" : "see the cause";
    log.warn("the APIService could not be brought up to date", { error: errorText(error), next });
  }
}
