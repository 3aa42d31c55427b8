import { expect, test } from "bun:test";
import { networkPlan, networkProblem } from "../network/index.ts";
import { createDelayQueue } from "./delay-queue.ts";
import { decodeWanSettings, linkTo, readDelay, readLoss } from "./link-settings.ts";
import { checksum, hostUnreachable } from "./unreachable.ts";
import { addressKey, attachedAddressProblem, destinationIndex, externalAddress, sourceIndex } from "./wan-addresses.ts";

function packet(from: string, to: string, protocol = 6): Uint8Array {
  const bytes = new Uint8Array(40);
  bytes[0] = 0x45;
  bytes[9] = protocol;
  bytes.set(from.split(".").map(Number), 12);
  bytes.set(to.split(".").map(Number), 16);
  return bytes;
}

test("a packet goes to the cluster whose address it bears; pods are reached in a flat network only", () => {
  expect(destinationIndex(packet("10.40.0.3", externalAddress(7)), false)).toBe(7);
  expect(sourceIndex(packet(externalAddress(2), externalAddress(7)), false)).toBe(2);
  expect(destinationIndex(packet("10.40.0.3", "198.18.7.2"), false)).toBeUndefined();
  expect(destinationIndex(packet("10.40.0.3", "10.43.0.9"), false)).toBeUndefined();
  expect(destinationIndex(packet("10.40.0.3", "10.43.0.9"), true)).toBe(3);
  expect(networkPlan(3).podCidr).toBe("10.43.0.0/16");
  expect(destinationIndex(packet("10.40.0.3", "10.39.0.9"), true)).toBeUndefined();
});

test("an attached network is found by its own addresses, too; those of others are refused with a sentence", () => {
  const behind = new Map([[addressKey("10.200.0.11"), 4]]);
  expect(destinationIndex(packet(externalAddress(0), "10.200.0.11"), false, behind)).toBe(4);
  expect(sourceIndex(packet("10.200.0.11", externalAddress(0)), false, behind)).toBe(4);
  expect(destinationIndex(packet(externalAddress(0), "10.200.0.12"), false, behind)).toBeUndefined();
  expect(attachedAddressProblem("10.200.0.11")).toBeUndefined();
  for (const [address, words] of [
    ["10.200.0", "no IPv4 address"],
    ["10.200.0.256", "no IPv4 address"],
    ["10.200.0.011", "no IPv4 address"],
    ["127.0.0.1", "each machine's own"],
    ["198.18.3.1", "belongs to the line itself"],
  ] as const)
    expect(attachedAddressProblem(address)).toContain(words);
});

test("packets leave after their delay, in order, and a full line loses them", () => {
  const queue = createDelayQueue(2);
  const [first, second] = [packet("1.1.1.1", "2.2.2.2"), packet("1.1.1.1", "3.3.3.3")];
  expect(queue.push(first, 50)).toBe(true);
  // A shorter delay, set meanwhile, does not overtake.
  expect(queue.push(second, 10)).toBe(true);
  expect(queue.push(first, 60)).toBe(false);
  expect(queue.nextAtMs()).toBe(50);
  expect(queue.due(49)).toBeUndefined();
  expect(queue.due(50)).toBe(first);
  queue.shift();
  expect(queue.due(50)).toBe(second);
  queue.shift();
  expect(queue.length).toBe(0);
  expect(queue.nextAtMs()).toBeUndefined();
});

test("nobody there: an ICMP answer with right sums, to the sender, quoting its packet", () => {
  const refused = packet("10.40.0.3", "198.18.9.1");
  const answer = hostUnreachable(refused, "198.18.0.254");
  if (answer === undefined) throw new Error("no answer");
  expect(checksum(answer.subarray(0, 20))).toBe(0);
  expect(checksum(answer.subarray(20))).toBe(0);
  expect([...answer.subarray(12, 20)]).toEqual([198, 18, 0, 254, 10, 40, 0, 3]);
  expect([...answer.subarray(20, 22)]).toEqual([3, 1]);
  expect([...answer.subarray(28)]).toEqual([...refused.subarray(0, 28)]);
  expect(hostUnreachable(packet("1.1.1.1", "2.2.2.2", 1), "198.18.0.254")).toBeUndefined();
});

test("flags and files are read or refused", () => {
  expect([readDelay("40ms"), readDelay("1.5s"), readLoss("1%"), readLoss("0.5")]).toEqual([40, 1500, 0.01, 0.005]);
  for (const bad of [readDelay("40"), readDelay("-1ms"), readDelay("1h"), readLoss("101%"), readLoss("x")])
    expect(bad).toBeString();
  const link = { delayMs: 5, loss: 0, cut: false };
  const settings = decodeWanSettings(JSON.stringify({ all: link, to: { two: { ...link, cut: true } } }));
  expect(settings && linkTo(settings, "two").cut).toBe(true);
  expect(settings && linkTo(settings, "three").cut).toBe(false);
  expect(decodeWanSettings('{"all":{}}')).toBeUndefined();
});

test("networks may be chosen, and what can't be is refused with the flag's name", () => {
  const plan = networkPlan(1, { podCidr: "10.244.0.0/16", serviceCidr: "10.96.0.0/16" });
  expect([plan.nodeIp, plan.dnsServiceIp, plan.externalIp]).toEqual(["10.244.255.1", "10.96.0.10", "198.18.1.1"]);
  expect(networkProblem({ podCidr: "10.244.0.0/16" })).toBeUndefined();
  expect(networkProblem({ podCidr: "10.244.0.0/24" })).toContain("--pod-cidr");
  expect(networkProblem({ serviceCidr: "198.18.0.0/16" })).toContain("--service-cidr");
  expect(networkProblem({ podCidr: "10.9.0.0/16", serviceCidr: "10.9.0.0/16" })).toContain("can't be both");
  expect(networkProblem({ podCidr: "10.244.0.0/16", flat: true })).toContain("--flat");
});
