/** Trailers of requests that a filter waited for, on fresh connections to the server and on ready ones, as in real Envoy, in all four cells. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { freePorts } from "@heddle/std/free-ports";
import { cluster, httpFilterChain, type Json, listener } from "./rig/bootstrap.ts";
import { ENGINES, withoutEnvoy } from "./rig/engines.ts";
import { startH1Origin } from "./rig/h1-origin.ts";
import { startH2Origin } from "./rig/h2-origin.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { http1Client, http2Client } from "./rig/table-client.ts";

const skip = withoutEnvoy();

const CLIENTS = { "HTTP/1": http1Client, "HTTP/2": http2Client } as const;
const UPSTREAMS = ["HTTP/1", "HTTP/2"] as const;
const FILTERS = "type.googleapis.com/envoy.extensions.filters.http";
const OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** Waits for the whole request; without `buffered` nothing does. */
const manager = (buffered: boolean): Json => ({
  http_protocol_options: { enable_trailers: true },
  http_filters: [
    ...(buffered
      ? [{ name: "buffer", typed_config: { "@type": `${FILTERS}.buffer.v3.Buffer`, max_request_bytes: 100_000 } }]
      : []),
    { name: "router", typed_config: { "@type": `${FILTERS}.router.v3.Router` } },
  ],
});

describe.skipIf(skip)("trailers behind a buffer as in real Envoy", () => {
  const proxies: ProxyProcess[] = [];
  const closers: (() => void)[] = [];
  const ports = new Map<string, number>();

  beforeAll(async () => {
    const [h1, h2] = [await startH1Origin(), await startH2Origin()];
    closers.push(h1.close, h2.close);
    await Promise.all(
      ENGINES.map(async (engine) => {
        const free = freePorts(5);
        const adminPort = free.pop() ?? 0;
        const listeners = UPSTREAMS.flatMap((up) =>
          [true, false].map((buffered) => {
            const port = free.pop() ?? 0;
            ports.set(`${engine} ${up} ${buffered}`, port);
            const name = up === "HTTP/1" ? "h1" : "h2";
            return listener(`${name} ${buffered}`, port, [httpFilterChain(name, manager(buffered))]);
          }),
        );
        const withTrailers = {
          typed_extension_protocol_options: {
            [OPTIONS]: {
              "@type": `type.googleapis.com/${OPTIONS}`,
              explicit_http_config: { http_protocol_options: { enable_trailers: true } },
            },
          },
        };
        const clusters = [cluster("h1", [h1.port], "http1", withTrailers), cluster("h2", [h2.port], "http2")];
        proxies.push(await startProxy({ engine, adminPort, bootstrap: { static_resources: { listeners, clusters } } }));
      }),
    );
  }, 40_000);

  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    for (const close of closers) close();
  });

  const cases = (["HTTP/1", "HTTP/2"] as const).flatMap((down) =>
    UPSTREAMS.flatMap((up) => [true, false].map((buffered) => [down, up, buffered] as const)),
  );
  test.each(cases)(
    "%s client, %s server, buffered: %p",
    async (down, up, buffered) => {
      const [ours, envoy] = await Promise.all(
        ENGINES.map(async (engine) => {
          const client = CLIENTS[down](ports.get(`${engine} ${up} ${buffered}`) ?? 0);
          const seen: string[] = [];
          // The first may make the connection that the others find ready.
          for (let i = 0; i < 3; i++) {
            const body = Buffer.alloc(3000, 120);
            const answer = await client.call({ method: "POST", path: "/echo", body, trailers: { "x-sum": `s${i}` } });
            seen.push(`${answer.status} ${answer.body.length} ${answer.trailers["x-echo"]}`);
          }
          return seen;
        }),
      );
      expect(ours as unknown).toEqual(envoy as unknown);
      // A filter that tells the server a length leaves no room for trailers in HTTP/1.
      const kept = [0, 1, 2].map((i) => `200 3000 s${i}`);
      const lost = kept.map(() => "200 3000 none");
      expect([kept, lost]).toContainEqual(ours as string[]);
      if (up === "HTTP/2") expect(ours as string[]).toEqual(kept);
    },
    20_000,
  );
});
