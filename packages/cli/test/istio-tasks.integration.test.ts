import { afterAll, afterEach, beforeAll, describe, test } from "bun:test";
import { bookinfoTasks } from "./istio-tasks/bookinfo-tasks.ts";
import { egressTasks } from "./istio-tasks/egress-tasks.ts";
import { ingressTasks } from "./istio-tasks/ingress-tasks.ts";
import { createIssuer, programs } from "./istio-tasks/programs.ts";
import { resilienceTasks } from "./istio-tasks/resilience-tasks.ts";
import { startTasks, type Task, type TasksCluster } from "./istio-tasks/tasks-cluster.ts";

const issuer = await createIssuer("example.com");
/** Istio's traffic management tasks, on our proxy, with its samples. */
const tasks: Readonly<Record<string, readonly Task[]>> = {
  bookinfo: bookinfoTasks,
  resilience: resilienceTasks,
  ingress: ingressTasks(issuer),
  egress: egressTasks(issuer),
};

let cluster: TasksCluster;

beforeAll(async () => {
  const files = [
    "bookinfo/platform/kube/bookinfo.yaml",
    "bookinfo/networking/bookinfo-gateway.yaml",
    "bookinfo/networking/destination-rule-all.yaml",
    "httpbin/httpbin.yaml",
    "tcp-echo/tcp-echo-services.yaml",
  ];
  const { objects, pods } = await programs(issuer);
  cluster = await startTasks("test-istio-tasks", files, objects, 9 + pods);
}, 180_000);

afterEach(async () => {
  await cluster?.undo();
}, 60_000);

afterAll(async () => {
  await cluster?.close();
}, 60_000);

for (const [group, list] of Object.entries(tasks))
  describe(group, () => {
    test.each(list.map((task) => [task.name, task] as const))("%s", (_name, task) => task.run(cluster), 90_000);
  });
