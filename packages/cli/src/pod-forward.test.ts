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
  await forward.close();
  const stream = new PassThrough();
  const closed = once(stream, "close");
  answer.resolve(stream);
  await closed;
  expect(stream.destroyed).toBe(true);
});

test("closing ends connections that are open, as a browser keeps them", async () => {
  const stream = new PassThrough();
  const portForward = async () => stream;
  const forward = await forwardPod(
    { portForward },
    { namespace: "default", pod: "web", port: 80 },
    { address: "127.0.0.1", port: 0 },
  );
  const caller = connect(forward.port, "127.0.0.1");
  caller.write("hello");
  await once(caller, "data");
  await Promise.all([once(caller, "close"), forward.close()]);
  expect(stream.destroyed).toBe(true);
});
