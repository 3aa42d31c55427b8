import { expect, test } from "bun:test";
import { networkOf } from "./networks.ts";

test("MeshNetworks' ranges hold for both families of addresses; what nobody names has no network", () => {
  const endpoints = [{ fromCidr: "10.2.0.0/16" }, { fromCidr: "fd00:2::/32" }];
  const settings = { clusterId: "one", networks: { far: { endpoints, gateways: [] } } };
  const networks = ["10.2.3.4", "10.3.3.4", "fd00:2::7", "fd00:3::7"].map((ip) =>
    networkOf(ip, undefined, undefined, settings),
  );
  expect(networks).toEqual(["far", "", "far", ""]);
});
