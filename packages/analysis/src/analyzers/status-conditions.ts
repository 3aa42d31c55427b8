import { groupOf, readObjects, readString, refOf } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";
import { fields } from "../pod-template.ts";

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
        ...readObjects(status["conditions"]),
        ...readObjects(status["parents"]).flatMap((parent) => readObjects(parent["conditions"])),
        ...readObjects(status["listeners"]).flatMap((listener) => readObjects(listener["conditions"])),
      ];
      return conditions.flatMap((condition) => {
        const type = readString(condition["type"]);
        if (!["Accepted", "Programmed", "ResolvedRefs"].includes(type) || condition["status"] !== "False") return [];
        return [
          finding(
            "IST0171",
            refOf(object),
            "status",
            `condition "${type}" is False: ${readString(condition["reason"])}: ${readString(condition["message"])}`,
          ),
        ];
      });
    }),
};
