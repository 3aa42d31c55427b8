import { expect, test } from "bun:test";
import { remoteControlPlane, remoteProfile, webhookPort } from "./remote-profile.ts";

const path = "/inject/cluster/west/net/net-west";
const values = (address: unknown, injectionPath: unknown, more: object = {}) => ({
  global: { remotePilotAddress: address, ...more },
  ...(injectionPath === undefined ? {} : { istiodRemote: { injectionPath } }),
});

test("cluster and network come from the path; the path, where there is none, from them", () => {
  const expected = { address: "198.18.0.1", injectionPath: path, cluster: "west", network: "net-west" };
  expect(remoteProfile(values("198.18.0.1", path))).toEqual(expected);
  expect(remoteProfile(values("198.18.0.1", `${path}/`))).toEqual(expected);
  const named = { multiCluster: { clusterName: "west" }, network: "net-west" };
  expect(remoteProfile(values("198.18.0.1", undefined, named))).toEqual(expected);
  expect(remoteProfile(values("198.18.0.1", "/inject/cluster/west")).network).toBe("");
});

test.each([
  ["no address", values(undefined, path), "remotePilotAddress=ADDRESS"],
  ["an address with a port", values("198.18.0.1:15012", path), "neither an IP address nor a host name"],
  ["no path", values("198.18.0.1", undefined), "istiodRemote.injectionPath=/inject/cluster/NAME"],
  ["another path", values("198.18.0.1", "/inject/west"), '"/inject/west" is not of the form'],
  ["two names", values("198.18.0.1", path, { multiCluster: { clusterName: "east" } }), "names cluster west"],
  ["two networks", values("198.18.0.1", path, { network: "n" }), "names network net-west"],
  ["a URL", { ...values("198.18.0.1", path), istiodRemote: { injectionURL: "https://x" } }, "injectionURL"],
])("%s: a sentence", (_what, given, sentence) => {
  expect(() => remoteProfile(given)).toThrow(sentence);
});

test("an address becomes a Service with endpoints, a name an external one, whose port nobody translates", () => {
  const remote = remoteProfile(values("2001:db8::1", path));
  expect(remoteControlPlane("istio-system", remote)).toMatchObject([
    { kind: "Service", spec: { ports: [{ port: 15012 }, { port: 443, targetPort: 15017 }] } },
    { kind: "EndpointSlice", addressType: "IPv6", ports: [{ port: 15012 }, { port: 15017 }] },
  ]);
  const named = remoteProfile(values("primary.example.com", path));
  expect(remoteControlPlane("istio-system", named)).toMatchObject([
    { spec: { type: "ExternalName", externalName: "primary.example.com" } },
  ]);
  expect([remote, named, undefined].map(webhookPort)).toEqual([443, 15017, 443]);
});
