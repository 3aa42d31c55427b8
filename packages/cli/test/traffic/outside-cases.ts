import { expect } from "bun:test";
import { echoOf, versions } from "./call.ts";
import { both, type TrafficCase } from "./traffic-case.ts";

const outside = "outside.elsewhere.svc.cluster.local";

function entry(name: string, spec: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}, namespace: traffic}
spec: ${spec}
`;
}

/** Who is asked for by TLS, by files of the sidecar; the server's certificate is for secure.outside.test. */
const trusts = [
  { name: "trusted", port: 8011, file: "root.pem", wanted: "secure.outside.test", answers: "port-8443" },
  { name: "misnamed", port: 8012, file: "root.pem", wanted: "other.outside.test", answers: "status 503" },
  { name: "strange", port: 8013, file: "stranger.pem", wanted: "secure.outside.test", answers: "status 503" },
] as const;

/** What ServiceEntries do for servers outside of the mesh, with names that only the mesh's DNS knows. */
export const outsideCases: readonly TrafficCase[] = [
  {
    name: "outside-tcp",
    proves: "two TCP hosts on one port are told apart by the addresses that they were given",
    resources: both(
      ...[9000, 9001].map((port) =>
        entry(
          `db-${port}`,
          `{hosts: [db-${port}.outside.test], resolution: DNS, ports: [{number: 5432, name: tcp, protocol: TCP}], endpoints: [{address: ${outside}, ports: {tcp: ${port}}}]}`,
        ),
      ),
    ),
    async check({ call }) {
      for (const port of [9000, 9001])
        expect((await call({ url: `tcp://db-${port}.outside.test:5432` }))[0]?.text).toBe(`outside ${port}\n`);
    },
  },
  {
    name: "global",
    proves: "name.namespace.global needs no address of its own; both DNS resolutions",
    resources: both(
      entry(
        "far",
        `{hosts: [echo.far.global], location: MESH_INTERNAL, resolution: DNS, ports: [{number: 8000, name: http1, protocol: HTTP}], endpoints: [{address: ${outside}, ports: {http1: 8080}}]}`,
      ),
      entry(
        "logical",
        `{hosts: [logical.outside.test], resolution: DNS_ROUND_ROBIN, ports: [{number: 8001, name: http, protocol: HTTP}], endpoints: [{address: ${outside}, ports: {http: 8080}}]}`,
      ),
    ),
    async check({ call }) {
      for (const host of ["echo.far.global:8000", "logical.outside.test:8001"])
        expect(versions(await call({ url: `http://${host}/` }, 3))).toEqual({ "port-8080": 3 });
    },
  },
  {
    name: "originate",
    proves: "plain HTTP inside, TLS outside (DestinationRule)",
    resources: both(
      entry(
        "secure",
        `{hosts: [secure.outside.test], resolution: DNS, ports: [{number: 8002, name: http, protocol: HTTP, targetPort: 8443}], endpoints: [{address: ${outside}, ports: {http: 8443}}]}`,
      ),
      `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: secure, namespace: traffic}
spec: {host: secure.outside.test, trafficPolicy: {tls: {mode: SIMPLE, insecureSkipVerify: true}}}
`,
    ),
    async check({ call }) {
      const answers = await call({ url: "http://secure.outside.test:8002/" }, 2);
      expect(versions(answers)).toEqual({ "port-8443": 2 });
      expect(echoOf(answers[0])?.headers["host"]).toStartWith("secure.outside.test");
    },
  },
  {
    name: "originate-file",
    proves: "a server's certificate has to be from a root in the sidecar's file, and for the wanted name",
    resources: both(
      ...trusts.map(({ name, port, file, wanted }) =>
        both(
          entry(
            name,
            `{hosts: [${name}.outside.test], resolution: DNS, ports: [{number: ${port}, name: http, protocol: HTTP}], endpoints: [{address: ${outside}, ports: {http: 8443}}]}`,
          ),
          `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}, namespace: traffic}
spec: {host: ${name}.outside.test, trafficPolicy: {tls: {mode: SIMPLE, caCertificates: /etc/outside/${file}, subjectAltNames: [${wanted}]}}}
`,
        ),
      ),
    ),
    async check({ call }) {
      for (const { name, port, answers } of trusts)
        expect([name, versions(await call({ url: `http://${name}.outside.test:${port}/` }, 2))]).toEqual([
          name,
          { [answers]: 2 },
        ]);
    },
  },
  {
    name: "wildcard",
    proves: "a wildcard host lets through whom it covers (resolution NONE), REGISTRY_ONLY nobody else",
    resources: entry(
      "wildcard",
      "{hosts: ['*.elsewhere.svc.cluster.local'], resolution: NONE, ports: [{number: 8081, name: http, protocol: HTTP}]}",
    ),
    async check({ call }) {
      const direct = "direct.elsewhere.svc.cluster.local";
      // A connection from before the rules arrived would be passed through for as long as it is kept.
      const anew = { connection: "close" };
      expect(versions(await call({ url: `http://${direct}:8081/`, headers: anew }, 2))).toEqual({ "port-8081": 2 });
      // The same server under a port that no entry names, and another name at the port that one names.
      expect((await call({ url: `tcp://${direct}:9000` }))[0]?.text).not.toContain("outside");
      const other = await call({ url: `http://${direct}:8081/`, headers: { ...anew, host: "other.test" } });
      expect(other[0]?.status).toBe(502);
    },
  },
];
