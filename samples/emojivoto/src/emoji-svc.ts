import { LISTED_EMOJI } from "./emoji-table.ts";
import { type Env, portOf, requiredText, runProgram } from "./program.ts";
import { createRpcServer } from "./rpc-server.ts";
import { EMOJI_SERVICE, EMOJI_SERVICE_NAME } from "./services.ts";

/** Knows the emoji. Environment: GRPC_PORT, PROM_PORT. */
export async function startEmojiService(env: Env) {
  const promPort = env["PROM_PORT"];
  const server = createRpcServer(EMOJI_SERVICE_NAME, {
    grpcPort: portOf("GRPC_PORT", requiredText(env, "GRPC_PORT")),
    promPort: promPort === undefined || promPort === "" ? undefined : portOf("PROM_PORT", promPort),
  });
  const byShortcode = new Map(LISTED_EMOJI.map((emoji) => [emoji.shortcode, emoji]));
  server.handle(EMOJI_SERVICE.ListAll, () => LISTED_EMOJI);
  server.handle(EMOJI_SERVICE.FindByShortcode, (shortcode) => ({ emoji: byShortcode.get(shortcode) }));
  const ports = await server.start();
  return { ...ports, close: () => server.close() };
}

if (import.meta.main) await runProgram(startEmojiService);
