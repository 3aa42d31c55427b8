import { Client, credentials } from "@grpc/grpc-js";
import { createCounters } from "./counters.ts";
import { serveLocalCounters } from "./local-counters.ts";
import { type Env, log, portOf, requiredText, runProgram } from "./program.ts";
import { createWebApi } from "./web-api.ts";
import { loadPage } from "./web-page.ts";
import { createWebServer } from "./web-server.ts";

// An upstream that starts later is found soon, not after grpc's two minutes.
const CHANNEL = { "grpc.initial_reconnect_backoff_ms": 200, "grpc.max_reconnect_backoff_ms": 2000 };

/**
 * The page and its API. Environment: WEB_PORT, EMOJISVC_HOST, VOTINGSVC_HOST, INDEX_BUNDLE (a script served instead of the built-in one,
 * if the file exists), MESSAGE_OF_THE_DAY, PROM_PORT (counters, on the loopback address only; default 8802, empty: none).
 */
export async function startWeb(env: Env) {
  const port = portOf("WEB_PORT", requiredText(env, "WEB_PORT"));
  const emoji = new Client(requiredText(env, "EMOJISVC_HOST"), credentials.createInsecure(), CHANNEL);
  const voting = new Client(requiredText(env, "VOTINGSVC_HOST"), credentials.createInsecure(), CHANNEL);
  const counters = createCounters();
  const page = await loadPage(requiredText(env, "INDEX_BUNDLE"), env["MESSAGE_OF_THE_DAY"] ?? "");
  const server = createWebServer({ api: createWebApi({ emoji, voting }), page, counters });
  const local = await serveLocalCounters(counters, env);
  const webPort = await server.start(port);
  log(`Starting web server on WEB_PORT=[${webPort}] and MESSAGE_OF_THE_DAY=[${env["MESSAGE_OF_THE_DAY"] ?? ""}]`);
  return {
    webPort,
    promPort: local?.port,
    async close() {
      local?.server.close();
      await server.close();
      emoji.close();
      voting.close();
    },
  };
}

if (import.meta.main) await runProgram(startWeb);
