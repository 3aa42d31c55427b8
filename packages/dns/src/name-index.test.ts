import { expect, test } from "bun:test";
import { createNameIndex, type NameEntry } from "./name-index.ts";

const kubernetes = (host: string, shortName: string, namespace: string, ...addresses: string[]): NameEntry => ({
  host,
  addresses,
  registry: "Kubernetes",
  shortName,
  namespace,
});
const external = (host: string, ...addresses: string[]): NameEntry => ({
  host,
  addresses,
  registry: "External",
  shortName: "",
  namespace: "shop",
});
const index = createNameIndex(
  [
    kubernetes("web.shop.svc.cluster.local", "web", "shop", "10.1.0.1", "fd00::1"),
    kubernetes("web.other.svc.cluster.local", "web", "other", "10.1.0.2"),
    kubernetes("db-0.db.shop.svc.cluster.local", "db-0.db", "shop", "10.2.0.1"),
    external("bar.foo.global", "240.0.0.2"),
    external("*.wild.org", "240.240.0.3"),
    external("exact.wild.org", "240.240.0.4"),
  ],
  { namespace: "shop", search: ["shop.svc.cluster.local", "svc.cluster.local"] },
);
const found = (name: string) => index.lookUp(name)?.v4[0];

test.each([
  ["web", "10.1.0.1"],
  ["web.shop", "10.1.0.1"],
  ["web.shop.svc", "10.1.0.1"],
  ["WEB.shop.svc.cluster.local.", "10.1.0.1"],
  ["web.other", "10.1.0.2"],
  ["db-0.db", "10.2.0.1"],
  ["db-0.db.shop", "10.2.0.1"],
  ["bar.foo.global", "240.0.0.2"],
  ["bar.foo.global.shop.svc.cluster.local", "240.0.0.2"],
  ["web.other.shop.svc.cluster.local", "10.1.0.2"],
  ["a.wild.org", "240.240.0.3"],
  ["a.b.wild.org", "240.240.0.3"],
  ["exact.wild.org", "240.240.0.4"],
  ["wild.org", undefined],
  ["bar.foo.global.svc.cluster.local", undefined],
  ["unknown.shop.svc.cluster.local", undefined],
  ["", undefined],
])("%s → %p", (name, address) => {
  expect(found(name)).toBe(address);
});

test("both families; the name that was meant", () => {
  expect(index.lookUp("web")).toEqual({ name: "web", v4: ["10.1.0.1"], v6: ["fd00::1"] });
  expect(index.lookUp("bar.foo.global.shop.svc.cluster.local")?.name).toBe("bar.foo.global");
});
