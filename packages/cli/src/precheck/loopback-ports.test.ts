import { expect, test } from "bun:test";
import { loopbackPorts } from "./loopback-ports.ts";

test("ports that are bound to loopback alone are found, in both families", () => {
  const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0600007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   2: 00000000:3A99 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   3: 0100007F:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   4: 0100007F:2329 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 1 1
  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:2328 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 00000000000000000000000001000000:232A 00000000000000000000000000000000:0000 0A 00000000:00000000
`;
  expect(loopbackPorts(text)).toEqual([0x1f90, 0x50, 0x232a]);
  expect(loopbackPorts("cat: /proc/net/tcp6: No such file")).toEqual([]);
});
