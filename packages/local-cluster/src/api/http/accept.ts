/** What form of answer a client wants, by its `Accept` header. */
export interface AnswerForm {
  readonly as: "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList" | "APIGroupDiscoveryList" | "";
  readonly yaml: boolean;
}

const PLAIN: AnswerForm = { as: "", yaml: false };

/** The first form that the server can give; undefined when none fits. */
export function negotiate(accept: string | undefined): AnswerForm | undefined {
  if (accept === undefined || accept === "") return PLAIN;
  for (const choice of accept.split(",")) {
    const [type = "", ...parameters] = choice.split(";").map((part) => part.trim());
    if (!["application/json", "application/yaml", "application/*", "*/*"].includes(type)) continue;
    const yaml = type === "application/yaml";
    const values = new Map(parameters.map((parameter) => splitPair(parameter)));
    const as = values.get("as");
    if (as === undefined) return { as: "", yaml };
    if (as === "APIGroupDiscoveryList" && values.get("v") === "v2") return { as, yaml };
    if (
      (as === "Table" || as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") &&
      values.get("v") === "v1"
    ) {
      return { as, yaml };
    }
  }
  return undefined;
}

function splitPair(parameter: string): [string, string] {
  const index = parameter.indexOf("=");
  return index < 0 ? [parameter, ""] : [parameter.slice(0, index), parameter.slice(index + 1)];
}
