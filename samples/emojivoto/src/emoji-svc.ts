import { serveCounters } from "./counters.ts";
import { type Emoji, emojiList } from "./emoji-list.ts";
import { numberFrom } from "./environment.ts";
import { serveGrpc } from "./serve-grpc.ts";
import { emojiService } from "./services.ts";

const byShortcode = new Map<string, Emoji>(emojiList.map((e) => [e.shortcode, e]));

function shortcodeOf(request: unknown): string {
  return typeof request === "object" && request !== null && "shortcode" in request ? String(request.shortcode) : "";
}

const port = numberFrom("GRPC_PORT", 8080);
await serveGrpc(
  emojiService,
  {
    ListAll: () => ({ list: emojiList }),
    FindByShortcode: (request) => ({ emoji: byShortcode.get(shortcodeOf(request)) }),
  },
  port,
  serveCounters(numberFrom("PROM_PORT", 8801)),
);
console.log(`emoji-svc serves gRPC on ${port}`);
