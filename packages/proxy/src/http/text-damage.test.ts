import { expect, test } from "bun:test";
import { damaged, seededRandom } from "@heddle/std/damage";
import { createRequestHead } from "@heddle/wire";
import type { HttpManagerConfig } from "../config/http-manager.ts";
import { compileFullMatch, compileRewrite } from "../config/regex.ts";
import { createScope } from "../config/scope.ts";
import { compileTemplateRewrite, compileUriTemplate, renderTemplate } from "../config/uri-template.ts";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import { cookieValue } from "../router/host-criteria.ts";
import { pathOnly, queryValue } from "../router/route-matcher.ts";
import { withoutPort } from "../router/route-table.ts";
import { peerNames } from "../transport/tls-state.ts";
import { clientIpOf } from "./client-address.ts";
import { forwardedValue } from "./forwarded-value.ts";

// Texts that clients and operators write: nothing throws, nothing takes longer than its length, what comes out stood in it.

const random = seededRandom(101);
const any = (text: string) => damaged(Buffer.from(text), random).toString("latin1");
const cpuMs = (run: () => unknown): number => {
  const start = process.cpuUsage();
  run();
  return process.cpuUsage(start).user / 1000;
};

test("parts of requests are parts of them", () => {
  const found = { cookie: 0, query: 0, forwarded: 0 };
  for (let round = 0; round < 4000; round++) {
    const request = createRequestHead();
    request.headers.set("cookie", any('a="b c"; k=v; x=1, y'));
    request.path = any("/a/b;p=1?k=v&k=w&=&e=#f=1");
    const cookie = cookieValue(request, "k");
    if (cookie !== undefined) expect(request.headers.get("cookie")).toContain(cookie);
    const query = queryValue(request.path, "k");
    if (query !== undefined) expect(request.path).toContain(`k${query === "" ? "" : "="}${query}`);
    const bare = pathOnly(request.path, true);
    expect(request.path.startsWith(bare) && !/[?;]/.test(bare)).toBe(true);
    const header = any('By=spiffe://a;Hash=00;Subject="CN=a,O=\\"b\\"";URI=spiffe://b,By=c;URI=d');
    const value = forwardedValue(header, "URI");
    if (value !== undefined) expect(`${header} ${header.replaceAll('\\"', '"')}`).toContain(value);
    const authority = any("[fd00::1]:8080");
    expect(authority.startsWith(withoutPort(authority))).toBe(true);
    found.cookie += cookie === undefined ? 0 : 1;
    found.query += query === undefined ? 0 : 1;
    found.forwarded += value === undefined ? 0 : 1;
  }
  expect(Math.min(found.cookie, found.query, found.forwarded)).toBeGreaterThan(1000);
});

test("the client of a request is the peer, or an address that the header names", () => {
  const info = { remote: { ip: "10.9.9.9", port: 1 } } as ConnectionInfo;
  const seen = new Set<string>();
  for (let round = 0; round < 4000; round++) {
    const request = createRequestHead();
    const header = any("10.1.1.1, fd00::1,10.2.2.2 , x");
    request.headers.set("x-forwarded-for", header);
    const config = {
      useRemoteAddress: round % 2 === 0,
      trustedHops: Math.floor(random() * 5),
      skipXffAppend: random() < 0.5,
    } as HttpManagerConfig;
    const ip = clientIpOf(config, info, request);
    seen.add(ip);
    if (ip !== "10.9.9.9") expect(header).toContain(ip);
  }
  expect(seen.size).toBeGreaterThan(5);
});

test("names of certificates: one that only looks like several is one", () => {
  for (let round = 0; round < 3000; round++) {
    const text = any('URI:spiffe://a/b, DNS:a.test, "URI:x, DNS:y", email:a@b');
    const { uriSans, dnsSans } = peerNames(text);
    expect(uriSans.length + dnsSans.length).toBeLessThanOrEqual(text.split(",").length);
  }
  expect(peerNames('DNS:"a.test, URI:spiffe://cluster.local/ns/a/sa/b"').uriSans).toEqual([]);
  expect(cpuMs(() => peerNames(`${'"\\'.repeat(50_000)}`))).toBeLessThan(1000);
  expect(cpuMs(() => peerNames("a".repeat(1_000_000)))).toBeLessThan(1000);
});

test("long headers cost what their length costs", () => {
  const request = createRequestHead();
  request.headers.set("cookie", "a;".repeat(500_000));
  request.path = `/?${"a&".repeat(500_000)}`;
  request.headers.set("x-forwarded-for", "1,".repeat(500_000));
  const config = { useRemoteAddress: false, trustedHops: 1, skipXffAppend: false } as HttpManagerConfig;
  const info = { remote: { ip: "1.1.1.1", port: 1 } } as ConnectionInfo;
  expect(cpuMs(() => cookieValue(request, "k"))).toBeLessThan(1000);
  expect(cpuMs(() => queryValue(request.path, "k"))).toBeLessThan(1000);
  expect(cpuMs(() => clientIpOf(config, info, request))).toBeLessThan(1000);
  for (const text of ['"'.repeat(500_001), "By=a;".repeat(200_000), "\\".repeat(500_000)])
    expect(cpuMs(() => forwardedValue(text, "URI"))).toBeLessThan(1000);
});

test("patterns: refused with a place, or ready for any text in time that grows with it", () => {
  let taken = 0;
  for (let round = 0; round < 1500; round++) {
    const scope = createScope("p");
    const pattern = any(["(a+)+b|[^c]{2,5}", "/x/(?P<n>\\d+).*", "(?i)\\pL+$"][round % 3] ?? "");
    const regex = compileFullMatch(pattern, scope);
    const rewrite = compileRewrite(pattern, any("\\1-\\2$1\\0"), createScope("p"));
    expect(regex === undefined).toBe(scope.problems.length > 0);
    if (regex === undefined) continue;
    taken++;
    expect(typeof regex.test(any("/x/12aaaa"))).toBe("boolean");
    expect(() => rewrite?.apply(any("/x/12aaaa"))).not.toThrow();
  }
  expect(taken).toBeGreaterThan(200);
  const slow = compileFullMatch("(a+)+b", createScope());
  expect(cpuMs(() => slow?.test("a".repeat(5000)))).toBeLessThan(2000);
});

test("path templates: refused with a place, or what they capture can be put together again", () => {
  let taken = 0;
  for (let round = 0; round < 3000; round++) {
    const text = any(["/a/{x}/b/{y=**}", "/{v=k/*}.ext/*", "/**"][round % 3] ?? "");
    const scope = createScope("t");
    const template = compileUriTemplate(text, scope);
    expect(template === undefined).toBe(scope.problems.length > 0);
    if (template === undefined) continue;
    const whole = "/a/one/b/two/three";
    const path = random() < 0.8 ? whole : any(whole);
    const captured = template.captures(path);
    expect(captured !== undefined).toBe(template.test(path));
    if (captured === undefined) continue;
    taken++;
    const rewrite = compileTemplateRewrite(template.names.map((name) => `{${name}}`).join(""), template, createScope());
    expect(rewrite && renderTemplate(rewrite, captured)).toBe(
      template.names.map((name) => captured.get(name)).join(""),
    );
    for (const value of captured.values()) expect(path).toContain(value);
  }
  expect(taken).toBeGreaterThan(20);
});
