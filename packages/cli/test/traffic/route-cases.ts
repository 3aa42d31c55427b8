import { expect } from "bun:test";
import { echoOf, versions } from "./call.ts";
import { both, createKeys, subsets, type TrafficCase, to, virtualService } from "./traffic-case.ts";

const key = createKeys();

/** What VirtualServices do to HTTP requests. */
export const routeCases: readonly TrafficCase[] = [
  {
    name: "canary",
    proves: "weights share the requests",
    resources: both(
      subsets("canary"),
      virtualService(
        "canary",
        `http: [{route: [{destination: {host: canary, subset: v1}, weight: 80}, {destination: {host: canary, subset: v2}, weight: 20}]}]`,
      ),
    ),
    async check({ url, call }) {
      const found = versions(await call({ url: `${url}/` }, 300));
      // Five standard deviations of a share of 0.2 in 300 draws.
      expect(Math.abs((found["v2"] ?? 0) - 60)).toBeLessThan(35);
      expect((found["v1"] ?? 0) + (found["v2"] ?? 0)).toBe(300);
    },
  },
  {
    name: "by-header",
    proves: "a header, a prefix, a method and a query parameter choose the route; the first match counts",
    resources: both(
      subsets("by-header"),
      virtualService(
        "by-header",
        `
http:
  - match: [{headers: {x-user: {exact: jason}}}, {uri: {prefix: /v2/}}, {method: {exact: POST}}, {queryParams: {v: {exact: "2"}}}]
    route: [${to("by-header", "v2")}]
  - route: [${to("by-header", "v1")}]`,
      ),
    ),
    async check({ url, call }) {
      expect(versions(await call({ url }, 10))).toEqual({ v1: 10 });
      expect(versions(await call({ url, headers: { "x-user": "jason" } }, 10))).toEqual({ v2: 10 });
      expect(versions(await call({ url: `${url}/v2/a` }, 3))).toEqual({ v2: 3 });
      expect(versions(await call({ url, method: "POST" }, 3))).toEqual({ v2: 3 });
      expect(versions(await call({ url: `${url}/?v=2` }, 3))).toEqual({ v2: 3 });
    },
  },
  {
    name: "abort",
    proves: "a fault answers in place of the application, for the share that is asked for",
    resources: virtualService(
      "abort",
      `
http:
  - {match: [{uri: {prefix: /all}}], fault: {abort: {httpStatus: 418, percentage: {value: 100}}}, route: [{destination: {host: abort}}]}
  - {match: [{uri: {prefix: /half}}], fault: {abort: {httpStatus: 503, percentage: {value: 50}}}, route: [{destination: {host: abort}}]}
  - {route: [{destination: {host: abort}}]}`,
    ),
    async check({ url, call }) {
      expect((await call({ url: `${url}/all` }, 5)).map((a) => a.status)).toEqual([418, 418, 418, 418, 418]);
      expect((await call({ url: `${url}/none` }))[0]?.status).toBe(200);
      const half = (await call({ url: `${url}/half` }, 200)).filter((a) => a.status === 503).length;
      expect(Math.abs(half - 100)).toBeLessThan(40);
    },
  },
  {
    name: "delay",
    proves: "a delay holds requests back",
    resources: virtualService(
      "delay",
      `
http:
  - {match: [{headers: {x-slow: {exact: "yes"}}}], fault: {delay: {fixedDelay: 700ms, percentage: {value: 100}}}, route: [{destination: {host: delay}}]}
  - {route: [{destination: {host: delay}}]}`,
    ),
    async check({ url, call }) {
      const [slow] = await call({ url: `${url}/`, headers: { "x-slow": "yes" } });
      const [quick] = await call({ url: `${url}/` });
      expect(slow?.status).toBe(200);
      expect(slow?.ms ?? 0).toBeGreaterThan(690);
      expect(quick?.status).toBe(200);
      expect((slow?.ms ?? 0) - (quick?.ms ?? 0)).toBeGreaterThan(400);
    },
  },
  {
    name: "retry",
    proves: "failed requests are tried again as often as the route says; without a word 503 is not",
    resources: both(
      subsets("retry"),
      virtualService(
        "retry",
        `
http:
  - {match: [{uri: {prefix: /flaky}}], retries: {attempts: 3, retryOn: 5xx}, route: [${to("retry", "v2")}]}
  - {match: [{uri: {prefix: /never}}], rewrite: {uri: /flaky}, retries: {attempts: 0}, route: [${to("retry", "v2")}]}
  - {match: [{uri: {prefix: /default}}], rewrite: {uri: /flaky}, route: [${to("retry", "v2")}]}`,
      ),
    ),
    async check({ url, call, client, counted }) {
      const first = key(client);
      const [saved] = await call({ url: `${url}/flaky?failures=3`, headers: { "x-count": first } });
      expect(saved?.status).toBe(200);
      expect(await counted("v2", first)).toBe(4);
      const [lost] = await call({ url: `${url}/flaky?failures=9`, headers: { "x-count": key(client) } });
      expect(lost?.status).toBe(503);
      for (const path of ["never", "default"]) {
        const [once] = await call({ url: `${url}/${path}?failures=1`, headers: { "x-count": key(client) } });
        expect(once?.status).toBe(503);
      }
    },
  },
  {
    name: "timeout",
    proves: "a request that takes too long is answered 504",
    resources: virtualService(
      "timeout",
      `
http:
  - {match: [{uri: {prefix: /slow}}], timeout: 400ms, route: [{destination: {host: timeout}}]}
  - {route: [{destination: {host: timeout}}]}`,
    ),
    async check({ url, call }) {
      const [late] = await call({ url: `${url}/slow?ms=3000` });
      expect(late?.status).toBe(504);
      expect(late?.ms ?? 9999).toBeLessThan(2500);
      expect((await call({ url: `${url}/slow?ms=10` }))[0]?.status).toBe(200);
    },
  },
  {
    name: "mirror",
    proves: "requests are copied to another version, whose answers nobody gets",
    resources: both(
      subsets("mirror"),
      virtualService(
        "mirror",
        `
http:
  - {match: [{uri: {prefix: /all}}], route: [${to("mirror", "v1")}], mirrors: [{destination: {host: mirror, subset: v2}, percentage: {value: 100}}]}
  - {match: [{uri: {prefix: /none}}], route: [${to("mirror", "v1")}], mirrors: [{destination: {host: mirror, subset: v2}, percentage: {value: 0}}]}
  - {route: [${to("mirror", "v2")}]}`,
      ),
    ),
    async check({ url, call, client, counted }) {
      const [all, none] = [key(client), key(client)];
      expect(versions(await call({ url: `${url}/all`, headers: { "x-count": all } }, 10))).toEqual({ v1: 10 });
      expect(versions(await call({ url: `${url}/none`, headers: { "x-count": none } }, 5))).toEqual({ v1: 5 });
      const deadline = performance.now() + 3000;
      while ((await counted("v2", all)) < 10 && performance.now() < deadline) await Bun.sleep(50);
      expect(await counted("v2", all)).toBe(10);
      expect(await counted("v2", none)).toBe(0);
    },
  },
  {
    name: "rewrite",
    proves: "redirects, direct responses, rewritten paths and authorities, header changes",
    resources: virtualService(
      "rewrite",
      `
http:
  - {match: [{uri: {exact: /old}}], redirect: {uri: /new, authority: example.com, redirectCode: 302}}
  - {match: [{uri: {exact: /teapot}}], directResponse: {status: 418, body: {string: short and stout}}}
  - match: [{uri: {prefix: /api/}}]
    rewrite: {uri: /, authority: inner.example}
    headers: {request: {set: {x-set: "1"}, remove: [x-gone]}, response: {add: {x-served: mesh}}}
    route: [{destination: {host: rewrite}}]
  - match: [{uri: {regex: "/u/[0-9]+/.*"}}]
    rewrite: {uriRegexRewrite: {match: "^/u/([0-9]+)/(.*)$", rewrite: '/\\2/by/\\1'}}
    route: [{destination: {host: rewrite}}]
  - {route: [{destination: {host: rewrite}}]}`,
    ),
    async check({ url, call }) {
      const [moved] = await call({ url: `${url}/old` });
      expect([moved?.status, moved?.headers["location"]]).toEqual([302, "http://example.com/new"]);
      const [teapot] = await call({ url: `${url}/teapot` });
      expect([teapot?.status, teapot?.text]).toEqual([418, "short and stout"]);
      const [api] = await call({ url: `${url}/api/items?a=b`, headers: { "x-gone": "1" } });
      const seen = echoOf(api);
      expect(seen?.path).toBe("/items?a=b");
      expect(seen?.headers["host"]).toBe("inner.example");
      expect([seen?.headers["x-set"], seen?.headers["x-gone"]]).toEqual(["1", undefined]);
      expect(api?.headers["x-served"]).toBe("mesh");
      expect(echoOf((await call({ url: `${url}/u/42/cart` }))[0])?.path).toBe("/cart/by/42");
    },
  },
  {
    name: "cors",
    proves: "preflight requests are answered for known origins",
    resources: virtualService(
      "cors",
      `http: [{corsPolicy: {allowOrigins: [{exact: "https://shop.example"}], allowMethods: [GET, PUT], maxAge: 1h}, route: [{destination: {host: cors}}]}]`,
    ),
    async check({ url, call }) {
      const preflight = (origin: string) => ({ origin, "access-control-request-method": "PUT" });
      const [known] = await call({
        url: `${url}/`,
        method: "OPTIONS",
        headers: preflight("https://shop.example"),
      });
      expect(known?.headers["access-control-allow-origin"]).toBe("https://shop.example");
      expect(known?.headers["access-control-allow-methods"]).toBe("GET,PUT");
      expect(known?.headers["access-control-max-age"]).toBe("3600");
      const [other] = await call({
        url: `${url}/`,
        method: "OPTIONS",
        headers: preflight("https://evil.example"),
      });
      expect(other?.headers["access-control-allow-origin"]).toBeUndefined();
    },
  },
  {
    name: "delegate",
    proves: "a root VirtualService hands a prefix to another one, whose rules are narrowed by it",
    resources: both(
      subsets("delegate"),
      virtualService(
        "delegate",
        `
http:
  - {match: [{uri: {prefix: /team/}}], delegate: {name: delegated}}
  - {route: [${to("delegate", "v1")}]}`,
      ),
      `
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: {name: delegated, namespace: traffic}
spec: {http: [{match: [{uri: {prefix: /team/a}}], route: [${to("delegate", "v2")}]}]}
`,
    ),
    async check({ url, call }) {
      expect(versions(await call({ url: `${url}/team/a` }, 5))).toEqual({ v2: 5 });
      expect(versions(await call({ url: `${url}/other` }, 5))).toEqual({ v1: 5 });
    },
  },
  {
    name: "by-source",
    proves: "rules are for the callers whose labels they name",
    resources: both(
      subsets("by-source"),
      virtualService(
        "by-source",
        `
http:
  - {match: [{sourceLabels: {app: nobody}}], directResponse: {status: 418}}
  - {match: [{sourceNamespace: traffic}], route: [${to("by-source", "v2")}]}
  - {route: [${to("by-source", "v1")}]}`,
      ),
    ),
    async check({ url, call }) {
      expect(versions(await call({ url: `${url}/` }, 5))).toEqual({ v2: 5 });
    },
  },
];
