import type { Command } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { askViz } from "../viz/client.ts";
import { createDashboardServer } from "../viz/dashboard-server.ts";

interface Flags {
  readonly address: string;
  readonly port: string;
  readonly show: string;
}

export function addDashboard(viz: Command, context: CliContext): void {
  viz
    .command("dashboard")
    .alias("dash")
    .description("the mesh in a browser, until Ctrl-C")
    .option("--address <address>", "address to listen on", "localhost")
    .option("-p, --port <port>", "port to listen on; the next free one when it is taken, 0: any", "50750")
    .option("--show <what>", "linkerd: opens a browser where there is one; url: only prints the address", "linkerd")
    .action(async (flags: Flags, command: Command) => {
      const port = Number(flags.port);
      if (!Number.isInteger(port) || port < 0 || port > 65_535)
        throw new UsageError(`-p ${flags.port}: expected a port number from 0 to 65535`);
      if (flags.show !== "linkerd" && flags.show !== "url")
        throw new UsageError(`--show ${flags.show}: expected linkerd or url`);
      const kube = await context.kube(globalOptions(command));
      await askViz(kube, "/api/stat", { kind: "namespace" });
      const { loadDashboard } = await import("@heddle/dashboard");
      const { page } = await loadDashboard();
      const answer = createDashboardServer({
        kube,
        page,
        hosts: new Set(["localhost", "127.0.0.1", "[::1]", flags.address]),
      });
      const server = listen(flags.address, port, answer);
      const url = `http://${flags.address}:${server.port}/`;
      context.out(`Heddle dashboard available at:\n${url}\n`);
      if (flags.show === "linkerd") openBrowser(url, context.env);
      await new Promise<void>((stop) => {
        process.once("SIGINT", stop);
        process.once("SIGTERM", stop);
      });
      await server.stop(true);
    });
}

function listen(hostname: string, wanted: number, fetch: (request: Request) => Promise<Response>) {
  const serve = (port: number) => Bun.serve({ hostname, port, development: false, idleTimeout: 60, fetch });
  try {
    return serve(wanted);
  } catch (error) {
    const taken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
    if (!taken) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new UsageError(`--address ${hostname}: can't listen there (${reason}); use an address of this machine`);
    }
    return serve(0);
  }
}

/** Where there is a screen; a failure costs nothing, the address is printed. */
function openBrowser(url: string, env: CliContext["env"]): void {
  const opener = process.platform === "darwin" ? "open" : "xdg-open";
  if (process.platform !== "darwin" && !env["DISPLAY"] && !env["WAYLAND_DISPLAY"]) return;
  const path = Bun.which(opener);
  if (path) Bun.spawn([path, url], { stdio: ["ignore", "ignore", "ignore"] }).unref();
}
