export { ATTRIBUTES, type AttributeType } from "./attributes.ts";
export { compileExpression, type Expression, type ExpressionUse, textOf } from "./expression.ts";
export type { AttributeSource, AttributeValue } from "./operation.ts";
