import type { KubeObject } from "@heddle/kube-client";
import { settles } from "../settles.ts";
import type { TrafficRig } from "./rig.ts";

/** 300 kB of rules: enough to be decoded in many slices, few enough for a busy machine. */
export const RULES = 3000;
export const manyPort = 8098;
export const calmPort = 8099;

/** Answers that came to a client who only minds its own service. */
export interface Bystander {
  readonly answers: number;
  readonly failed: readonly string[];
}

/** A VirtualService with so many rules; `before` comes ahead of the last one, which takes what is left and calls itself `name`. */
export function manyRules(name: string, before: readonly object[] = []): KubeObject {
  const route = [{ destination: { host: "many" } }];
  const rules = Array.from({ length: RULES }, (_, i) => {
    const uri = i % 20 === 0 ? { regex: `/item/${i}/[a-z]+` } : { prefix: `/item/${i}/` };
    return { match: [{ uri }], route };
  });
  const last = { headers: { response: { set: { "x-rule": name } } }, route };
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "many", namespace: "traffic" },
    spec: { hosts: ["many"], http: [...rules, ...before, last] },
  };
}

/** Waits until the rules are in force for every client, and tells what others got meanwhile. Errors: what was wrong the last time. */
export async function applyMany(
  rig: TrafficRig,
  clients: readonly string[],
  name: string,
  timeoutMs: number,
): Promise<readonly Bystander[]> {
  let done = false;
  const bystanders = clients.map(async (client): Promise<Bystander> => {
    const failed: string[] = [];
    let answers = 0;
    while (!done)
      for (const { status, text } of await rig.call(client, { url: `http://calm:${calmPort}/` }, 5)) {
        answers++;
        if (status !== 200) failed.push(`${client}: ${status} ${text}`);
      }
    return { answers, failed };
  });
  try {
    await rig.kube.applyObjects([manyRules(name)]);
    await Promise.all(clients.map((client) => settles(() => hasRule(rig, client, name), timeoutMs)));
  } finally {
    done = true;
    await Promise.allSettled(bystanders);
  }
  return Promise.all(bystanders);
}

/** Errors: when another rule answers, or none. */
export async function hasRule(rig: TrafficRig, client: string, name: string): Promise<void> {
  const [answer] = await rig.call(client, { url: `http://many:${manyPort}/` });
  if (answer?.status !== 200 || answer.headers["x-rule"] !== name)
    throw new Error(`${client}: ${answer?.status}, rule ${answer?.headers["x-rule"]}, wanted ${name}`);
}
