import { expect, test } from "bun:test";
import { KernelError } from "../kernel-error.ts";
import type { Libc } from "../libc.ts";
import { NETLINK_NETFILTER, openNetlinkSocket } from "../socket.ts";
import { missingNfTables } from "./missing.ts";

const no = (): never => {
  throw new Error("not called");
};
/** As on a kernel without netfilter: no machine at hand runs one. */
const withoutNetfilter: Libc = {
  socket: () => -1,
  lastError: () => 93,
  bind: no,
  setsockopt: no,
  send: no,
  receive: no,
  open: no,
  setns: no,
  close: no,
};

test("a kernel without packet filter is one sentence with the remedy", () => {
  let caught: unknown;
  try {
    openNetlinkSocket(withoutNetfilter, NETLINK_NETFILTER);
  } catch (error) {
    caught = error;
  }
  const sentence = missingNfTables(caught) ?? "";
  expect(sentence).toStartWith("this kernel has not loaded nf_tables");
  expect(sentence).toContain("EPROTONOSUPPORT");
  expect(sentence).toContain("modprobe -a nf_tables");
  expect(sentence).not.toContain("\n");
});

test("a missing module of one expression too; other refusals are not explained away", () => {
  expect(missingNfTables(new KernelError("rule 3 of chain c", 2, ""))).toContain("a part of nf_tables");
  expect(missingNfTables(new KernelError("rule", 1, ""))).toBeUndefined();
  expect(missingNfTables(new Error("x"))).toBeUndefined();
});
