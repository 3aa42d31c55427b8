import {
  addAddress,
  addRoute,
  applyRuleset,
  createLibc,
  KernelError,
  linkIndex,
  listAddresses,
  listRuleset,
  NETLINK_NETFILTER,
  NETLINK_ROUTE,
  openNetlinkSocket,
  type Ruleset,
  runCommands,
  setLinkUp,
} from "@heddle/netlink";

/** Runs inside a fresh network namespace; prints what the kernel made of it as one JSON object. */
const libc = createLibc();
const route = openNetlinkSocket(libc, NETLINK_ROUTE);
const lo = linkIndex(route, "lo");
runCommands(route, [setLinkUp("lo"), addAddress(lo, "10.7.7.7/32"), addAddress(lo, "10.7.7.7/32")]);
runCommands(route, [addRoute({ to: "10.8.0.0/16", device: lo, source: "10.7.7.7" })]);
const addresses = listAddresses(route).map(({ ip }) => ip);

const filter = openNetlinkSocket(libc, NETLINK_NETFILTER);
const own = (shared: boolean): Ruleset => ({
  tables: [
    {
      family: "ip",
      name: "nat",
      shared,
      chains: [
        {
          name: "OUTPUT",
          hook: { type: "nat", name: "output", priority: -100 },
          rules: [{ statements: [{ kind: "counter" }, { kind: "jump", chain: "OURS" }] }],
        },
        {
          name: "OURS",
          rules: [
            {
              statements: [
                { kind: "protocol", protocol: "tcp" },
                { kind: "redirect", port: 15001 },
              ],
            },
            { statements: [{ kind: "owner", of: "user", id: 5, lastId: 9 }, { kind: "return" }] },
          ],
        },
      ],
    },
  ],
});
const foreign: Ruleset = {
  tables: [
    {
      family: "ip",
      name: "nat",
      chains: [
        {
          name: "OUTPUT",
          hook: { type: "nat", name: "output", priority: -100 },
          rules: [{ statements: [{ kind: "accept" }] }],
        },
      ],
    },
  ],
};
applyRuleset(filter, foreign);
applyRuleset(filter, own(true));
applyRuleset(filter, own(true));
const merged = listRuleset(filter, "ip").map(({ chain, expressions }) => `${chain}: ${expressions.join(" ")}`);
applyRuleset(filter, own(false));
const replaced = listRuleset(filter, "ip").length;

const failure = (work: () => void): string => {
  try {
    work();
    return "";
  } catch (error) {
    return error instanceof KernelError ? error.message : `unexpected: ${error}`;
  }
};
const missingChain = failure(() =>
  applyRuleset(filter, {
    tables: [
      {
        family: "ip",
        name: "nat",
        chains: [{ name: "A", rules: [{ statements: [{ kind: "jump", chain: "NOWHERE" }] }] }],
      },
    ],
  }),
);
const afterFailure = listRuleset(filter, "ip").length;
const missingLink = failure(() => linkIndex(route, "nope0"));
process.stdout.write(JSON.stringify({ addresses, merged, replaced, missingChain, afterFailure, missingLink }));
