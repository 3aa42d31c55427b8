import { expect, test } from "bun:test";
import { inApplyOrder } from "./apply-order.ts";

test("what others need comes first, webhooks last, equals keep their order", () => {
  const kinds = [
    "MutatingWebhookConfiguration",
    "Gateway",
    "Deployment",
    "Service",
    "ServiceAccount",
    "CustomResourceDefinition",
    "Gateway",
    "Namespace",
  ];
  const ordered = inApplyOrder(kinds.map((kind, index) => ({ kind, index })));
  expect(ordered.map(({ kind, index }) => `${kind}${index}`)).toEqual([
    "Namespace7",
    "CustomResourceDefinition5",
    "ServiceAccount4",
    "Service3",
    "Deployment2",
    "Gateway1",
    "Gateway6",
    "MutatingWebhookConfiguration0",
  ]);
});
