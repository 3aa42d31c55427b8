import { groupOf, refOf } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";
import { fields, list, text } from "../pod-template.ts";

/** What controllers say in the status of Gateway API resources. */
export const statusConditions: Analyzer = {
  name: "conditions.Condition",
  about: "Gateway API resources are accepted and programmed",
  codes: ["IST0171"],
  analyze: ({ objects }) =>
    objects.flatMap((object) => {
      if (groupOf(object.apiVersion) !== "gateway.networking.k8s.io") return [];
      const status = fields(object["status"]);
      const conditions = [
        ...list(status["conditions"]),
        ...list(status["parents"]).flatMap((parent) => list(parent["conditions"])),
        ...list(status["listeners"]).flatMap((listener) => list(listener["conditions"])),
      ];
      return conditions.flatMap((condition) => {
        const type = text(condition["type"]);
        if (!["Accepted", "Programmed", "ResolvedRefs"].includes(type) || condition["status"] !== "False") return [];
        return [
          finding(
            "IST0171",
            refOf(object),
            "status",
            `condition "${type}" is False: ${text(condition["reason"])}: ${text(condition["message"])}`,
          ),
        ];
      });
    }),
};
