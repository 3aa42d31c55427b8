import { expect } from "bun:test";
import { settles } from "../settles.ts";
import { versions } from "./call.ts";
import { both, type TrafficCase, virtualService } from "./traffic-case.ts";

/** Services of the pods with label `warm`: always the one of v2, and one of v1 while a check says so. */
const warming = [
  { name: "warm-evenly", port: 8821, aggression: 1 },
  { name: "warm-early", port: 8822, aggression: 10 },
] as const;

/** Far longer than a check needs from a pod's coming to its last request, also on a busy machine. */
const WARMUP = "60s";

function warmed({ name, port, aggression }: (typeof warming)[number]): string {
  return `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: traffic}
spec: {selector: {warm: "yes"}, ports: [{name: http, port: ${port}, targetPort: 8080}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}, namespace: traffic}
spec: {host: ${name}, trafficPolicy: {loadBalancer: {warmup: {duration: ${WARMUP}, aggression: ${aggression}}}}}
`;
}

/** Which pods get more than others, and when others get what is left. */
export const nearnessCases: readonly TrafficCase[] = [
  {
    name: "near",
    proves: "requests stay with the preferred pods, retries go on to the next ones where the rule lets them",
    resources: both(
      `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: near, namespace: traffic}
spec:
  host: near
  trafficPolicy:
    outlierDetection: {consecutive5xxErrors: 0, interval: 1h}
    loadBalancer: {localityLbSetting: {enabled: true, failoverPriority: ["version=v2"]}}
`,
      virtualService(
        "near",
        `
http:
  - match: [{headers: {x-far: {exact: "yes"}}}]
    retries: {attempts: 3, retryOn: 5xx, retryRemoteLocalities: true}
    route: [{destination: {host: near}}]
  - {route: [{destination: {host: near}}]}`,
      ),
    ),
    async check({ url, call }) {
      expect(versions(await call({ url: `${url}/` }, 5))).toEqual({ v2: 5 });
      const sick = `${url}/sick?version=v2`;
      const near = await call({ url: sick }, 5);
      expect(near.map(({ status }) => status)).toEqual(Array(5).fill(500));
      const far = await call({ url: sick, headers: { "x-far": "yes" } }, 5);
      expect(versions(far)).toEqual({ v1: 5 });
      expect(far.map(({ status }) => status)).toEqual(Array(5).fill(200));
    },
  },
  {
    name: "warmup",
    proves: "a pod that has just come gets its share little by little, as steeply as the rule says",
    resources: both(...warming.map(warmed)),
    async check({ call, label }) {
      const asked = async (one: (typeof warming)[number], times: number) =>
        versions(await call({ url: `http://${one.name}:${one.port}/` }, times));
      await label("v1", { warm: null });
      for (const one of warming) await settles(async () => expect(await asked(one, 10)).toEqual({ v2: 10 }));
      await label("v1", { warm: "yes" });
      const shares = [];
      for (const one of warming) {
        await settles(async () => expect((await asked(one, 5))["v1"]).toBeGreaterThan(0));
        shares.push((await asked(one, 40))["v1"] ?? 0);
      }
      // Even growth gives a tenth for six seconds and 12 of 40 after 25; the steep one gives 15 of 40 after the first moments.
      const [evenly = 0, early = 0] = shares;
      expect(evenly).toBeLessThanOrEqual(12);
      expect(early).toBeGreaterThanOrEqual(13);
      expect(early).toBeLessThanOrEqual(22);
    },
  },
];
