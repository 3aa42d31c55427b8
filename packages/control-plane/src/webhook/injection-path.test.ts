import { expect, test } from "bun:test";
import { readInjectionPath } from "./injection-path.ts";

test.each([
  ["/inject", undefined, undefined],
  ["/inject/", undefined, undefined],
  ["/inject/cluster/west", "west", undefined],
  ["/inject/cluster/west/net/net-west", "west", "net-west"],
  ["/inject/net/n/cluster/c/", "c", "n"],
  ["/inject/:ENV:cluster=west:ENV:net=n", "west", "n"],
  ["/inject/cluster/a%2Fb", "a/b", undefined],
  ["/inject/asked/label", undefined, undefined],
  ["/inject/cluster/west/net/n/asked/label", "west", "n"],
])("%s", (path, cluster, network) => {
  expect(readInjectionPath(path)).toEqual({ cluster, network, asked: path.endsWith("/asked/label") });
});

test.each([
  ["/inject/cluster", '"cluster" is without a value'],
  ["/inject/cluster/west/net", '"net" is without a value'],
  ["/inject/west", '"west" is unknown; the form is /inject/cluster/NAME/net/NETWORK'],
  ["/inject/cluster/%zz", '"cluster" is without a value'],
  ["/inject/:ENV:rail=yes", '"rail" is unknown'],
  ["/inject/asked/yes", 'only "label" can follow it'],
])("%s is refused", (path, sentence) => {
  expect(readInjectionPath(path)).toContain(sentence);
});
