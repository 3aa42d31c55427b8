import { loadProxy } from "./bundle/load-proxy.ts";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Runs the role that the first words name, or gives undefined when they name none. Roles are imported on demand: a sidecar must not pay
 * for the control plane's code.
 */
export async function runRole(argv: readonly string[], env: Env): Promise<number | undefined> {
  const [word, ...rest] = argv;
  switch (word) {
    case "discovery":
      (await import("@heddle/proxy/executable-pages")).forgetUnusedCode(await systemClock(), 10_000);
      return (await import("@heddle/control-plane/main")).main(rest, env);
    case "service-mirror":
      return (await import("@heddle/control-plane/service-mirror")).main(rest, env);
    case "proxy":
      if (rest[0] === "vm") return (await import("./bare-host.ts")).main(rest.slice(1), env);
      return (await loadProxy(env)).main(rest, env);
    case "intercept":
      return (await import("@heddle/intercept/main")).main(rest, env);
    case "dns":
      return (await import("@heddle/proxy/dns")).main(rest, env);
    case "local":
      return (await import("@heddle/local-cluster/main")).main(rest, env);
    case "viz":
      if (rest[0] === "tap-apiserver") return (await import("@heddle/viz/tap-apiserver")).main(rest.slice(1), env);
      return rest[0] === "serve" ? serveViz(rest.slice(1), env) : undefined;
    default:
      return undefined;
  }
}

/** The metrics service with the dashboard in it: the two packages meet only here. `--live-calls`: tap, too, with this service's own rights. */
async function serveViz(argv: readonly string[], env: Env): Promise<number> {
  const { main } = await import("@heddle/viz/main");
  const { loadDashboard } = await import("@heddle/dashboard");
  const { page } = await loadDashboard();
  if (!argv.includes("--live-calls")) return main(argv, env, page);
  const { createKubeClient } = await import("@heddle/kube-client");
  const { liveCalls } = await import("./viz/live-calls.ts");
  const { refusal } = await import("./viz/dashboard-server.ts");
  const kube = await createKubeClient({ env, clock: await systemClock() });
  return main(argv, env, async (request) => (await liveCalls(kube, request)?.catch(refusal)) ?? page(request));
}

/** A proxy has the package in its bundle: from here it would be loaded a second time, from 30 files. */
async function systemClock() {
  return (await import("@heddle/std")).createSystemClock();
}
