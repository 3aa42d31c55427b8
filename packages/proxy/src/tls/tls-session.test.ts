import { expect, test } from "bun:test";
import { damaged, seededRandom } from "@heddle/std/damage";
import { readTlsSession } from "./tls-session.ts";

/** As the runtime gives a session: version, TLS version, cipher, id, secret, …, group. */
function session(id: string, group: string): Buffer {
  const idBytes = Buffer.from(id, "hex");
  const body = Buffer.concat([
    Buffer.from("020101020203040402130104", "hex"),
    Buffer.from([idBytes.length]),
    idBytes,
    Buffer.from("0402abcd", "hex"),
    Buffer.from(`b2040202${group}`, "hex"),
  ]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}

test("a session's id and group", () => {
  expect(readTlsSession(session("", "11ec"))).toEqual({ id: "", group: "X25519MLKEM768" });
  expect(readTlsSession(session("abcd", "0017"))).toEqual({ id: "abcd", group: "P-256" });
});

test("what is no session gives nothing, and never throws", () => {
  const whole = session("abcd", "0017");
  for (let i = 0; i < whole.length; i++) expect(readTlsSession(whole.subarray(0, i))).toBeUndefined();
  expect(readTlsSession(Buffer.from("NOT RESUMABLE"))).toBeUndefined();
  const random = seededRandom(52);
  for (let round = 0; round < 3000; round++) {
    const read = readTlsSession(damaged(whole, random));
    if (read !== undefined) expect([/^([\da-f]{2})*$/.test(read.id), typeof read.group]).toEqual([true, "string"]);
  }
});
