import { expect, test } from "bun:test";
import { createResponseHead } from "@heddle/wire";
import type { ProxyStatusConfig } from "../config/proxy-status.ts";
import { writeProxyStatus } from "./proxy-status.ts";

const ALL: ProxyStatusConfig = { name: "me", details: true, flags: true, recommendedStatus: false };

test.each([
  ["UF", "why", ALL, 'me; error=connection_refused; details="why; UF"', 503],
  ["UF", "why", { ...ALL, flags: false }, 'me; error=connection_refused; details="why"', 503],
  ["UF", "why", { ...ALL, details: false }, "me; error=connection_refused", 503],
  ["UF", "why", { ...ALL, name: undefined }, 'node; error=connection_refused; details="why; UF"', 503],
  ["UF", "why", { ...ALL, recommendedStatus: true }, 'me; error=connection_refused; details="why; UF"', 502],
  ["FI", "why", { ...ALL, recommendedStatus: true }, 'me; error=http_request_error; details="why; FI"', 503],
  // The weightiest decides, wherever it stands.
  ["DI,URX,UT", "why", ALL, 'me; error=http_response_timeout; details="why; DI,URX,UT"', 503],
  ["UH", 'a"b\\c', ALL, 'me; error=destination_unavailable; details="a\\"b\\\\c; UH"', 503],
  ["DI", "why", ALL, undefined, 503],
  ["-", "why", ALL, undefined, 503],
] as const)("flags %s", (flags, details, config, expected, status) => {
  const head = createResponseHead();
  head.status = 503;
  writeProxyStatus(config, { flags, details }, head, "node");
  expect(head.headers.getAll("proxy-status")).toBe(expected as string);
  expect(head.status).toBe(status);
});
