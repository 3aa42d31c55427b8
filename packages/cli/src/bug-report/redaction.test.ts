import { expect, test } from "bun:test";
import { redactLine, redactObject } from "./redaction.ts";

test("no value of a Secret, of a variable or of a copy of the object leaves the cluster", () => {
  const secret = { kind: "Secret", metadata: { name: "db" }, data: { user: "cm9vdA==", any: "aHVudGVyMg==" } };
  expect(redactObject(secret)).toEqual({ ...secret, data: { user: "[redacted]", any: "[redacted]" } });
  const pod = {
    kind: "Pod",
    metadata: {
      managedFields: [{}],
      annotations: { "kubectl.kubernetes.io/last-applied-configuration": '{"password":"hunter2"}', note: "stays" },
    },
    spec: {
      containers: [
        {
          args: ["--db-password=hunter2", "postgres://root:hunter2@db/x"],
          env: [
            { name: "DB_PASSWORD", value: "hunter2" },
            { name: "MODE", value: "fast" },
            { name: "API_TOKEN", valueFrom: { secretKeyRef: { name: "db", key: "any" } } },
          ],
        },
      ],
    },
  };
  const text = JSON.stringify(redactObject(pod));
  expect(text).not.toContain("hunter2");
  expect(text).toContain('"note":"stays"');
  expect(text).toContain('"value":"fast"');
  expect(text).toContain('"key":"any"');
});

test("credentials in log lines", () => {
  expect(redactLine("GET /x authorization: Bearer abcdef0123456789")).not.toContain("abcdef");
  expect(redactLine("-----BEGIN EC PRIVATE KEY-----\nMHc=\n-----END EC PRIVATE KEY-----")).not.toContain("MHc");
  expect(redactLine("started --token abc --port 80")).toBe("started --token [redacted] --port 80");
});
