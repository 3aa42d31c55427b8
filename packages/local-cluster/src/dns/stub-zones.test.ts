import { expect, test } from "bun:test";
import { readStubZones } from "./stub-zones.ts";

const COREFILE = `.:53 {
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
    }
    forward . /etc/resolv.conf
}
global:53 {
    errors # noise
    cache 30
    forward . 10.140.1.2:5353 10.140.1.3
}
`;

test("both stock set-ups name the same zone", () => {
  expect(readStubZones('{"global": ["10.140.1.2"]}', undefined)).toEqual({
    zones: [{ domain: "global", servers: [{ ip: "10.140.1.2", port: 53 }] }],
    problems: [],
  });
  expect(readStubZones(undefined, COREFILE)).toEqual({
    zones: [
      {
        domain: "global",
        servers: [
          { ip: "10.140.1.2", port: 5353 },
          { ip: "10.140.1.3", port: 53 },
        ],
      },
    ],
    problems: [],
  });
});

test("what can't be used is a sentence and harms nothing else", () => {
  expect(readStubZones("{", undefined).problems[0]).toContain("kube-dns, stubDomains: is no JSON");
  expect(readStubZones('{"global": "x", "a": ["b"], "ok": ["1.2.3.4"]}', undefined)).toMatchObject({
    zones: [{ domain: "ok" }],
    problems: [expect.stringContaining('"global" needs a list'), expect.stringContaining('"b" of a is no address')],
  });
  expect(readStubZones(undefined, "global {\n forward . 1.2.3.4\n").problems).toEqual([
    "ConfigMap kube-system/coredns, Corefile: a bracket is missing",
  ]);
});
