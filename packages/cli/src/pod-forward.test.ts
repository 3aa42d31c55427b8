import { expect, test } from "bun:test";
import { once } from "node:events";
import { connect } from "node:net";
import { PassThrough } from "node:stream";
import { forwardPod } from "./pod-forward.ts";

test("a caller that goes before the pod has answered leaves no connection to the pod open", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<PassThrough>();
  const portForward = () => {
    asked.resolve();
    return answer.promise;
  };
  const target = { namespace: "default", pod: "web", port: 80 };
  const forward = await forwardPod({ portForward }, target, { address: "127.0.0.1", port: 0 });
  const caller = connect(forward.port, "127.0.0.1");
  await once(caller, "connect");
  await asked.promise;
  caller.resetAndDestroy();
  // The listener closes when its last connection has ended.
  await forward.close();
  const stream = new PassThrough();
  const closed = once(stream, "close");
  answer.resolve(stream);
  await closed;
  expect(stream.destroyed).toBe(true);
});
