import type { Command } from "commander";
import { openBrowser } from "../browser.ts";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { portNumber } from "../port-number.ts";
import { stopAsked } from "../stop-asked.ts";
import { askViz } from "../viz/client.ts";
import { openDashboard } from "../viz/local-dashboard.ts";
import { openGrafana } from "./dashboard.ts";

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
    .option(
      "--show <what>",
      "linkerd: opens a browser where there is one; grafana: opens Grafana; url: only prints the address",
      "linkerd",
    )
    .action(async (flags: Flags, command: Command) => {
      const port = portNumber(flags.port, "-p");
      const global = globalOptions(command);
      if (flags.show === "grafana") return openGrafana(context, flags.address, global);
      if (flags.show !== "linkerd" && flags.show !== "url")
        throw new UsageError(`--show ${flags.show}: expected linkerd, grafana or url`);
      const kube = await context.kube(global);
      await askViz(kube, "/api/stat", { kind: "namespace" });
      const { url, close } = await openDashboard(kube, flags.address, port);
      // Whoever reads the address may end it at once.
      const stopped = stopAsked();
      context.out(`Heddle dashboard available at:\n${url}\n`);
      if (flags.show === "linkerd") openBrowser(url, context.env);
      await stopped;
      await close();
    });
}
