import { expect, test } from "bun:test";
import { createManualClock } from "@heddle/std";
import { secretAccess } from "./secret-kubeconfig.ts";

const text = (user: unknown, cluster: object = {}) =>
  JSON.stringify({
    "current-context": "west",
    contexts: [{ name: "west", context: { cluster: "west", user: "mirror" } }],
    clusters: [{ name: "west", cluster: { server: "https://198.18.1.1:6443", ...cluster } }],
    users: [{ name: "mirror", user }],
  });
const read = (config: string) => secretAccess(config, "secret linkerd-multicluster/x", createManualClock());

test("a token and data of certificates are taken", async () => {
  const access = await read(text({ token: "t" }, { "certificate-authority-data": btoa("PEM") }));
  expect([access.server, access.ca]).toEqual(["https://198.18.1.1:6443", "PEM"]);
  expect(await access.credentials.headers()).toEqual({ authorization: "Bearer t" });
});

test("programs and files of this machine are not", async () => {
  for (const user of [{ exec: { command: "sh" } }, { tokenFile: "/etc/shadow" }, { "client-key": "/root/key" }])
    await expect(read(text(user))).rejects.toThrow(
      `secret linkerd-multicluster/x: users[mirror].${Object.keys(user)[0]} is not taken from a Secret`,
    );
  await expect(read(text({ token: "t" }, { "certificate-authority": "/etc/ca" }))).rejects.toThrow(
    "certificate-authority",
  );
});

test("what to write instead of a file is a field that there is", async () => {
  await expect(read(text({ tokenFile: "/etc/shadow" }))).rejects.toThrow(/; use token$/);
  await expect(read(text({ "client-key": "/root/key" }))).rejects.toThrow(/; use client-key-data$/);
  await expect(read(text({ tokenFile: null, token: "t" }))).resolves.toBeDefined();
});

test("what is no kubeconfig is a sentence", async () => {
  await expect(read("{")).rejects.toThrow("is not YAML");
  await expect(read("hello")).rejects.toThrow("current-context is not set");
});
